"""How far the figures would vary with other clips: bootstrap intervals."""

from typing import Any

import numpy as np
import numpy.typing as npt

from frontend.types import Track
from zoo.evaluation.metrics import balanced_mean, class_rankings, clip_figures, d_prime

# Counts of the resamples that are in memory at once, and of those that are ranked at once: the
# latter stay in the processor's cache.
_COUNTS = 2**28
_RANKED = 2**18


def bootstrap_intervals(
    truth: npt.NDArray[np.bool_],
    scores: npt.NDArray[Any],
    *,
    resamples: int = 1000,
    seed: int = 0,
    track: Track | None = None,
) -> dict[str, tuple[float, float]]:
    """95% intervals of the figures, from clips drawn again and again with replacement.

    An interval is that between the 2.5th and the 97.5th percentile of the resamples, moved so that
    their mean is the figure itself: clips that are drawn twice raise the average precision of small
    classes, as other clips would not. Each class is sorted once and weighs the clips by how often a
    resample drew them. A class is left out of the means of those resamples that drew no clip with
    it, or none without it.

    Args:
        truth: bool `[clips, classes]`.
        scores: `[clips, classes]`.
        resamples: how many.
        seed: of the random draws; the same seed gives the same intervals.
        track: function of an iterable, its length and a word on it, that gives the same items; it
            may show progress.

    Returns:
        dict of (low, high): "mAP", "AUC", "d_prime", "lwlrap" and "top1"; NaN where no
        resample defines the figure.
    """
    generator = np.random.default_rng(seed)
    clips, classes = scores.shape
    precisions, labels, hits = clip_figures(truth, scores)
    sums = np.stack([precisions, labels, hits, labels > 0], axis=1)
    rows = 1 + resamples  # the first is the clips themselves
    at_once = max(1, min(rows, _COUNTS // clips))
    passes = -(-rows // at_once)

    def rankings():
        for _ in range(passes):
            yield from class_rankings(truth, scores)

    steps = rankings()
    if track is not None:
        steps = iter(track(steps, passes * classes, "Resampling"))
    figures = []
    for first in range(0, rows, at_once):
        counts = np.empty((min(at_once, rows - first), clips), np.uint8)
        for number, row in enumerate(counts, first):
            row[:] = _draw(generator, clips) if number else 1
        of_classes = np.stack([_figures(next(steps), counts) for _ in range(classes)], axis=-1)
        precisions, labels, hits, labelled = np.stack([row @ sums for row in counts], axis=1)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
            figures.append([*balanced_mean(of_classes), precisions / labels, hits / labelled])
    figures = np.concatenate(figures, axis=1)
    bounds = dict(zip(("mAP", "AUC", "lwlrap", "top1"), map(_bounds, figures), strict=True))
    bounds["d_prime"] = d_prime(bounds["AUC"])
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def _bounds(figure):
    """The interval of a figure from its value and, after it, those of the resamples."""
    value, drawn = figure[0], figure[1:][~np.isnan(figure[1:])]
    if not len(drawn):
        return np.array([np.nan, np.nan])
    return np.clip(value + np.percentile(drawn, (2.5, 97.5)) - drawn.mean(), 0, 1)


def _draw(generator, clips):
    """How often each clip is drawn, `[clips]`. No clip is drawn so often that uint8 overflows."""
    return np.bincount(generator.integers(0, clips, clips), minlength=clips)


def _figures(ranking, counts):
    """Average precision and AUC of one class, `[2, resamples]`, NaN where either is undefined."""
    rows = max(1, _RANKED // counts.shape[1])
    blocks = [
        ranking.figures(counts[first : first + rows]) for first in range(0, len(counts), rows)
    ]
    figures = np.concatenate(blocks, axis=1)
    figures[:, np.isnan(figures).any(axis=0)] = np.nan
    return figures
