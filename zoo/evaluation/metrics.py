"""Figures of a classifier: average precision, AUC, d', lwlrap and top-1, in NumPy.

Truth is bool `[clips, classes]`, scores are `[clips, classes]`; both may be memory-mapped, and are
read in blocks. Figures of one class are NaN where the clips do not define them.
"""

from collections.abc import Iterator
from statistics import NormalDist
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from zoo.evaluation.blocks import ROWS, check_no_nan

# A row of 16 float32 scores is one cache line: memory-mapped columns cost as much alone.
_COLUMNS = 16


def average_precision(truth: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Average precision of each class: the mean, over its clips, of the precision at their score.

    Clips of equal scores are found together, as in scikit-learn's `average_precision_score`.

    Args:
        truth: bool `[clips, classes]`, true where the clip has the label.
        scores: `[clips, classes]`, higher where the label is likelier.

    Returns:
        float64 `[classes]`; NaN for a class that no clip has.

    Raises:
        ValueError: the shapes differ, there are no clips, or a score is NaN.

    Example:

    >>> average_precision([[True], [False], [True]], [[0.9], [0.5], [0.1]]).round(3)
    array([0.833])
    """
    return class_figures(truth, scores)[0]


def roc_auc(truth: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Area under the ROC curve of each class.

    It is the share of pairs of a clip with the label and one without in which the first scores
    higher; equal scores count half. Args and errors are those of `average_precision`.

    Returns:
        float64 `[classes]`; NaN for a class that no clip has, or that all have.

    Example:

    >>> roc_auc([[True], [False], [True]], [[0.9], [0.5], [0.1]])
    array([0.5])
    """
    return class_figures(truth, scores)[1]


@overload
def d_prime(auc: float) -> float: ...
@overload
def d_prime(auc: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...
def d_prime(auc: npt.ArrayLike) -> float | npt.NDArray[np.float64]:
    """The distance, in standard deviations, of two normal distributions that have this AUC.

    sqrt(2) times the inverse of the normal distribution function, as in the paper.

    Args:
        auc: a number from 0 to 1, or an array of them, NaN allowed.

    Returns:
        float, or float64 of the same shape; infinite for an AUC of 0 or 1.

    Example:

    >>> round(d_prime(0.959), 2)
    2.46
    """
    areas = np.asarray(auc, np.float64)
    distances = np.array([_d_prime(area) for area in areas.flat]).reshape(areas.shape)
    return distances if areas.ndim else float(distances)


def _d_prime(area):
    if area in (0, 1):
        return np.inf if area else -np.inf
    return np.sqrt(2) * NormalDist().inv_cdf(area) if 0 < area < 1 else np.nan


def lwlrap(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Label-weighted label-ranking average precision, the figure of DCASE 2019's task 2.

    Each label of each clip counts alike, for the precision among the labels that the clip's scores
    rank at least as high. Args and errors are those of `average_precision`.

    Returns:
        float; NaN if no clip has a label.

    Example:

    >>> lwlrap([[True, False, True]], [[0.9, 0.5, 0.1]])
    0.8333333333333333
    """
    precisions, labels, _ = clip_figures(truth, scores)
    return ratio(precisions.sum(), labels.sum())


def top1(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """The share of clips whose best score is that of one of their labels.

    Clips without labels are left out, and of equal scores the first counts as best. Args and errors
    are those of `average_precision`.

    Returns:
        float; NaN if no clip has a label.

    Example:

    >>> top1([[True, False], [True, False]], [[0.9, 0.5], [0.1, 0.2]])
    0.5
    """
    _, labels, hits = clip_figures(truth, scores)
    return ratio(hits.sum(), int(np.count_nonzero(labels)))


def best_thresholds(truth: npt.ArrayLike, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The threshold of each class at which its F1 is highest on these clips.

    It lies in the middle between the lowest score that it takes in and the highest that it leaves
    out. Args and errors are those of `average_precision`.

    Returns:
        float64 `[classes]`; NaN for a class that no clip has.

    Example:

    >>> best_thresholds([[True], [False], [True], [False]], [[0.9], [0.75], [0.7], [0.5]])
    array([0.6])
    """
    return class_figures(truth, scores)[2]


def class_figures(
    truth: npt.ArrayLike, scores: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """`average_precision`, `roc_auc` and `best_thresholds` for the price of one.

    Returns:
        Three arrays, float64 `[classes]`.
    """
    average_precisions, areas, thresholds = zip(
        *(
            (*ranking.figures(), ranking.best_threshold())
            for ranking in class_rankings(truth, scores)
        ),
        strict=True,
    )
    return np.array(average_precisions), np.array(areas), np.array(thresholds)


def balanced_mean(values: npt.NDArray[np.float64]) -> Any:
    """The mean over the classes for which a figure is defined, each counted alike.

    Args:
        values: float `[..., classes]`, NaN where undefined.

    Returns:
        float `[...]`; NaN where there is no such class.
    """
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        return np.where(defined, values, 0).sum(axis=-1) / defined.sum(axis=-1)


def clip_figures(
    truth: npt.ArrayLike, scores: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """What `lwlrap` and `top1` sum up, clip by clip.

    Returns:
        Three arrays `[clips]`: sum of the precisions at the clip's labels, float64; number of its
        labels, int64; whether the best score is that of one of them, bool.
    """
    truth, scores = _check(truth, scores)
    precisions = np.zeros(len(truth))
    labels = np.zeros(len(truth), np.int64)
    hits = np.zeros(len(truth), bool)
    for first in range(0, len(truth), ROWS):
        rows = slice(first, first + ROWS)
        block_truth, block = np.asarray(truth[rows]), np.asarray(scores[rows])
        labels[rows] = block_truth.sum(axis=1)
        hits[rows] = block_truth[np.arange(len(block)), block.argmax(axis=1)]
        clip, label = np.nonzero(block_truth)
        # Clips of many labels make many pairs of a label and a row of scores.
        for start in range(0, len(clip), ROWS):
            pairs = clip[start : start + ROWS]
            at_least = block[pairs] >= block[pairs, label[start : start + ROWS]][:, np.newaxis]
            found = (at_least & block_truth[pairs]).sum(axis=1)
            np.add.at(precisions, first + pairs, found / at_least.sum(axis=1))
    return precisions, labels, hits


def ratio(part: float, whole: float) -> float:
    """`part / whole` as a float, NaN for 0 / 0."""
    return float(part / whole) if whole else float("nan")


class ClassRanking:
    """The clips in the order of one class's scores, sorted once for any number of resamples.

    Args:
        truth: bool `[clips]`.
        scores: `[clips]`, not NaN.
    """

    def __init__(self, truth: npt.NDArray[np.bool_], scores: npt.NDArray[Any]) -> None:
        # Best first.
        self.order = np.argsort(-scores, kind="stable")
        ranked = -scores[self.order]
        self.scores = -ranked
        # Ranks of the clips that have the label, and the ranks at which those of equal score begin
        # and end: in all clips, and among the clips that have the label.
        ranks = np.flatnonzero(truth[self.order])
        self.positives = self.order[ranks]
        self.begin = np.searchsorted(ranked, ranked[ranks], "left")
        self.end = np.searchsorted(ranked, ranked[ranks], "right")
        self.positives_begin = np.searchsorted(ranks, self.begin)
        self.positives_end = np.searchsorted(ranks, self.end)

    def best_threshold(self) -> float:
        """The score from which on F1 is highest; NaN where no clip has the label."""
        if not len(self.positives):
            return float("nan")
        f1 = 2 * self.positives_end / (self.end + len(self.positives))
        end = self.end[f1.argmax()]
        below = self.scores[end] if end < len(self.scores) else 0.0
        return (float(self.scores[end - 1]) + float(below)) / 2

    def figures(self, counts: npt.NDArray[Any] | None = None) -> tuple[Any, Any]:
        """Average precision and AUC, float64 `[...]` each, of resampled clips.

        Args:
            counts: integers `[..., clips]`, how often each clip is drawn; once by default.
        """
        if counts is None:
            counts = np.ones(len(self.order), np.int8)
        clips = _running_sum(counts[..., self.order])
        weights = counts[..., self.positives]
        found = _running_sum(weights)
        positives = found[..., -1].astype(np.float64)
        negatives = clips[..., -1] - positives

        clips_until, found_until = clips[..., self.end], found[..., self.positives_end]
        precision = found_until / np.maximum(clips_until, 1)
        above = clips[..., self.begin] - found[..., self.positives_begin]
        outranked = negatives[..., np.newaxis] - (above + clips_until - found_until) / 2
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
            return (
                (weights * precision).sum(axis=-1) / positives,
                (weights * outranked).sum(axis=-1) / (positives * negatives),
            )


def class_rankings(truth: npt.ArrayLike, scores: npt.ArrayLike) -> Iterator[ClassRanking]:
    """Yields the `ClassRanking` of each class; args and errors as `average_precision`."""
    truth, scores = _check(truth, scores)
    for first in range(0, scores.shape[1], _COLUMNS):
        columns = slice(first, first + _COLUMNS)
        for column, class_scores in zip(
            np.array(truth[:, columns]).T, np.array(scores[:, columns]).T, strict=True
        ):
            yield ClassRanking(column, np.ascontiguousarray(class_scores))


def _running_sum(values):
    """`[..., n]` -> int32 `[..., n + 1]`, the sums of the first 0 to n values."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1), np.int32)
    # Casting first is ten times as fast as summing into another type.
    np.cumsum(values.astype(np.int32), axis=-1, out=sums[..., 1:])
    return sums


def _check(truth, scores):
    truth, scores = np.asanyarray(truth), np.asanyarray(scores)
    if truth.ndim != 2 or truth.shape != scores.shape or not truth.size:
        raise ValueError(
            "truth and scores must both be [clips, classes], with at least one of each. "
            f"Received shapes {truth.shape} and {scores.shape}."
        )
    if truth.dtype != bool:
        raise ValueError(f"truth must be bool. Received dtype {truth.dtype}.")
    check_no_nan(scores)
    return truth, scores
