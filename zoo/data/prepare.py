"""Clips of any source to prepared data: decode once, train many times."""

import hashlib
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from frontend import check_sample_rate
from frontend.types import StrPath
from zoo.data.example import SAMPLE_RATE, encode_text
from zoo.data.prepared import ARRAYS, CLIP, FORMAT, INDEX, SHARDS, PreparedData, open_prepared
from zoo.data.records import Skipped, Source
from zoo.data.shards import Shards, shard_name
from zoo.files import remove_abandoned, sha256, write_atomically
from zoo.json_text import parse_object
from zoo.locks import alone_in
from zoo.seal import sealed

CLIPS_PER_SHARD = 512

PLAN = "plan.json"


def prepare(
    source: Source,
    folder: StrPath,
    *,
    sample_rate: int = SAMPLE_RATE,
    threads: int | None = None,
    clips_per_shard: int = CLIPS_PER_SHARD,
    progress: Callable[[int], object] | None = None,
) -> PreparedData:
    """Decodes the clips of a source into a folder of prepared data.

    Sound is mixed to mono, resampled and rounded to 16 bits. Clips that cannot be
    decoded, or are longer than an hour, are skipped, and listed in the index. Run again after it
    was stopped or killed, it keeps the shards that are finished; a shard that went missing or was
    cut short is made again.

    Args:
        source: `Source`, as from `read_source`.
        folder: new or empty, or what an earlier run on the same source left.
        sample_rate: in Hz, that of the networks which are to hear the clips.
        threads: how many decode at a time; default: one for each core.
        clips_per_shard: of the source, skipped ones among them.
        progress: function that is told how many more clips are done, from any of the threads.

    Returns:
        `PreparedData`.

    Raises:
        ValueError: no clips, less than two classes, a folder of other data, or a sample rate that
            is none.
        OSError: the folder cannot be written, or is full, or another process is at it.
    """
    check_usable(len(source.clips), source.labels, source.skipped)
    check_rate(sample_rate)
    threads = os.cpu_count() or 1 if threads is None else threads
    if threads < 1:
        raise ValueError(f"threads must be at least 1. Received: {threads}")
    folder = Path(folder)
    plan = make_plan(source.clips, source.labels, source.skipped, clips_per_shard, sample_rate)
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        claim(folder, plan)
        shards = Shards(
            source.clips,
            folder / SHARDS,
            clips_per_shard,
            sample_rate,
            progress or (lambda clips: None),
        )
        unfinished = shards.unfinished()
        summary = [folder / f"{name}.npy" for name in ARRAYS] + [folder / INDEX]
        if unfinished or not all(path.is_file() for path in summary):
            # The index comes last: where there is one, all that it speaks of is there.
            (folder / INDEX).unlink(missing_ok=True)
            shards.write(unfinished, threads)
            write_index(folder, source.labels, source.skipped, sample_rate, shards.notes())
        return open_prepared(folder)


def check_usable(clips, labels, skipped):
    """Raises ValueError if so many clips, of these classes, are nothing to train on."""
    if not clips:
        raise ValueError(_empty(skipped))
    if not labels:
        raise ValueError("No clip has a label; name the classes, --labels FILE.")
    if len(labels) < 2:
        raise ValueError(
            f"There is one class only, {labels[0].name!r}; a classifier needs two or more."
        )


def check_rate(sample_rate):
    """As `frontend.check_sample_rate`; the rate must be whole, too, as the index has it."""
    check_sample_rate(sample_rate)
    if not isinstance(sample_rate, int):
        raise ValueError(f"sample_rate must be a whole number of Hz. Received: {sample_rate}")


def make_plan(clips, labels, skipped, clips_per_shard, sample_rate):
    """All that prepared data depend on, a dict of JSON types; of clips, which may be an iterator,
    a SHA-256 of their ids, labels and splits, and their files' sizes."""
    digest = hashlib.sha256()
    for clip in clips:
        size = os.path.getsize(clip.path) if os.path.isfile(clip.path) else None
        digest.update(json.dumps([clip.id, clip.labels, clip.split, size]).encode())
    digest.update(json.dumps([labels, [clip.clip_id for clip in skipped]]).encode())
    return {
        "format": FORMAT,
        "clips_per_shard": clips_per_shard,
        "sample_rate": sample_rate,
        "source": digest.hexdigest(),
    }


