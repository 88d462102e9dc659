"""What the clips of each class are taken for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.evaluation.blocks import ROWS, blocks, check_no_nan
from zoo.plot.figure import COLOURS, figure_and_axes, short


def confusion(
    truth: npt.ArrayLike, predicted: npt.ArrayLike, names: Sequence[str], *, ax: Axes | None = None
) -> Figure:
    """Draws what the clips of each class are taken for, as shares of the class's clips.

    Args:
        truth: the class of each clip: integers `[clips]`, or bool `[clips, classes]` with one
            label a clip.
        predicted: what each clip is taken for: integers `[clips]`, or scores `[clips, classes]`,
            of which the best counts.
        names: of the classes. Those that no clip has are one column, "other labels", if any clip
            is taken for them.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`. Up to 20 classes, the cells show how many clips they are.

    Raises:
        ValueError: there are no clips, shapes or indices do not fit, a clip has not one label, or
            a score is NaN.

    Example:

    >>> figure = confusion([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], ["Cat", "Dog"])
    >>> figure.axes[0].get_images()[0].get_array().tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    counts = _counts(np.asanyarray(truth), np.asanyarray(predicted), len(names))
    present = counts.any(axis=1)
    other = counts[present][:, ~present].sum(axis=1, keepdims=True)
    counts = counts[present][:, present]
    rows = [short(name, 36) for name, is_present in zip(names, present, strict=True) if is_present]
    columns = list(rows)
    if other.any():
        counts, columns = np.hstack([counts, other]), [*columns, "other labels"]
    shares = counts / counts.sum(axis=1, keepdims=True)

    few = len(rows) <= 20
    cell, letter = (np.clip(4 / len(rows), 0.42, 0.8), 0.075) if few else (0.14, 0.055)  # inches
    longest = letter * max(map(len, columns))
    width, height = 1.05 * cell * len(columns), cell * len(rows)  # the colour bar grows along
    figure, axes = figure_and_axes(ax, 1.8 + longest + width, 0.6 + longest + height)
    image = axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest")
    style: dict[str, Any] = {"fontsize": 9 if few else 6.5, "parse_math": False}
    axes.set_xticks(range(len(columns)), columns, rotation=90, **style)
    axes.set_yticks(range(len(rows)), rows, **style)
    axes.tick_params(length=0)
    if few:
        for row, column in np.argwhere(counts):
            colour = "black" if shares[row, column] > 0.5 else "white"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    axes.set(xlabel="predicted class", ylabel="true class")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, ticks=(0, 0.5, 1))
    bar.set_label("share of the true class", labelpad=6)
    return figure


def _counts(truth, predicted, classes):
    """How many clips of each class are taken for each: int64 `[classes, classes]`."""
    if truth.ndim == 2:
        _check_one_label(truth)
    truth, predicted = _indices(truth, classes, "truth"), _indices(predicted, classes, "predicted")
    if not len(truth) or len(truth) != len(predicted):
        raise ValueError(
            "truth and predicted must be of the same clips, and of one at least. "
            f"Received {len(truth)} and {len(predicted)}."
        )
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def _check_one_label(truth):
    for number, block in enumerate(blocks(truth)):
        labels = np.count_nonzero(block, axis=1)
        if (labels != 1).any():
            row = int(np.argmax(labels != 1))
            raise ValueError(
                "A confusion matrix needs one label a clip. "
                f"Clip {number * ROWS + row} has {labels[row]}."
            )


def _indices(values, classes, name):
    """The class of each clip, given as such or as the best of each row."""
    if values.ndim == 2 and values.shape[1] == classes:
        check_no_nan(values, name)
        best = [block.argmax(axis=1) for block in blocks(values)]
        return np.concatenate(best) if best else np.zeros(0, np.int64)
    fits = values.ndim == 1 and values.dtype.kind in "iu"
    if not fits or not ((values >= 0) & (values < classes)).all():
        raise ValueError(
            f"{name} must be class indices [clips] from 0 to {classes - 1}, or an array [clips, "
            f"{classes}]. Received shape {values.shape} of dtype {values.dtype}."
        )
    return values
