"""Types that the signatures of all packages share."""

import os
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, TypeAlias

import numpy.typing as npt

StrPath: TypeAlias = str | os.PathLike[str]
"""Path of a file or folder."""
SoundFile: TypeAlias = StrPath | BinaryIO
"""A sound file: its path, or a binary file object."""
Sound: TypeAlias = SoundFile | npt.ArrayLike
"""A sound file, or a mono waveform, floating point `[samples]`."""
Track: TypeAlias = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Function of an iterable, its length and a word on it, that gives the same items and may show how
far they have come."""