def claim(folder, plan):
    """Makes the folder this plan's; ValueError if it already is another's."""
    path = folder / PLAN
    if folder.is_dir():
        remove_abandoned(folder, f".{PLAN}.")
    if path.is_file():
        check_plan(folder, plan, path.read_bytes())
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not prepared data. Name a new folder.")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as file:
            file.write(json.dumps(plan).encode())
    (folder / SHARDS).mkdir(exist_ok=True)


def check_plan(folder, plan, found):
    """Raises ValueError if the bytes found in a folder's plan.json are not those of this plan."""
    if found == json.dumps(plan).encode():
        return
    try:
        before = parse_object(found)
    except ValueError:
        before = {}
    what = "was prepared by other options, or by another version of soundzoo"
    if {**before, "source": plan["source"]} == plan:
        what = (
            "holds other data: recordings were added, removed or changed since, or their labels or "
            "splits, or it is of another source"
        )
    raise ValueError(f"{folder} {what}. Name another folder, or delete it.")


def write_index(folder, labels, skipped, sample_rate, notes):
    """Puts together, from the notes of the shards, the arrays and the index.

    Args:
        folder: where they go.
        labels: list of `Label`, the classes in order.
        skipped: list of `Skipped`, of before the shards.
        sample_rate: of the clips, in Hz.
        notes: iterable of what `write_shard` said of each shard, in order.

    Returns:
        dict, the content of index.json.

    Raises:
        ValueError: there are no clips.
        OSError: the files cannot be written.
    """
    class_number = {label.name: number for number, label in enumerate(labels)}
    split_number, skipped, entries, parts = {}, list(skipped), [], []
    for number, note in enumerate(notes):
        parts.append(_part(number, note["records"], class_number, split_number))
        skipped += [Skipped(*values) for values in note["skipped"]]
        entries.append(
            {
                "file": f"{SHARDS}/{shard_name(number)}",
                "clips": len(note["records"]),
                "bytes": note["bytes"],
                "sha256": note["sha256"],
            }
        )
    if not split_number:
        raise ValueError(_empty(skipped))
    splits = sorted(split_number)
    arrays = _arrays(parts)
    order = np.array([splits.index(split) for split in split_number], np.int32)
    arrays["clips"]["split"] = order[arrays["clips"]["split"]]
    checksums = {}
    for name in ARRAYS:
        path = folder / f"{name}.npy"
        with write_atomically(path) as file:
            np.save(file, arrays[name])
        checksums[path.name] = sha256(path)
    index = sealed(
        {
            "format": FORMAT,
            "sample_rate": sample_rate,
            **_counts(arrays, splits, labels, sample_rate),
            "skipped": [entry._asdict() for entry in skipped],
            "shards": entries,
            "arrays": checksums,
        }
    )
    with write_atomically(folder / INDEX) as file:
        file.write(json.dumps(index, indent=1).encode() + b"\n")
    return index


def _part(shard, records, class_number, split_number):
    """What the arrays have of one shard; offsets are lengths yet, and splits are numbered as they
    come."""
    table = np.zeros(len(records), CLIP)
    table["shard"] = shard
    ids, labels, sums = [], [], []
    for row, (clip_id, names, split, offset, samples, power, of_clip) in zip(
        table, records, strict=True
    ):
        row["split"] = split_number.setdefault(split, len(split_number))
        row["offset"], row["samples"], row["power"] = offset, samples, power
        ids.append(encode_text(clip_id))
        labels.append([class_number[name] for name in names])
        sums.append(of_clip)
    return {
        "clips": table,
        "checksums": np.array(list(itertools.chain(*sums)), np.uint32),
        "ids": np.frombuffer(b"".join(ids), np.uint8),
        "label_indices": np.array(list(itertools.chain(*labels)), np.int32),
        "checksum_counts": list(map(len, sums)),
        "id_offsets": list(map(len, ids)),
        "label_offsets": list(map(len, labels)),
    }


def _arrays(parts):
    """The arrays that the module `prepared` describes, by name."""
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    arrays["clips"]["checksum"] = _offsets(arrays.pop("checksum_counts"))[:-1]
    for name in ("id_offsets", "label_offsets"):
        arrays[name] = _offsets(arrays[name])
    return arrays


def _offsets(lengths):
    """Where each of several pieces starts, laid end to end, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _counts(arrays, splits, labels, sample_rate):
    """How much there is of each split and each class, as the index has it."""
    split = arrays["clips"]["split"]
    hours = arrays["clips"]["samples"] / (sample_rate * 3600)
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
