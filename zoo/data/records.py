"""What every source of clips is read into."""

import os
from pathlib import Path
from typing import NamedTuple

from zoo.labels import Label

TRAIN, TEST, VALIDATION = "train", "test", "validation"


class Clip(NamedTuple):
    """One labelled sound file.

    Attributes:
        id: unique within its source: path relative to the source, without suffix, or YouTube id.
        path: of the sound file.
        labels: display names of the classes heard in it; none where nobody said.
        split: "train", "test", "validation", or any other name of a part of the data: "1" to "5"
            for ESC-50's folds. "train" where the source has no splits.
    """

    id: str
    path: Path
    labels: tuple[str, ...]
    split: str = TRAIN


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
        skipped: list of `Skipped`, what had to be left out.
    """

    clips: list[Clip]
    labels: list[Label]
    skipped: list[Skipped]


def clip_id(file):
    """A file's path without its suffix: what a clip is called where it has no other name.

    >>> clip_id("./dog/bark.2.wav")
    'dog/bark.2'
    """
    return os.path.splitext(Path(file).as_posix())[0] if file else ""
