"""`soundzoo prepare` as a job: a manifest of any length to prepared data."""

import array
import dataclasses
import functools
import hashlib
import json
import os
import posixpath
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np

from frontend.types import StrPath
from zoo.beam import job, places
from zoo.data.classes import name_classes
from zoo.data.example import SAMPLE_RATE
from zoo.data.manifest import manifest_entries
from zoo.data.prepare import (
    CLIPS_PER_SHARD,
    PLAN,
    check_plan,
    check_rate,
    check_usable,
    claim,
    make_plan,
    write_index,
)
from zoo.data.prepared import ARRAYS, INDEX, SHARDS
from zoo.data.records import Clip, Skipped, Source, name_splits
from zoo.data.shards import decode_note, encode_note, shard_name, write_shard
from zoo.data.source import check_ids
from zoo.data.tables import Table, file_fault, slashed
from zoo.labels import Label


def prepare(
    manifest: StrPath,
    folder: StrPath,
    *,
    class_list: list[Label] | None = None,
    ontology: Any = None,
    imply_parents: bool = False,
    unlabelled: bool = False,
    sample_rate: int = SAMPLE_RATE,
    clips_per_shard: int = CLIPS_PER_SHARD,
    runner: str = "DirectRunner",
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Prepares the clips of a manifest by a Beam job.

    The folder holds, byte for byte, what `zoo.data.prepare` makes of the same manifest, and either
    goes on with what the other began. No process holds the manifest: it is read row by row, three
    times here and once by a worker.

    Args:
        manifest: path or URL of the table, as `zoo.data.read_source` takes it. Names in it are
            relative to it, or are absolute, or URLs.
        folder: path or URL that all workers can write to.
        class_list, ontology, imply_parents: as for `zoo.data.classes.name_classes`.
        unlabelled: as for `zoo.data.read_source`.
        sample_rate, clips_per_shard: as for `zoo.data.prepare`.
        runner: of Beam.
        options: Beam's own, as on a command line.

    Returns:
        The content of `index.json`.

    Raises:
        ValueError: as `zoo.data.read_source` and `zoo.data.prepare`.
        OSError: a file cannot be read or written.
        JobError: the job came to no end.
    """
    check_rate(sample_rate)
    clips = _read(manifest, class_list, ontology, imply_parents, unlabelled)
    plan, count = clips.check(clips_per_shard, sample_rate)
    _claim(folder, plan)
    parts = functools.partial(job.cut, clips, clips_per_shard)
    job.run_parts(parts, _Prepare(folder, sample_rate), runner=runner, options=options)
    shards = len(range(0, count, clips_per_shard))
    return _publish_index(folder, clips, sample_rate, shards)


@dataclasses.dataclass
class _Clips:
    """The clips of a manifest, read anew by each iteration.

    Attributes:
        manifest, unlabelled: as for `prepare`.
        labels: list of `Label`, the classes in order.
        names: the classes' names that each label of the manifest stands for.
        splits: what each split of the manifest is called.
        skipped: list of `Skipped`, the rows that are no clips.
    """

    manifest: StrPath
    unlabelled: bool
    labels: list[Label]
    names: Mapping[str, tuple[str, ...]]
    splits: Mapping[str, str]
    skipped: list[Skipped]

    def __iter__(self) -> Iterator[Clip]:
        for entry in _entries(self.manifest, self.unlabelled):
            if isinstance(entry, Clip):
                named = dict.fromkeys(name for text in entry.labels for name in self.names[text])
                yield entry._replace(labels=tuple(named), split=self.splits[entry.split])

    def check(self, clips_per_shard, sample_rate):
        """The plan of the prepared data, and how many clips there are; ValueError if there are
        none, or two have one id."""
        digests = array.array("Q")  # of the ids, which would take ten times as much

        def watched():
            for clip in self:
                digests.append(_digest(clip.id))
                yield clip

        plan = make_plan(watched(), self.labels, self.skipped, clips_per_shard, sample_rate)
        check_usable(len(digests), self.labels, self.skipped)
        unique, counts = np.unique(np.frombuffer(digests, np.uint64), return_counts=True)
        if twice := set(unique[counts > 1].tolist()):
            check_ids(clip for clip in self if _digest(clip.id) in twice)
        return plan, len(digests)


def _read(manifest, class_list, ontology, imply_parents, unlabelled):
    """The `_Clips` of a manifest; its labels, splits and faults are all that is held of it."""
    texts: dict[str, Clip] = {}
    splits, skipped = set(), []
    for entry in _entries(manifest, unlabelled):
        if isinstance(entry, Skipped):
            skipped.append(entry)
            continue
        splits.add(entry.split)
        for text in entry.labels:
            texts.setdefault(text, entry._replace(labels=(text,)))
    named = name_classes(
        Source(list(texts.values()), [], []),
        class_list=class_list,
        ontology=ontology,
        imply_parents=imply_parents,
    )
    names = {text: clip.labels for text, clip in zip(texts, named.clips, strict=True)}
    return _Clips(manifest, unlabelled, named.labels, names, name_splits(splits, manifest), skipped)


def _entries(manifest, unlabelled):
    folder = posixpath.dirname(os.fspath(manifest))

    def locate(name):
        if places.is_remote(name) or places.is_remote(folder):
            # Whether it is there, its reader will see: to ask for a million files takes hours.
            return name, name if places.is_remote(name) else places.join(folder, name), None
        name = slashed(folder, name)
        file = Path(folder, name)
        return name, file, file_fault(file)

    with places.local_copy(manifest) as path:
        yield from manifest_entries(Table(path), locate, unlabelled=unlabelled)


def _claim(folder, plan):
    """Makes the folder this plan's; ValueError if it already is another's."""
    if not places.is_remote(folder):
        claim(Path(folder), plan)
    elif (found := places.read(places.join(folder, PLAN))) is not None:
        check_plan(folder, plan, found)
    else:
        with places.write(places.join(folder, PLAN)) as file:
            file.write(json.dumps(plan).encode())


def _digest(clip_id):
    text = clip_id.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


class _Prepare(beam.DoFn):
    """Writes the shard of each part and, last, its note, unless they are there."""

    def __init__(self, folder, sample_rate):
        self._folder = folder
        self._sample_rate = sample_rate

    def setup(self):
        self._tally = job.Tally()

    def process(self, part):
        number, clips = part
        shard, note = _places(self._folder, number)
        if _note(shard, note):
            self._tally.add(job.BEFORE, len(clips))
            return
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, shard_name(number))
            made = write_shard(
                path,
                clips,
                self._sample_rate,
                open_file=places.open_sound,
                progress=lambda clips: None,
                stop=threading.Event(),
            )
            places.publish(path, shard)
        with places.write(note) as file:
            file.write(encode_note(made))
        self._tally.add(job.FILES, len(clips))
        self._tally.add(job.FAILURES, len(made["skipped"]))
        samples = sum(record[4] for record in made["records"])
        self._tally.add(job.SECONDS, samples / self._sample_rate)


def _places(folder, number):
    shard = places.join(folder, SHARDS, shard_name(number))
    return shard, shard.removesuffix(".tfrecord") + ".json"


def _note(shard, note):
    """The note of a shard, or None if either is missing or not whole."""
    return decode_note(places.read(note), places.size(shard))


def _publish_index(folder, clips, sample_rate, shards):
    def notes():
        for number in range(shards):
            shard, note = _places(folder, number)
            if not (found := _note(shard, note)):
                raise job.JobError(
                    f"{shard} was not written: {clips.manifest} changed while the job read it."
                )
            yield found

    with tempfile.TemporaryDirectory() as scratch:
        index = write_index(Path(scratch), clips.labels, clips.skipped, sample_rate, notes())
        for name in (*(f"{array}.npy" for array in ARRAYS), INDEX):  # the index last
            places.publish(Path(scratch, name), places.join(folder, name))
    return index
