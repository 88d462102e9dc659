"""How often labels are there that got a score."""

import numpy as np
from matplotlib.figure import Figure

from zoo.evaluation.calibrate import BINS, Calibrated
from zoo.plot.figure import BLUE, ORANGE, new_figure


def reliability(calibrated: Calibrated) -> Figure:
    """Draws the reliability diagram of scores before and after a calibration.

    Args:
        calibrated: what `zoo.evaluation.calibrate` gives.

    Returns:
        `matplotlib.figure.Figure`: above, the share of scores whose label was there, over their
        mean; on the dashed line scores are probabilities. Below, how many scores there are.

    Example:

    >>> from zoo.evaluation import calibrate
    >>> scores = np.linspace(0.01, 0.99, 200)[:, np.newaxis]
    >>> figure = reliability(calibrate(scores > 0.5, scores, ["Dog"], "isotonic"))
    >>> len(figure.axes)
    2
    """
    figure = new_figure(5, 6)
    curve, counts = figure.subplots(2, height_ratios=(3, 1), sharex=True)
    curve.plot([0, 1], [0, 1], "--", color="0.6", linewidth=1)
    width = 0.4 / BINS
    for name, found, colour, side in (
        ("scores", calibrated.before, ORANGE, -1),
        ("probabilities", calibrated.after, BLUE, 1),
    ):
        label = f"{name} (error {found.error:.3f})"
        curve.plot(found.mean, found.observed, "o-", color=colour, label=label, markersize=4)
        middle = (np.arange(BINS) + 0.5) / BINS + side * width / 2
        counts.bar(middle, found.number, width, color=colour)
    curve.set(xlim=(0, 1), ylim=(0, 1), ylabel="share whose label was there")
    curve.legend(frameon=False, loc="upper left")
    counts.set(xlabel="score", ylabel="scores", yscale="log")
    for axes in (curve, counts):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
