"""Prepared data: clips of sound in shards, read at random.

A folder of prepared data holds

    index.json          labels, splits, counts, skipped clips, and the shards and arrays with their
                        SHA-256
    clips.npy           `CLIP` [clips]: where each clip's samples lie, their power, and its split
    checksums.npy       uint32: `checksums` of the first clip's samples, of the second's, ...
    ids.npy             uint8: UTF-8 of the first clip's id, of the second's, ...
    id_offsets.npy      int64 [clips + 1]: where each clip's id starts
    label_indices.npy   int32: labels of the first clip, of the second, ...
    label_offsets.npy   int64 [clips + 1]: where each clip's labels start
    shards/*.tfrecord   records: a `tf.train.Example` of id, labels and int16 waveform

and plan.json and shards/*.json, by which `soundzoo prepare` goes on or mends it.

The arrays are memory-mapped and samples are read from their file when they are asked for, and no
more of them, so that millions of clips take no more memory than ten, and an hour no more time than
a second.
"""

import functools
import os
import re
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frontend.types import StrPath
from zoo.array_files import map_npy
from zoo.data.example import STRETCH, checksums, decode_samples, decode_text
from zoo.data.records import Skipped
from zoo.files import sha256
from zoo.json_text import parse_object
from zoo.labels import as_labels
from zoo.seal import check_seal

FORMAT = 2
INDEX = "index.json"
SHARDS = "shards"
_KINDS = {
    "sample_rate": int,
    "clips": int,
    "hours": float,
    "splits": dict,
    "labels": list,
    "skipped": list,
    "shards": list,
}
_SHARD = re.compile(rf"{SHARDS}/[\w.-]+")
_TEXT = (str, type(None))
_ENTRIES = {
    "labels": {"name": str, "mid": _TEXT},
    "skipped": {"clip_id": str, "file": str, "reason": str},
    "shards": {"file": str, "clips": int, "bytes": int},
}
"""What an index holds, and of what kind."""

CLIP = np.dtype(
    [
        ("offset", "<i8"),  # bytes before the samples in their shard
        ("checksum", "<i8"),  # place of their first checksum
        ("shard", "<i4"),
        ("samples", "<i4"),
        ("power", "<f4"),  # mean square of the waveform
        ("split", "<i2"),
    ]
)


ARRAYS = {
    "clips": CLIP,
    "checksums": np.dtype("<u4"),
    "ids": np.dtype("u1"),
    "id_offsets": np.dtype("<i8"),
    "label_indices": np.dtype("<i4"),
    "label_offsets": np.dtype("<i8"),
}
"""Files, without their suffix, and what each is an array of."""


class CorruptData(ValueError):  # noqa: N818
    """A shard or array of prepared data is missing, cut short or damaged."""


def open_prepared(folder: StrPath, *, skip_corrupt: bool = False) -> "PreparedData":
    """Opens prepared data.

    The index and the arrays are checked, and every shard must be there in its full size; what a
    record holds is checked when it is read.

    Args:
        folder: what `soundzoo prepare` wrote.
        skip_corrupt: leave out the clips of shards that are missing or cut short, with a warning
            that counts them, instead of raising.

    Returns:
        `PreparedData`.

    Raises:
        CorruptData: a file is missing, cut short or damaged; the message names it.
        ValueError: the folder holds no prepared data, or it is not finished.
    """
    return PreparedData(folder, skip_corrupt=skip_corrupt)


