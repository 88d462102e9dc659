"""Reads the clips of a data set, whatever form it has."""

import hashlib
from pathlib import Path

from frontend.types import StrPath
from zoo.data.audioset import SEGMENTS, read_audioset
from zoo.data.classes import name_classes, read_class_list
from zoo.data.esc import TABLE, is_esc_table, read_esc
from zoo.data.folder import read_folder
from zoo.data.manifest import read_manifest
from zoo.data.ontology import Ontology
from zoo.data.records import TRAIN, VALIDATION, Source


def read_source(
    path: StrPath,
    *,
    clips: StrPath | None = None,
    labels: StrPath | None = None,
    ontology: StrPath | None = None,
    imply_parents: bool = False,
    esc10: bool = False,
    unlabelled: bool = False,
    hold_out: float = 0.0,
) -> Source:
    """Reads a data set without decoding its sounds.

    Args:
        path: one of

            * a folder of class folders (see `read_folder`), or a folder with a `manifest.csv`;
            * a CSV manifest of file, label and split (see `read_manifest`);
            * AudioSet's `*_segments.csv`, or a folder of them (see `read_audioset`);
            * ESC-50's folder, or ESC-10 as a CSV file of file, category and fold (see `read_esc`).
        clips: of AudioSet, the folder of the clips; default: the folder of the lists.
        labels: file of the classes in order (see `read_class_list`).
        ontology: path of AudioSet's `ontology.json`, which gives classes their AudioSet ids.
        imply_parents: clips get all classes that the ontology has above theirs, too.
        esc10: of ESC-50, read ESC-10 only.
        unlabelled: of a manifest, keep rows whose label is empty, as clips without labels, from
            which a network learns what teachers hear. They are skipped otherwise.
        hold_out: share of the clips of the split "train" that are moved to "validation". It goes by
            a hash of the clip's id: a clip stays where it is as others come.

    Returns:
        `Source`.

    Raises:
        OSError: a file cannot be read.
        ValueError: the form is not known, two clips have one id, a label is not in `labels`, or an
            option does not fit.
    """
    if imply_parents and not ontology:
        raise ValueError("Parents are implied by an ontology; name its file.")
    if not 0 <= hold_out < 1:
        raise ValueError(f"The share to hold out must be from 0 to below 1. Received: {hold_out}")
    source = _read(Path(path), clips, esc10, unlabelled)
    _check_ids(source.clips)
    source = name_classes(
        source,
        class_list=read_class_list(labels) if labels else None,
        ontology=Ontology(ontology) if ontology else None,
        imply_parents=imply_parents,
    )
    return _hold_out(source, hold_out) if hold_out else source


def _read(path, clips, esc10, unlabelled):
    """What the reader of this form of data set makes of it."""
    path.stat()  # says plainly what is missing
    segments = sorted(path.glob(SEGMENTS)) if path.is_dir() else [path] * path.match(SEGMENTS)
    table = _table(path)
    is_esc = table is not None and not segments and is_esc_table(table)
    if clips and not segments:
        raise ValueError(f"A folder of clips goes with AudioSet's {SEGMENTS}. Received: {path}")
    if esc10 and not is_esc:
        raise ValueError(f"ESC-10 is a part of ESC-50, which {path} is not.")
    if unlabelled and (segments or is_esc or not table):
        raise ValueError(f"Only a manifest may have clips without labels, and {path} is none.")
    if segments:
        return read_audioset(segments, clips or segments[0].parent)
    if is_esc:
        return read_esc(table, esc10=esc10)
    return read_manifest(table, unlabelled=unlabelled) if table else read_folder(path)


def _table(path):
    """The CSV file that describes the data set, or None where its folders do."""
    if path.is_dir():
        return next(filter(Path.is_file, (path / TABLE, path / "manifest.csv")), None)
    if path.suffix.lower() != ".csv":
        raise ValueError(f"{path} is neither a folder nor a CSV file.")
    return path


def _check_ids(clips):
    files = {}
    for clip in clips:
        other = files.setdefault(clip.id, clip.path)
        if other is not clip.path:
            raise ValueError(
                f"Two clips have the id {clip.id}: {other} and {clip.path}. Remove or rename one, "
                "or, in a manifest, join the labels of one file by ;."
            )


def _hold_out(source, share):
    if all(clip.split != TRAIN for clip in source.clips):
        raise ValueError(f"There is no split {TRAIN!r} to hold clips out of.")

    def move(clip):
        digest = hashlib.sha256(clip.id.encode("utf-8", "surrogateescape")).digest()
        held_out = int.from_bytes(digest[:8], "big") < share * 2**64
        return clip._replace(split=VALIDATION) if held_out and clip.split == TRAIN else clip

    return source._replace(clips=list(map(move, source.clips)))
