"""Clips of any source to prepared data: decode once, train many times."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from frontend.types import StrPath
from zoo.data.example import SAMPLE_RATE, encode_text
from zoo.data.prepared import ARRAYS, CLIP, FORMAT, INDEX, SHARDS, PreparedData, open_prepared
from zoo.data.records import Skipped, Source
from zoo.data.shards import Shards
from zoo.files import write_atomically

CLIPS_PER_SHARD = 512

_PLAN = "plan.json"


def prepare(
    source: Source,
    folder: StrPath,
    *,
    threads: int | None = None,
    clips_per_shard: int = CLIPS_PER_SHARD,
    progress: Callable[[int], object] | None = None,
) -> PreparedData:
    """Decodes the clips of a source into a folder of prepared data.

    Sound is mixed to mono, resampled to 16 kHz and rounded to 16 bits. Clips that cannot be
    decoded, or are longer than an hour, are skipped, and listed in the index. Run again after it
    was stopped or killed, it keeps the shards that are finished; a shard that went missing or was
    cut short is made again.

    Args:
        source: `Source`, as from `read_source`.
        folder: new or empty, or what an earlier run on the same source left.
        threads: how many decode at a time; default: one for each core.
        clips_per_shard: of the source, skipped ones among them.
        progress: function that is told how many more clips are done, from any of the threads.

    Returns:
        `PreparedData`.

    Raises:
        ValueError: no clips, less than two classes, or a folder of other data.
        OSError: the folder cannot be written, or is full.
    """
    if not source.clips:
        raise ValueError(_empty(source.skipped))
    if len(source.labels) < 2:
        raise ValueError(
            f"There is one class only, {source.labels[0].name!r}; a classifier needs two or more."
        )
    threads = os.cpu_count() or 1 if threads is None else threads
    if threads < 1:
        raise ValueError(f"threads must be at least 1. Received: {threads}")
    folder = Path(folder)
    fingerprint = _fingerprint(source)
    _claim(folder, {"format": FORMAT, "clips_per_shard": clips_per_shard, "source": fingerprint})
    shards = Shards(
        source.clips, folder / SHARDS, clips_per_shard, progress or (lambda clips: None)
    )
    unfinished = shards.unfinished()
    summary = [folder / f"{name}.npy" for name in ARRAYS] + [folder / INDEX]
    if unfinished or not all(path.is_file() for path in summary):
        # The index comes last: where there is one, all that it speaks of is there.
        (folder / INDEX).unlink(missing_ok=True)
        shards.write(unfinished, threads)
        _write_index(source, folder, shards)
    return open_prepared(folder)


def _fingerprint(source):
    """SHA-256 of all that prepared data depend on: clips, their files' sizes, and labels."""
    digest = hashlib.sha256()
    for clip in source.clips:
        size = os.path.getsize(clip.path) if os.path.isfile(clip.path) else None
        digest.update(json.dumps([clip.id, clip.labels, clip.split, size]).encode())
    digest.update(json.dumps([source.labels, [clip.clip_id for clip in source.skipped]]).encode())
    return digest.hexdigest()


def _claim(folder, plan):
    """Makes the folder this plan's; ValueError if it already is another's."""
    path = folder / _PLAN
    if path.is_file():
        if path.read_text(encoding="utf-8") != json.dumps(plan):
            raise ValueError(
                f"{folder} holds data of another source, or with other options, or of another "
                "version of soundzoo. Name another folder, or delete it."
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not prepared data. Name a new folder.")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as file:
            file.write(json.dumps(plan).encode())
    (folder / SHARDS).mkdir(exist_ok=True)


def _write_index(source, folder, shards):
    """Puts together, from the notes of the shards, the arrays and the index."""
    rows, sums, skipped, entries = [], [], list(source.skipped), []
    for number in range(len(shards)):
        note = shards.note(number)
        for *row, of_clip in note["clips"]:
            rows.append((number, *row))
            sums.append(np.array(of_clip, np.uint32))
        skipped += [Skipped(*values) for values in note["skipped"]]
        entries.append(
            {
                "file": shards.path(number).relative_to(folder).as_posix(),
                "clips": len(note["clips"]),
                "bytes": note["bytes"],
                "sha256": note["sha256"],
            }
        )
    if not rows:
        raise ValueError(_empty(skipped))
    clips = [source.clips[position] for _, position, *_ in rows]
    splits = sorted({clip.split for clip in clips})
    arrays = _arrays(rows, sums, clips, splits, source.labels)
    for name in ARRAYS:
        with write_atomically(folder / f"{name}.npy") as file:
            np.save(file, arrays[name])
    index = {
        "format": FORMAT,
        "sample_rate": SAMPLE_RATE,
        **_counts(arrays, splits, source.labels),
        "skipped": [entry._asdict() for entry in skipped],
        "shards": entries,
    }
    with write_atomically(folder / INDEX) as file:
        file.write(json.dumps(index, indent=1).encode() + b"\n")


def _arrays(rows, sums, clips, splits, labels):
    """The arrays that the module `prepared` describes, by name."""
    table = np.zeros(len(clips), CLIP)
    columns = zip(*rows, strict=True)
    table["shard"], _, table["offset"], table["samples"], table["power"] = columns
    table["checksum"] = _offsets([len(of_clip) for of_clip in sums])[:-1]
    split_number = {split: number for number, split in enumerate(splits)}
    table["split"] = [split_number[clip.split] for clip in clips]
    class_number = {label.name: number for number, label in enumerate(labels)}
    ids = [encode_text(clip.id) for clip in clips]
    return {
        "clips": table,
        "checksums": np.concatenate(sums),
        "ids": np.frombuffer(b"".join(ids), np.uint8),
        "id_offsets": _offsets([len(text) for text in ids]),
        "label_indices": np.array(
            [class_number[label] for clip in clips for label in clip.labels], np.int32
        ),
        "label_offsets": _offsets([len(clip.labels) for clip in clips]),
    }


def _offsets(lengths):
    """Where each of several pieces starts, laid end to end, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _counts(arrays, splits, labels):
    """How much there is of each split and each class, as the index has it."""
    split = arrays["clips"]["split"]
    hours = arrays["clips"]["samples"] / (SAMPLE_RATE * 3600)
    split_of_label = np.repeat(split, np.diff(arrays["label_offsets"]))
    in_class = np.zeros((len(labels), len(splits)), np.int64)
    np.add.at(in_class, (arrays["label_indices"], split_of_label), 1)
    return {
        "clips": len(split),
        "hours": round(float(hours.sum()), 4),
        "splits": {
            name: {
                "clips": int((split == number).sum()),
                "hours": round(float(hours[split == number].sum()), 4),
                "classes": int((in_class[:, number] > 0).sum()),
            }
            for number, name in enumerate(splits)
        },
        "labels": [
            {**label._asdict(), "clips": dict(zip(splits, counts, strict=True))}
            for label, counts in zip(labels, in_class.tolist(), strict=True)
        ],
    }


def _empty(skipped):
    where = skipped and (skipped[0].clip_id or skipped[0].file)
    first = f", the first of them {where}: {skipped[0].reason}" if skipped else ""
    return f"The data set is empty: {len(skipped)} clips were skipped{first}."
