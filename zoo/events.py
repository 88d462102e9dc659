"""From scores over time to sound events: what is heard from when to when."""

import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from frontend.config import FrontendConfig
from zoo.labels import Label, find_label

LOW = 0.5
"""Share of the threshold below which an event ends. Two thresholds keep an event whole whose score
wavers around one (Cakir et al. 2017; the inference code of PANNs has them, too)."""

LONGEST_MEDIAN = 9999
"""Patches, more than an hour of them even at 0.48 s: each one takes memory for all (ours)."""

_ROUNDING = 1e-6
"""Times are sums of floats; what differs by less than a sample, in s, is the same."""


class Event(NamedTuple):
    """A sound, from when to when.

    Attributes:
        label: the label's name.
        mid: its AudioSet id, or None.
        onset: its beginning, in s.
        offset: its end, in s.
        peak: the highest of its patches' scores.
        mean: their mean.
    """

    label: str
    mid: str | None
    onset: float
    offset: float
    peak: float
    mean: float


class EventFinder:
    """Finds events in the scores of a recording's patches.

    An event of a label lasts as long as its score is half the threshold or more, where it reaches
    the threshold meanwhile. Where patches overlap, each speaks for the time that is nearest to its
    middle, and the outer ones for the ends of the recording.

    Args:
        labels: list of `Label`, in the order of the scores.
        frontend: the `FrontendConfig` of the patches, whose hop is the scores'.
        threshold: a score, or a dict of scores by label names; labels without one are left out.
        median: patches, an odd number, over whose median the scores are smoothed.
        merge_gap: events of a label that are less than this apart are one, in s.
        min_seconds: what is shorter then is left out.

    Raises:
        ValueError: a value out of range, or a label that there is not, or that has two thresholds.
    """

    def __init__(
        self,
        labels: list[Label],
        frontend: FrontendConfig,
        *,
        threshold: float | Mapping[str, float] = 0.3,
        median: int = 1,
        merge_gap: float = 0.0,
        min_seconds: float = 0.0,
    ) -> None:
        self.thresholds = _thresholds(threshold, labels)
        for index, value in self.thresholds.items():
            if not (_is_number(value) and 0 < value <= 1):
                raise ValueError(
                    "A threshold is a score, above 0 and at most 1. Received for "
                    f"{labels[index].name}: {value!r}"
                )
        odd = isinstance(median, (int, np.integer)) and median % 2 == 1
        if not (odd and 1 <= median <= LONGEST_MEDIAN):
            raise ValueError(
                f"median must be an odd number of patches, at most {LONGEST_MEDIAN}. "
                f"Received: {median!r}"
            )
        for what, seconds in (("merge_gap", merge_gap), ("min_seconds", min_seconds)):
            if not (_is_number(seconds) and 0 <= seconds < float("inf")):
                raise ValueError(f"{what} must be seconds, 0 or more. Received: {seconds!r}")
        self.labels = labels
        self.frontend = frontend
        self.median, self.merge_gap, self.min_seconds = median, merge_gap, min_seconds

    def __call__(self, scores: npt.NDArray[np.float32], seconds: float) -> list[Event]:
        """The events of a recording.

        Args:
            scores: float32 `[patches, classes]`.
            seconds: how long the recording is.

        Returns:
            list of `Event`, in the order of their onsets.
        """
        starts = self.frontend.patch_starts(len(scores))
        borders = patch_borders(starts, self.frontend.patch_seconds, seconds)
        # Most labels are never heard, and no median is above the highest score.
        peaks = scores.max(axis=0)
        events = [
            event
            for index, threshold in self.thresholds.items()
            if peaks[index] >= threshold
            for event in self._of_label(index, scores[:, index], borders)
        ]
        return sorted(events, key=lambda event: (event.onset, -event.peak))

    def _of_label(self, index, scores, borders):
        threshold = self.thresholds[index]
        smooth = _median(scores, self.median)
        runs = [
            (first, last)
            for first, last in _runs(smooth >= LOW * threshold)
            if smooth[first:last].max() >= threshold
        ]
        merged: list[Any] = []
        for first, last in runs:
            if merged and borders[first] - borders[merged[-1][1]] < self.merge_gap - _ROUNDING:
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        for first, last in merged:
            if borders[last] - borders[first] >= self.min_seconds - _ROUNDING:
                heard = scores[first:last]
                yield Event(
                    *self.labels[index],
                    *map(float, (borders[first], borders[last], heard.max(), heard.mean())),
                )


def patch_borders(starts, patch_seconds, seconds):
    """Where the time that a patch speaks for ends and that of the next begins, in s.

    Args:
        starts: of the patches, evenly apart from 0 on, float64 `[patches]`.
        patch_seconds: how long each is.
        seconds: how long the recording is.

    Returns:
        float64 `[patches + 1]`, both ends of the recording included.
    """
    shared = patch_seconds - starts[1:2]  # of two patches; of a single one there is none
    # In the middle of what two patches share, which a last patch always holds.
    return np.concatenate([[0.0], starts[1:] + shared / 2, [seconds]])


def _thresholds(threshold, labels):
    """Thresholds by places of labels."""
    if not isinstance(threshold, Mapping):
        return dict.fromkeys(range(len(labels)), threshold)
    found = {}
    for name, value in threshold.items():
        index = find_label(name, labels)
        if index in found:
            raise ValueError(f"A label has one threshold. Received two for {labels[index].name!r}.")
        found[index] = value
    return found


def _is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _runs(active):
    """Where runs of True begin, and the places behind their ends: int `[runs, 2]`."""
    steps = np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))
    return np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)


def _median(scores, width):
    padded = np.pad(scores, width // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=-1)
