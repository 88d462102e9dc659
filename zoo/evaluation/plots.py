"""Pictures of an evaluation. Needs matplotlib, the extra `soundzoo[plot]`."""

import textwrap

import numpy as np

try:
    from matplotlib.figure import Figure
except ImportError:
    raise ValueError("Plots need matplotlib: pip install 'soundzoo[plot]'") from None

# Perceptually uniform and readable with every kind of colour vision, as in `zoo.plot`.
COLOURS = "cividis"
DARK = "#00336f"

# Okabe and Ito's colours, told apart with every kind of colour vision; dashes help in print.
_STYLES = (
    ("#0072b2", "-"),
    ("#56b4e9", "-"),
    ("#009e73", "-."),
    ("#cc79a7", "-."),
    ("#e69f00", "--"),
    ("#d55e00", "--"),
)

_RECALLS = np.linspace(0.005, 1, 200)
_ROWS = 4096

# Keeps a number readable where a line crosses it.
_BLANK = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}


def precision_recall(truth, scores, names, metrics):
    """Draws precision over recall: all classes' mean, and the best, middle and worst two of them.

    A class's precision at a recall is that at the lowest threshold which reaches the recall; the
    area under its curve is its average precision.

    Args:
        truth: bool `[clips, classes]`.
        scores: `[clips, classes]`.
        names: of the classes.
        metrics: what `evaluate` gives.

    Returns:
        `matplotlib.figure.Figure`; `.savefig(path)` writes it.
    """
    per_class = metrics["per_class"]
    left_out = {*metrics["without_positives"], *metrics["without_negatives"]}
    counted = [column for column, name in enumerate(names) if name not in left_out]
    curves = {column: _precisions(truth[:, column], scores[:, column]) for column in counted}
    ranked = sorted(counted, key=lambda column: per_class[names[column]]["AP"], reverse=True)

    figure = Figure(figsize=(7.5, 5.5), layout="constrained", dpi=120)
    axes = figure.subplots()
    for column, (colour, dashes) in zip(_best_middle_worst(ranked), _STYLES, strict=False):
        label = textwrap.fill(names[column], 28)
        label += f" ({per_class[names[column]]['AP']:.2f})"
        axes.plot(_RECALLS, curves[column], dashes, color=colour, linewidth=1.5, label=label)
    if curves:
        mean = np.mean(list(curves.values()), axis=0)
        label = f"mean of {len(curves)} classes ({metrics['mAP']:.2f})"
        axes.plot(_RECALLS, mean, color="black", linewidth=2.5, label=label)
        figure.legend(loc="outside right upper", title="average precision", frameon=False)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    return figure


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
    figure = Figure(figsize=(7.5, 1.3 + 0.19 * len(ranked)), layout="constrained", dpi=120)
    axes = figure.subplots()
    values = [figures[name]["AP"] for name in ranked]
    axes.barh(ranked, values, height=0.75, color=DARK)
    for place, value in enumerate(values):
        axes.text(value + 0.01, place, f"{value:.2f}", va="center", fontsize=7, bbox=_BLANK)
    axes.set_yticks(
        range(len(ranked)),
        [
            f"{textwrap.shorten(name, 44, placeholder='...')} ({figures[name]['clips']})"
            for name in ranked
        ],
        fontsize=8,
    )
    if metrics["mAP"] is not None:
        axes.axvline(metrics["mAP"], color=_STYLES[-1][0], linewidth=1.2, linestyle="--")
        axes.set_title(f"mean {metrics['mAP']:.3f}", fontsize=9, color=_STYLES[-1][0])
    axes.set(xlim=(0, 1.08), ylim=(-0.7, len(ranked) - 0.3))
    axes.set(xlabel="average precision", ylabel="class (clips)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def confusion(truth, scores, names):
    """Draws which label scores best for the clips of each class, as shares of the class's clips.

    Args:
        truth: bool `[clips, classes]`, one label a clip.
        scores: `[clips, classes]`.
        names: of the classes. Those that no clip has are one column, "other labels", if any of
            them scores best.

    Returns:
        `matplotlib.figure.Figure`.
    """
    counts = np.zeros((len(names), len(names)), np.int64)
    for first in range(0, len(truth), _ROWS):
        rows = slice(first, first + _ROWS)
        np.add.at(counts, (truth[rows].argmax(axis=1), scores[rows].argmax(axis=1)), 1)
    present = counts.any(axis=1)
    other = counts[present][:, ~present].sum(axis=1, keepdims=True)
    counts = counts[present][:, present]
    rows = [name for name, is_present in zip(names, present, strict=True) if is_present]
    columns = list(rows)
    if other.any():
        counts, columns = np.hstack([counts, other]), [*columns, "other labels"]
    shares = counts / counts.sum(axis=1, keepdims=True)

    small = len(rows) > 20
    cell = 0.17 if small else 0.45
    figure = Figure(
        figsize=(3.8 + cell * len(columns), 2.6 + cell * len(rows)), layout="constrained", dpi=120
    )
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest")
    size = 7 if small else 9
    shortened = [textwrap.shorten(name, 36, placeholder="...") for name in columns]
    axes.set_xticks(range(len(columns)), shortened, rotation=90, fontsize=size)
    axes.set_yticks(range(len(rows)), shortened[: len(rows)], fontsize=size)
    axes.tick_params(length=0)
    if not small:
        for row, column in np.argwhere(shares >= 0.005):
            share = shares[row, column]
            colour = "black" if share > 0.5 else "white"
            text = f"{share:.2f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set(xlabel="label of the best score", ylabel="label of the clip")
    figure.colorbar(image, ax=axes, label="share of the class's clips", shrink=0.6, pad=0.02)
    return figure


def _best_middle_worst(ranked):
    if len(ranked) <= len(_STYLES):
        return ranked
    middle = len(ranked) // 2 - 1
    return [*ranked[:2], *ranked[middle : middle + 2], *ranked[-2:]]


def _precisions(truth, scores):
    """Precision of one class at the lowest threshold that reaches each of `_RECALLS`."""
    order = np.argsort(-scores, kind="stable")
    found, clips = np.cumsum(truth[order]), np.arange(1, len(order) + 1)
    # Thresholds lie where the score changes: clips of equal score are found together.
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    recall, precision = found[last] / found[-1], found[last] / clips[last]
    return precision[np.searchsorted(recall, _RECALLS)]
