"""Fits the curves that make probabilities of scores, and says how far off these are."""

import importlib.util
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zoo.calibration import METHODS, Calibration, Method, apply, logit

FEWEST = 10
"""Clips with a label, and without it, below which its scores stay as they are (ours): a curve
through fewer says more of them than of the label."""

FOLDS = 5
BINS = 10
"""Of scores, all of one width, as in the usual reliability diagram."""


class Reliability(NamedTuple):
    """How often labels are there that got a score, over clips and classes together, by `BINS`.

    Attributes:
        mean: float64 [BINS], mean score; NaN in a bin without scores.
        observed: float64 [BINS], share of the scores whose label was there; NaN likewise.
        number: int64 [BINS], how many scores.
    """

    mean: npt.NDArray[np.float64]
    observed: npt.NDArray[np.float64]
    number: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al., 2015): mean distance of the two, by number."""
        apart = np.abs(self.mean - self.observed)
        return float(np.nansum(self.number * apart) / self.number.sum())


class Calibrated(NamedTuple):
    """A calibration and what it changes.

    Attributes:
        calibration: `Calibration`, fitted on all clips.
        before: `Reliability` of the scores of the classes that it has curves for.
        after: that of their probabilities; each clip's come of curves that the fifth of the clips
            which it is of had no part in.
    """

    calibration: Calibration
    before: Reliability
    after: Reliability


def calibrate(
    truth: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.float32],
    names: Sequence[str],
    method: Method,
    *,
    seed: int = 0,
) -> Calibrated:
    """Fits a curve for each class by scikit-learn.

    Args:
        truth: bool `[clips, classes]`, true where the clip has the label.
        scores: `[clips, classes]`, in 0..1.
        names: of the classes.
        method: "platt", a sigmoid over the score's logit (Platt, 1999), two numbers a class, for
            few clips; or "isotonic", a curve of steps that takes any shape that grows, for many.
        seed: of the fifths that `Calibrated.after` comes of.

    Returns:
        `Calibrated`.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: another method, or no class has `FEWEST` clips with it and without it.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> probabilities = rng.uniform(size=(2000, 1))
    >>> truth = rng.uniform(size=(2000, 1)) < probabilities
    >>> shy = calibrate(truth, probabilities / 2, ["Dog"], "isotonic")
    >>> shy.before.error > 0.2, shy.after.error < 0.05
    (True, True)
    """
    check_calibration(truth, method)
    fold = np.random.default_rng(seed).permutation(len(truth)) % FOLDS
    curves, before, after = {}, _Bins(), _Bins()
    for column, name in enumerate(names):
        is_there, score = np.array(truth[:, column]), np.array(scores[:, column], np.float64)
        if not _is_enough(is_there, FEWEST):
            continue
        curves[name] = _fit(is_there, score, method)
        probability = score.copy()
        for number in range(FOLDS):
            others, own = fold != number, fold == number
            if _is_enough(is_there[others], 1):
                curve = _fit(is_there[others], score[others], method)
                probability[own] = apply(curve, score[own])
        before.add(score, is_there)
        after.add(probability, is_there)
    return Calibrated(Calibration(curves), before.reliability(), after.reliability())


def check_calibration(truth: npt.NDArray[np.bool_], method: Method) -> None:
    """Raises what `calibrate` does, before there are scores."""
    if method not in METHODS:
        raise ValueError(f"A calibration is by {' or '.join(METHODS)}. Received: {method!r}")
    if importlib.util.find_spec("sklearn") is None:
        raise ImportError(
            "Calibrations are fitted by scikit-learn: pip install 'soundzoo[calibrate]'"
        )
    if not any(_is_enough(np.array(is_there), FEWEST) for is_there in truth.T):
        raise ValueError(
            f"No class has {FEWEST} clips with it and {FEWEST} without it, as a calibration needs."
        )


def _is_enough(is_there, fewest):
    return min(is_there.sum(), (~is_there).sum()) >= fewest


def _fit(is_there, score, method):
    """The curve of one class, as `Calibration` takes it."""
    from sklearn.isotonic import IsotonicRegression  # here, because it is an extra
    from sklearn.linear_model import LogisticRegression

    if method == "isotonic":
        steps = IsotonicRegression(y_min=0, y_max=1).fit(score, is_there)
        return {
            "scores": steps.X_thresholds_.tolist(),
            "probabilities": steps.y_thresholds_.tolist(),
        }
    line = LogisticRegression(C=np.inf).fit(logit(score)[:, np.newaxis], is_there)
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:  # higher scores must not become lower probabilities
        slope, intercept = 0.0, float(logit(is_there.mean()))
    return {"slope": slope, "intercept": intercept}


class _Bins:
    """Sums over scores by their bin."""

    def __init__(self):
        self.count = np.zeros(BINS, np.int64)
        self.score, self.there = np.zeros(BINS), np.zeros(BINS)

    def add(self, score, is_there):
        place = np.minimum((score * BINS).astype(int), BINS - 1)
        self.count += np.bincount(place, minlength=BINS)
        self.score += np.bincount(place, score, BINS)
        self.there += np.bincount(place, is_there, BINS)

    def reliability(self):
        with np.errstate(invalid="ignore"):
            return Reliability(self.score / self.count, self.there / self.count, self.count)
