"""Pictures of an evaluation: `zoo.plot`'s, and average precision class by class."""

from zoo.plot import BLUE, VERMILLION, confusion, new_axes, pr_curves, short

__all__ = ["average_precision", "confusion", "pr_curves"]

# Keeps a number readable where a line crosses it.
_BLANK = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}


def average_precision(metrics):
    """Draws the average precision of each class as a bar, best on top, with the clips it is of.

    Args:
        metrics: what `evaluate` gives.

    Returns:
        `matplotlib.figure.Figure`.
    """
    left_out = {*metrics["without_positives"], *metrics["without_negatives"]}
    figures = {k: v for k, v in metrics["per_class"].items() if k not in left_out}
    ranked = sorted(figures, key=lambda name: figures[name]["AP"])
    places, values = range(len(ranked)), [figures[name]["AP"] for name in ranked]
    axes = new_axes(7.5, 1.3 + 0.19 * len(ranked))
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
    return axes.figure
