"""Reads the clips of a data set, whatever form it has."""

from pathlib import Path

from frontend.types import StrPath
from zoo.data import esc, fsd50k, urbansound
from zoo.data.audioset import SEGMENTS, read_audioset
from zoo.data.classes import name_classes, read_class_list
from zoo.data.folder import read_folder, unwrapped
from zoo.data.hold_out import hold_out as hold_out_clips
from zoo.data.manifest import read_manifest
from zoo.data.ontology import Ontology
from zoo.data.records import Source
from zoo.data.tables import SUFFIXES, Table

_TABLES = [esc.TABLE, *urbansound.TABLES, *fsd50k.TABLES]
_TABLES += [Path(f"manifest{suffix}") for suffix in sorted(SUFFIXES)]


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
            * a manifest, a table of file, label and split (see `read_manifest`);
            * AudioSet's `*_segments.csv`, or a folder of them (see `read_audioset`);
            * ESC-50's folder, or ESC-10 as a table of file, category and fold (see `read_esc`);
            * the folder, or the table, of UrbanSound8K (see `read_urbansound`) or of FSD50K (see
              `read_fsd50k`).

            A folder that holds one of these folders and nothing else is looked through.
        clips: of AudioSet, the folder of the clips; default: the folder of the lists.
        labels: file of the classes in order (see `read_class_list`).
        ontology: path of AudioSet's `ontology.json`, which gives classes their AudioSet ids.
        imply_parents: clips get all classes that the ontology has above theirs, too.
        esc10: of ESC-50, read ESC-10 only.
        unlabelled: of a manifest, keep rows whose label is empty, as clips without labels, from
            which a network learns what teachers hear. They are skipped otherwise.
        hold_out: share of the clips of the split "train" that are moved to "validation", at least
            one of each class that has two (see `hold_out.hold_out`).

    Returns:
        `Source`.

    Raises:
        OSError: a file cannot be read.
        ValueError: the form is not known, two clips have one id, a label is not in `labels`, or an
            option does not fit.
    """
    if not 0 <= hold_out < 1:
        raise ValueError(f"The share to hold out must be from 0 to below 1. Received: {hold_out}")
    source = _read(Path(path), clips, esc10, unlabelled)
    check_ids(source.clips)
    source = name_classes(
        source,
        class_list=read_class_list(labels) if labels else None,
        ontology=Ontology(ontology) if ontology else None,
        imply_parents=imply_parents,
    )
    return hold_out_clips(source, hold_out) if hold_out else source


def _read(path, clips, esc10, unlabelled):
    """What the reader of this form of data set makes of it."""
    path.stat()  # says plainly what is missing
    path, segments, table = _described(path)
    is_esc = table is not None and esc.is_esc_table(table)
    is_fsd50k = table is not None and fsd50k.is_fsd50k_table(table)
    is_urbansound = table is not None and urbansound.is_urbansound_table(table)
    if clips and not segments:
        raise ValueError(f"A folder of clips goes with AudioSet's {SEGMENTS}. Received: {path}")
    if esc10 and not is_esc:
        raise ValueError(f"ESC-10 is a part of ESC-50, which {path} is not.")
    if unlabelled and (table is None or is_esc or is_fsd50k or is_urbansound):
        raise ValueError(f"Only a manifest may have clips without labels, and {path} is none.")
    if segments:
        return read_audioset(segments, clips or segments[0].parent)
    if is_esc:
        return esc.read_esc(table, esc10=esc10)
    if is_urbansound:
        return urbansound.read_urbansound(table)
    if is_fsd50k:
        both = [path / name for name in fsd50k.TABLES if (path / name).is_file()]
        return fsd50k.read_fsd50k(both or [path])
    return read_manifest(table, unlabelled=unlabelled) if table else read_folder(path)


def _described(path):
    """The path, inside of folders that hold but one; lists of segments; and the table, or None,
    that describe the data set, where its folders do not."""
    if not path.is_dir():
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"{path} is neither a folder nor a table ({', '.join(sorted(SUFFIXES))})."
            )
        return (path, [path], None) if path.match(SEGMENTS) else (path, [], Table(path))
    for folder in unwrapped(path):
        segments = sorted(folder.glob(SEGMENTS))
        tables = [folder / name for name in _TABLES if (folder / name).is_file()]
        if segments or tables:
            return folder, segments, None if segments else Table(tables[0])
    return path, [], None


def check_ids(clips):
    """Raises ValueError if two of the clips have one id."""
    files = {}
    for clip in clips:
        if clip.id in files:
            raise ValueError(
                f"Two clips have the id {clip.id}: {files[clip.id]} and {clip.path}. Remove or "
                "rename one, list it once, or, in a manifest, join the labels of one file by ;."
            )
        files[clip.id] = clip.path
