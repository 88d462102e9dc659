"""Precision: over recall, and its average class by class."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.evaluation.metrics import class_rankings
from zoo.plot.figure import APART, BLUE, VERMILLION, figure_and_axes, legend, short

# The best, middle and worst two have a dark and a light colour each.
_PAIRS = (*APART[::3], *APART[1::3], *APART[2::3])
_DASHES = ("-", "-.", "--", ":")
_RECALLS = np.linspace(0.005, 1, 200)

# Keeps a number readable where a line crosses it.
_BLANK = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}


def pr_curves(
    truth: npt.ArrayLike,
    scores: npt.ArrayLike,
    names: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws precision over recall: of some classes in colour, of the others in grey, and the mean.

    A class's precision at a recall is that at the lowest threshold which reaches the recall; the
    area under its curve is its average precision, which the legend gives. Classes that no clip has,
    or that all have, have no curve.

    Args:
        truth: bool `[clips, classes]`, true where the clip has the label.
        scores: `[clips, classes]`, higher where the label is likelier.
        names: of the classes.
        classes: names of those to draw in colour; by default all of up to 12, or else the best,
            middle and worst two.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: the shapes or the number of names differ, there are no clips, truth is not
            bool, a score is NaN, or one of `classes` has no curve.

    Example:

    >>> figure = pr_curves([[True], [False], [True]], [[0.9], [0.5], [0.1]], ["Dog"])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['Dog (0.83)', 'mean of 1 class (0.83)']
    """
    if np.shape(scores)[-1:] != (len(names),):
        raise ValueError(
            "scores must be [clips, classes], with a name for each class. "
            f"Received shape {np.shape(scores)} and {len(names)} names."
        )
    precisions, curves = {}, {}
    for name, ranking in zip(names, class_rankings(truth, scores), strict=True):
        if 0 < len(ranking.positives) < len(ranking.order):
            precisions[name] = ranking.figures()[0]
            curves[name] = _precisions(ranking)
    ranked = sorted(curves, key=lambda name: precisions[name], reverse=True)
    coloured, colours = list(classes or ranked), APART
    if classes is None and len(ranked) > 12:
        coloured, colours = _best_middle_worst(ranked), _PAIRS
    for name in coloured:
        if name not in curves:
            raise ValueError(
                f"{name!r} has no curve: it is not among the names, or no clip has it, or all have."
            )

    figure, axes = figure_and_axes(ax, 8, 5.5)
    others = [curves[name] for name in ranked if name not in coloured]
    lines, words = [], []
    for number, name in enumerate(coloured):
        cycle, place = divmod(number, len(colours))
        dashes = _DASHES[(cycle + place // 2) % len(_DASHES)]
        lines += axes.plot(_RECALLS, curves[name], dashes, color=colours[place], linewidth=1.5)
        words.append(f"{name} ({precisions[name]:.2f})")
    if curves:
        mean = np.mean(list(curves.values()), axis=0)
        lines += axes.plot(_RECALLS, mean, color="black", linewidth=2.5)
        mean_precision = np.mean(list(precisions.values()))
        noun = "class" if len(curves) == 1 else "classes"
        words.append(f"mean of {len(curves)} {noun} ({mean_precision:.2f})")
    if others:
        lines += axes.plot(_RECALLS, np.transpose(others), color="0.8", linewidth=0.6, zorder=1)[:1]
        words.append("other classes")
    if lines:
        legend(axes, lines, words, title="average precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    return figure


def average_precision(metrics: Mapping[str, Any], *, ax: Axes | None = None) -> Figure:
    """Draws the average precision of each class as a bar, best on top, with the clips it is of.

    Args:
        metrics: what `zoo.evaluation.evaluate` gives. Classes without a figure have no bar.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`, with the mean as a line.

    Example:

    >>> classes = {"Cat": {"clips": 2, "AP": 0.25}, "Dog": {"clips": 1, "AP": 0.75}}
    >>> metrics = {"per_class": classes, "without_positives": [], "without_negatives": []}
    >>> figure = average_precision({**metrics, "mAP": 0.5})
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['Cat (2)', 'Dog (1)']
    """
    left_out = {*metrics["without_positives"], *metrics["without_negatives"]}
    figures = {k: v for k, v in metrics["per_class"].items() if k not in left_out}
    ranked = sorted(figures, key=lambda name: figures[name]["AP"])
    places, values = range(len(ranked)), [figures[name]["AP"] for name in ranked]
    figure, axes = figure_and_axes(ax, 7.5, 1.3 + 0.19 * len(ranked))
    axes.barh(places, values, height=0.75, color=BLUE)
    for place, value in enumerate(values):
        axes.text(value + 0.01, place, f"{value:.2f}", va="center", fontsize=7, bbox=_BLANK)
    axes.set_yticks(
        places,
        [f"{short(name, 44)} ({figures[name]['clips']})" for name in ranked],
        fontsize=8,
        parse_math=False,
    )
    if metrics["mAP"] is not None:
        axes.axvline(metrics["mAP"], color=VERMILLION, linewidth=1.2, linestyle="--")
        axes.set_title(f"mean {metrics['mAP']:.3f}", fontsize=9, color=VERMILLION)
    axes.set(xlim=(0, 1.08), ylim=(-0.7, len(ranked) - 0.3))
    axes.set(xlabel="average precision", ylabel="class (clips)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _precisions(ranking):
    """Precision of one class at the lowest threshold that reaches each of `_RECALLS`."""
    recall = ranking.positives_end / len(ranking.positives)
    precision = ranking.positives_end / ranking.end
    return precision[np.searchsorted(recall, _RECALLS)]


def _best_middle_worst(ranked):
    middle = len(ranked) // 2 - 1
    return [*ranked[:2], *ranked[middle : middle + 2], *ranked[-2:]]
