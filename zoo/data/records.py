"""What every source of clips is read into."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from zoo.labels import Label
from zoo.search import LeftOut

TRAIN, TEST, VALIDATION = "train", "test", "validation"

_SPLITS = {
    TRAIN: ("train", "training", "tr"),
    VALIDATION: ("validation", "valid", "val", "dev", "devel"),
    TEST: ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {name: split for split, names in _SPLITS.items() for name in names}


class Clip(NamedTuple):
    """One labelled sound file.

    Attributes:
        id: unique within its source: path relative to the source, without suffix, or YouTube id.
        path: of the sound file.
        labels: display names of the classes heard in it; none where nobody said.
        split: "train", "test", "validation", or any other name of a part of the data: "1" to "5"
            for ESC-50's folds. "train" where the source has no splits.
        source: what it was cut from, of which other clips may be cut, too; empty where nobody said.
    """

    id: str
    path: Path
    labels: tuple[str, ...]
    split: str = TRAIN
    source: str = ""


class Skipped(NamedTuple):
    """A clip that is named and cannot be used.

    Attributes:
        clip_id: as `Clip.id`; empty if it is not known.
        file: path of the sound file, or of the list that names it.
        reason: why it cannot be used, in words.
    """

    clip_id: str
    file: str
    reason: str


class Source(NamedTuple):
    """The clips of a data set, its classes in order, and what had to be left out.

    Attributes:
        clips: list of `Clip`.
        labels: list of `Label`, the classes in order.
        skipped: list of `Skipped`, the clips that had to be left out.
        left_out: `LeftOut`s, the files that are no clips.
    """

    clips: list[Clip]
    labels: list[Label]
    skipped: list[Skipped]
    left_out: Iterable[LeftOut] = ()


def clip_id(file):
    """A file's path without its suffix: what a clip is called where it has no other name.

    >>> clip_id("./dog/bark.2.wav")
    'dog/bark.2'
    """
    return os.path.splitext(Path(file).as_posix())[0] if file else ""


def split_named(name):
    """The split that a name usually stands for, or None.

    >>> split_named("Training"), split_named("val"), split_named("eval"), split_named("dog")
    ('train', 'validation', 'test', None)
    """
    return _SPLIT_OF.get(name.strip().lower())


def name_splits(names, where):
    """What the splits of a data set are called: as `split_named` says, and others by their names.

    Args:
        names: iterable of the names that a data set has.
        where: the data set's path, for the error.

    Returns:
        dict of name to split.

    Raises:
        ValueError: two names stand for one split, and would be mixed.
    """
    splits, spelt = {}, {}
    for name in sorted(names):
        splits[name] = split = split_named(name) or name
        other = spelt.setdefault(split, name)
        if other.lower() != name.lower():
            raise ValueError(
                f"{where} has the splits {other!r} and {name!r}, which both mean {split}; give one "
                f"of them another name, or both the name {split}."
            )
    return splits