class PreparedData:
    """Clips of a folder of prepared data; see `open_prepared`. Threads may share it.

    Attributes:
        folder: `pathlib.Path`.
        index: dict, what `index.json` says.
        labels: list of `Label`, the classes in order.
        sample_rate: of all clips, in Hz.
        splits: names of the splits.
        samples: int32 [clips], how many samples each clip has.
        power: float32 [clips], the mean square of each clip's waveform.
        label_offsets, label_indices: clip i has the classes
            `label_indices[label_offsets[i] : label_offsets[i + 1]]`.
        skipped: list of `Skipped`, the clips that could not be prepared.
        skip_corrupt: as it was passed.
        corrupt: how many clips of missing or short shards that leaves out.
    """

    def __init__(self, folder: StrPath, *, skip_corrupt: bool = False) -> None:
        self.folder = Path(folder)
        self.skip_corrupt = skip_corrupt
        self.index = _read_index(self.folder)
        self.labels = as_labels([(label["name"], label["mid"]) for label in self.index["labels"]])
        self.sample_rate = self.index["sample_rate"]
        self.splits = list(self.index["splits"])
        self.skipped = [
            Skipped(*map(entry.get, Skipped._fields)) for entry in self.index["skipped"]
        ]
        arrays = {name: self._map(name, dtype) for name, dtype in ARRAYS.items()}
        self._clips, self._checksums = arrays["clips"], arrays["checksums"]
        self._ids, self._id_offsets = arrays["ids"], arrays["id_offsets"]
        self.label_indices, self.label_offsets = arrays["label_indices"], arrays["label_offsets"]
        self.samples, self.power = self._clips["samples"], self._clips["power"]
        for name, count in (("clips", 0), ("id_offsets", 1), ("label_offsets", 1)):
            if len(arrays[name]) != self.index["clips"] + count:
                raise self._corrupt(f"{name}.npy", "is not of the length that the index says")
        faults = [
            (number, fault)
            for number, shard in enumerate(self.index["shards"])
            if (fault := self._shard_fault(shard))
        ]
        if faults and not skip_corrupt:
            number, fault = faults[0]
            raise self._corrupt(self._shard(number), fault)
        self._corrupt_shards = [number for number, _ in faults]
        self.corrupt = sum(self.index["shards"][number]["clips"] for number, _ in faults)
        if faults:
            number, fault = faults[0]
            warnings.warn(
                f"{self.corrupt} of {len(self)} clips are left out, because {len(faults)} of "
                f"{len(self.index['shards'])} shards are damaged, the first of them "
                f"{self.folder / self._shard(number)}: it {fault}.",
                stacklevel=3,
            )

    def __len__(self) -> int:
        return len(self._clips)

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the index, which holds the checksums of all that it names."""
        return sha256(self.folder / INDEX)

    def select(self, split: str) -> npt.NDArray[np.int64]:
        """Indices of the clips of a split, sorted, int64; ValueError if there is no such split."""
        if split not in self.splits:
            raise ValueError(
                f"{self.folder} has no split {split!r}; it has {', '.join(self.splits)}."
            )
        chosen = self._clips["split"] == self.splits.index(split)
        if self._corrupt_shards:
            chosen &= ~np.isin(self._clips["shard"], self._corrupt_shards)
        return np.flatnonzero(chosen)

    def clip_id(self, index: int) -> str:
        """The id of a clip."""
        self._check(index)
        start, end = self._id_offsets[index], self._id_offsets[index + 1]
        if not 0 <= start <= end <= len(self._ids):
            raise self._corrupt("id_offsets.npy", f"is damaged at the clip {index}")
        return decode_text(self._ids[start:end].tobytes())

    def waveform(
        self, index: int, start: int = 0, samples: int | None = None
    ) -> npt.NDArray[np.float32]:
        """The sound of a clip, or of a part of it: float32 [samples] in -1..1, at `sample_rate`.

        Args:
            index: of the clip.
            start: of the part, in samples; there is nothing behind the clip's end.
            samples: how many, or fewer where the clip ends; to its end by default.

        Raises:
            CorruptData: what is read, a little more than was asked for, is missing, cut short or
                damaged.
        """
        self._check(index)
        clip = self._clips[index]
        length, offset = int(clip["samples"]), int(clip["offset"])
        if not self._is_inside(clip):
            raise self._corrupt("clips.npy", f"is damaged at the clip {index}")
        start = min(start, length)
        end = length if samples is None else min(start + samples, length)
        # Whole stretches, which the checksums are of.
        first, last = start // STRETCH, -(-end // STRETCH)
        origin = first * STRETCH
        # Read, not mapped: a mapped file that is cut short ends the process without a word.
        try:
            with open(self.folder / self._shard(clip["shard"]), "rb", buffering=0) as shard:
                shard.seek(offset + 2 * origin)
                data = shard.read(2 * (min(last * STRETCH, length) - origin))
        except OSError as error:
            raise self._corrupt(
                self._shard(clip["shard"]), f"cannot be read: {error.strerror}"
            ) from None
        place = int(clip["checksum"])
        if checksums(data) != self._checksums[place + first : place + last].tolist():
            raise self._corrupt(
                self._shard(clip["shard"]), f"is damaged at the clip {self.clip_id(index)}"
            )
        return decode_samples(data)[start - origin : end - origin]

    def readable(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Reads clips to see which of them can be: bool [len(indices)]; warns of the others."""
        readable = np.ones(len(indices), bool)
        for row, index in enumerate(indices):
            try:
                self.waveform(index)
            except CorruptData as error:
                warnings.warn(f"Left out: {error}", stacklevel=2)
                readable[row] = False
        return readable

    def labelled(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of some clips have labels; of the others nobody said what is heard in them."""
        return self.label_offsets[indices + 1] > self.label_offsets[indices]

    def targets(self, indices: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Which classes are heard in clips: float32 [len(indices), classes], 1 or 0."""
        indices = np.asarray(indices, np.int64)
        first = self.label_offsets[indices]
        count = self.label_offsets[indices + 1] - first
        if (
            (first < 0).any()
            or (count < 0).any()
            or (first + count).max(initial=0) > len(self.label_indices)
        ):
            raise self._corrupt("label_offsets.npy", "is damaged")
        rows = np.repeat(np.arange(len(indices)), count)
        # 0, 1, ... within each row, from the row's first label on.
        within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        targets = np.zeros((len(indices), len(self.labels)), np.float32)
        classes = self.label_indices[np.repeat(first, count) + within]
        if classes.size and not 0 <= classes.min() <= classes.max() < len(self.labels):
            raise self._corrupt("label_indices.npy", "is damaged")
        targets[rows, classes] = 1
        return targets

    def check_heard_at(self, sample_rate: float) -> None:
        """Raises ValueError if a model that hears another rate, in Hz, is to hear the clips."""
        if sample_rate != self.sample_rate:
            raise ValueError(
                f"The data in {self.folder} are at {self.sample_rate} Hz, so that a model must "
                f"hear {self.sample_rate} Hz; prepare them anew, with --sample-rate {sample_rate}. "
                f"Received a model of {sample_rate} Hz."
            )

    def _check(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"{self.folder} has {len(self)} clips. Received index {index}")

    def _is_inside(self, clip):
        """Whether a clip lies within its shard, and its checksums are there."""
        shards, samples, place = self.index["shards"], int(clip["samples"]), int(clip["checksum"])
        return (
            0 <= clip["shard"] < len(shards)
            and samples >= 0
            and 0 <= clip["offset"] <= shards[clip["shard"]]["bytes"] - 2 * samples
            and 0 <= place <= len(self._checksums) - -(-samples // STRETCH)
        )

    def _shard(self, number):
        return self.index["shards"][number]["file"]

    def _shard_fault(self, shard):
        try:
            size = os.path.getsize(self.folder / shard["file"])
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        if size != shard["bytes"]:
            return f"has {size} bytes instead of {shard['bytes']}"
        return None

    def _map(self, name, dtype):
        file = f"{name}.npy"
        path = self.folder / file
        try:
            # Data that an older version prepared have no checksums of arrays.
            if self.index.get("arrays", {}).get(file) in (None, sha256(path)):
                return map_npy(path, dtype, 1)
        except (OSError, ValueError) as error:
            raise self._corrupt(file, f"cannot be read: {error}") from None
        raise self._corrupt(file, "is damaged")

    def _corrupt(self, file, fault):
        return CorruptData(
            f"{self.folder / file} {fault}. Delete it and run soundzoo prepare again."
        )


def _read_index(folder):
    path = folder / INDEX
    if not path.is_file():
        raise ValueError(
            f"{folder} holds no prepared data, or not yet all: it has no {INDEX}. "
            "Run soundzoo prepare."
        )
    try:
        index = parse_object(path.read_bytes())
    except ValueError as error:
        raise CorruptData(
            f"{path} is damaged: {error}. Delete it and run soundzoo prepare again."
        ) from None
    version = index.get("format")
    if version != FORMAT:
        raise ValueError(
            f"{path} has format {version!r:.80}; this version of soundzoo reads format {FORMAT}. "
            "Prepare the data again, into another folder."
        )
    fault = _fault(index)
    if fault:
        raise CorruptData(f"{path} is damaged: {fault}. Delete it and run soundzoo prepare again.")
    try:
        check_seal(index, {"format", *_KINDS})
    except ValueError as error:
        raise CorruptData(f"{path} {error}. Delete it and run soundzoo prepare again.") from None
    return index


def _fault(index):
    """What of an index is not as `soundzoo prepare` writes it, or None."""
    for key, kind in _KINDS.items():
        value = index.get(key)
        if type(value) is not kind:
            return f"its {key} are not there, or are of another kind"
        for entry in value if kind is list else ():
            if not _fits(entry, _ENTRIES[key]):
                return f"an entry of its {key} is not one"
    if not isinstance(index.get("arrays", {}), dict):  # which older versions did not write
        return "its arrays are of another kind"
    if not all(_SHARD.fullmatch(shard["file"]) for shard in index["shards"]):
        return "a shard lies elsewhere"
    counts = [of.get("clips") if isinstance(of, dict) else None for of in index["splits"].values()]
    if not all(type(count) is int for count in counts):
        return "a split of its splits has no number of clips"
    return None


def _fits(entry, kinds):
    return isinstance(entry, dict) and all(
        key in entry and isinstance(entry[key], kind) and not isinstance(entry[key], bool)
        for key, kind in kinds.items()
    )
