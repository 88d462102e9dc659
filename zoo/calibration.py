"""Scores to probabilities, class by class."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from zoo.labels import Label

Method: TypeAlias = Literal["platt", "isotonic"]
METHODS = ("platt", "isotonic")
"""By which `zoo.evaluation.calibrate` fits curves."""
_LEAST = 1e-6
"""Scores nearer to 0 or 1 count as this near: a sigmoid in float32 reaches both (ours)."""


class Calibration:
    """Maps the scores of a classifier to probabilities; `zoo.evaluation.calibrate` fits one.

    Args:
        curves: by the names of labels, a dict of either `slope` and `intercept`, two numbers, of
            Platt's sigmoid over the logit of the score; or of `scores` and `probabilities`, two
            lists of numbers that grow, between which is interpolated. Scores of labels without a
            curve stay as they are.

    Raises:
        ValueError: a curve is neither of the two.

    Example:

    >>> curve = {"scores": [0.0, 0.5], "probabilities": [0.0, 0.9]}
    >>> calibration = Calibration({"Dog": curve})
    >>> calibration([[0.25, 0.25]], [Label("Dog"), Label("Rain")]).tolist()
    [[0.45, 0.25]]
    """

    def __init__(self, curves: Mapping[str, Mapping[str, Any]]) -> None:
        if not isinstance(curves, Mapping):
            raise ValueError(f"A calibration is a dict of curves. Received: {curves!r}")
        self.curves = {name: _checked(name, curve) for name, curve in curves.items()}

    def __call__(self, scores: npt.ArrayLike, labels: Sequence[Label]) -> npt.NDArray[np.float64]:
        """Probabilities, float64, for scores `[..., classes]` of these labels."""
        probabilities = np.array(scores, np.float64)
        for column, label in enumerate(labels):
            if curve := self.curves.get(label.name):
                probabilities[..., column] = apply(curve, probabilities[..., column])
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """The curves as plain JSON types."""
        return {name: dict(curve) for name, curve in self.curves.items()}


def apply(curve, scores):
    """Probabilities of one class, for an array of its scores."""
    if "slope" in curve:
        # The sigmoid; its exponential would overflow.
        return 0.5 + 0.5 * np.tanh((curve["slope"] * logit(scores) + curve["intercept"]) / 2)
    return np.interp(scores, curve["scores"], curve["probabilities"])


def logit(scores):
    """ln(s / (1 - s)) of scores, which are kept off 0 and 1."""
    scores = np.clip(scores, _LEAST, 1 - _LEAST)
    return np.log(scores / (1 - scores))


def _checked(name, curve):
    try:
        if set(curve) == {"slope", "intercept"}:
            line = {key: float(value) for key, value in curve.items()}
            if np.isfinite(list(line.values())).all():
                return line
        points = {key: [float(value) for value in curve[key]] for key in _POINTS}
        scores, probabilities = points.values()
        grow = all((np.diff(values) >= 0).all() for values in points.values())
        within = all(0 <= value <= 1 for value in scores + probabilities)
        if set(curve) == set(_POINTS) and grow and within and 0 < len(scores) == len(probabilities):
            return points
    except (TypeError, KeyError, ValueError, OverflowError):
        pass
    raise ValueError(
        f"The calibration of {name!r} must be slope and intercept, or scores and probabilities "
        f"in 0..1 that grow. Received: {curve!r}"
    )


_POINTS = ("scores", "probabilities")
