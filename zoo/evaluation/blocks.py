"""Arrays of many clips, which may be memory-mapped, read some thousand clips at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

ROWS = 4096
"""Clips at a time."""


def blocks(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Yields an array's rows in order, `ROWS` at a time, in memory."""
    for first in range(0, len(rows), ROWS):
        yield np.asarray(rows[first : first + ROWS])


def check_no_nan(scores: npt.NDArray[Any], name: str = "scores") -> None:
    """Raises ValueError, with the first such clip, if one of `[clips, classes]` is NaN."""
    for number, block in enumerate(blocks(scores)):
        bad = np.isnan(block).any(axis=1)
        if bad.any():
            clip = number * ROWS + int(bad.argmax())
            raise ValueError(f"NaN in {name}, first for clip {clip}.")
