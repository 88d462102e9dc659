"""What all pictures share: figures and how they are saved, colours, names and legends."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from frontend.types import StrPath
from zoo.files import check_writable, write_atomically

COLOURS = "cividis"
"""Colour map of all images: perceptually uniform, and readable with every kind of colour vision."""
BLUE = "#00336f"
"""Of the same map."""
ORANGE = "#e69f00"
"""Okabe and Ito's, as `VERMILLION`."""
VERMILLION = "#d55e00"
"""Stands out from `BLUE` with every kind of colour vision."""

# Okabe and Ito's colours, told apart with every kind of colour vision; neighbours at a glance.
# Yellow is too pale for a line, and black is the mean's.
APART = ("#0072b2", "#009e73", ORANGE, "#56b4e9", "#cc79a7", VERMILLION)


def new_figure(width: float, height: float) -> Figure:
    """A figure of `width` x `height` inches, laid out so that nothing is cut off."""
    return Figure(figsize=(width, height), layout="constrained", dpi=120)


def new_axes(width: float, height: float) -> Axes:
    """The Axes of a new figure of `width` x `height` inches, laid out so that nothing is cut off.

    Lines and points that are given no colour are told apart with every kind of colour vision.
    """
    axes = new_figure(width, height).subplots()
    axes.set_prop_cycle(color=APART)
    return axes


def figure_and_axes(ax: Axes | None, width: float, height: float) -> tuple[Figure, Axes]:
    """The Axes to draw in, `ax` or else new ones of `width` x `height` inches, and their figure."""
    axes = new_axes(width, height) if ax is None else ax
    return axes.figure.figure, axes  # the whole figure, where Axes are of a part


def save(figure: Figure, path: StrPath) -> None:
    """Writes a figure to a file, which appears complete or not at all.

    Args:
        figure: a `matplotlib.figure.Figure`.
        path: of the file. Its suffix names the format, PNG without one.

    Raises:
        OSError: the file cannot be written.
        ValueError: matplotlib does not write this format.

    Example:

    >>> import tempfile
    >>> save(new_axes(4, 3).figure, tempfile.mkdtemp() + "/empty.svg")
    """
    with write_atomically(path) as file:
        figure.savefig(file, format=Path(path).suffix[1:] or "png")


def check_save(path: StrPath) -> None:
    """Raises what `save` would, before there is a figure.

    Args:
        path: of the file that is to be.

    Raises:
        OSError: the file cannot be written.
        ValueError: matplotlib does not write this format.

    Example:

    >>> check_save("sounds.foo")
    Traceback (most recent call last):
        ...
    ValueError: A picture is one of ... Received: sounds.foo
    """
    check_writable(path)
    kinds = new_figure(1, 1).canvas.get_supported_filetypes()
    if (Path(path).suffix[1:].lower() or "png") not in kinds:
        raise ValueError(f"A picture is one of {', '.join(sorted(kinds))}. Received: {path}")


def drawable(name: str) -> str:
    """The `name` as fonts can show it: bytes of a file's name that are no text become escapes.

    >>> drawable("t\\udcfcr")
    't\\\\udcfcr'
    """
    return name.encode(errors="backslashreplace").decode()


def short(name: str, width: int) -> str:
    """The `name`, as `drawable`, cut to `width` characters where it is longer.

    >>> short("Sword, metal clash", 12)
    'Sword, me...'
    """
    name = drawable(name)
    return name if len(name) <= width else name[: width - 3].rstrip(" ,") + "..."


def legend(axes: Axes, artists: Sequence[Artist], names: Sequence[str], **style: Any) -> None:
    """Draws a legend beside the Axes, with the names as they are: with $, or a leading underscore.

    Args:
        axes: the Axes.
        artists: lines or points.
        names: of them, in the same order.
        style: arguments of `Axes.legend`.
    """
    drawn = axes.legend(
        artists,
        [str(number) for number in range(len(names))],
        loc="upper left",
        bbox_to_anchor=(1.02, 1),
        borderaxespad=0,
        frameon=False,
        **style,
    )
    for text, name in zip(drawn.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(textwrap.fill(drawable(name), 32))
