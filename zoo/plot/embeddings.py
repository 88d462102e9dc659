"""Embeddings in a plane, where sounds that the network takes for similar are near each other."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zoo.plot.figure import APART, figure_and_axes, legend

_COLOURS = (*APART, "#f0e442", "#000000")
# 13 and 8 have no common factor: 104 classes differ in marker or colour, and neighbours in both.
_MARKERS = "os^DvPX<>phd*"


def embedding_map(
    embeddings: npt.ArrayLike, labels: Sequence[str], *, ax: Axes | None = None
) -> Figure:
    """Draws embeddings in the plane of their two first principal components.

    Args:
        embeddings: floating point `[n, units]`, as `AudioClassifier.embed` gives them.
        labels: the class of each, `[n]` names. Up to 104 classes differ in colour or marker.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`. Both axes have the same scale, and say which share of the
        variance theirs is.

    Raises:
        ValueError: fewer than two embeddings or units, or not as many labels, or NaN.

    Example:

    >>> figure = embedding_map([[0.0, 1.0], [1.0, 1.0], [4.0, 1.0]], ["Cat", "Cat", "Dog"])
    >>> figure.axes[0].get_xlabel()
    'first principal component (100% of the variance)'
    """
    embeddings = np.asarray(embeddings, np.float64)
    if embeddings.ndim != 2 or min(embeddings.shape) < 2 or len(labels) != len(embeddings):
        raise ValueError(
            "An embedding map needs embeddings [n, units], at least two of at least two units, and "
            f"n labels. Received shape {embeddings.shape} and {len(labels)} labels."
        )
    if not np.isfinite(embeddings).all():
        raise ValueError("embeddings hold NaN or infinity.")
    points, shares = _principal_components(embeddings)
    first, second = points.T
    names, classes = np.unique([str(label) for label in labels], return_inverse=True)

    many = len(names) > 24
    columns = -(-len(names) // 34) if many else 1
    figure, axes = figure_and_axes(ax, 6 + 2.6 * columns, 6.5 if many else 5.5)
    dots = [
        axes.scatter(
            first[classes == number],
            second[classes == number],
            s=40 if len(points) <= 500 else 18,
            marker=_MARKERS[number % len(_MARKERS)],
            color=_COLOURS[number % len(_COLOURS)],
            edgecolor="0.2",
            linewidth=0.3,
        )
        for number in range(len(names))
    ]
    legend(axes, dots, list(names), ncols=columns, fontsize=7 if many else 9)
    _make_square(axes, points)
    axes.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance)")
    axes.set_ylabel(f"second principal component ({shares[1]:.0%} of the variance)")
    return figure


def _principal_components(embeddings):
    """Float64 `[n, units]` on its first two components, `[n, 2]`, and their shares of variance."""
    centred = embeddings - embeddings.mean(axis=0)
    _, scales, components = np.linalg.svd(centred, full_matrices=False)
    variances = scales**2
    # A component's sign is arbitrary; its largest entry counts as positive, on every machine.
    largest = np.abs(components[:2]).argmax(axis=1)
    signs = np.sign(components[[0, 1], largest])
    # Embeddings that are all the same have no variance to share.
    shares = variances[:2] / max(variances.sum(), np.finfo(np.float64).tiny)
    return centred @ components[:2].T * signs, shares


def _make_square(axes, points):
    """Both axes equally long around the points: matplotlib's own equal scale leaves them small."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.55 * (high - low).max() or 1
    (left, bottom), (right, top) = (low + high) / 2 - half, (low + high) / 2 + half
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", anchor="NW")
