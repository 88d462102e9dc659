"""What a classifier's scores are called."""

import numbers
from collections.abc import Iterable
from typing import NamedTuple

from zoo.errors import nearest


class Label(NamedTuple):
    """A class: its display name and, where AudioSet has the class, its AudioSet id.

    Attributes:
        name: display name.
        mid: AudioSet id, or None.

    Example:

    >>> Label("Rain", "/m/06mb1")
    Label(name='Rain', mid='/m/06mb1')
    """

    name: str
    mid: str | None = None


class Prediction(NamedTuple):
    """A label that was heard, and its score.

    Attributes:
        label: the label's name.
        mid: its AudioSet id, or None.
        score: between 0 and 1.
    """

    label: str
    mid: str | None
    score: float


def as_labels(labels: Iterable[str | tuple[str, str | None]]) -> list[Label]:
    """Checks labels and completes them.

    Args:
        labels: names, or (name, mid) pairs, `Label`s among them.

    Returns:
        A list of `Label`.

    Raises:
        ValueError: no labels, a label that is neither form, or a name that comes twice.

    Example:

    >>> as_labels(["Rain", ("Wind", "/m/03m9d0z")])
    [Label(name='Rain', mid=None), Label(name='Wind', mid='/m/03m9d0z')]
    """
    if isinstance(labels, str) or not hasattr(labels, "__iter__"):
        raise ValueError(f"labels must be a list of names. Received: {labels!r}")
    complete = [_as_label(label) for label in labels]
    if not complete:
        raise ValueError("labels must name at least one class. Received none.")
    seen = set()
    for label in complete:
        if label.name in seen:
            raise ValueError(f"labels must differ. Received {label.name!r} twice.")
        seen.add(label.name)
    return complete


def check_top(top):
    """Refuses what is no number of labels to name; ValueError says what was received."""
    if isinstance(top, bool) or not isinstance(top, numbers.Integral) or top < 1:
        raise ValueError(f"top must be a whole number of at least 1. Received: {top!r}")


def find_label(name: str, labels: list[Label]) -> int:
    """The index of a label, by its name, its name in another case, or its mid.

    Raises:
        ValueError: there is none; the message says which is nearest.

    Example:

    >>> find_label("wind", [Label("Rain"), Label("Wind")])
    1
    """
    if not isinstance(name, str):
        raise ValueError(f"A label goes by its name. Received: {name!r}")
    exact = [label.name for label in labels]
    if name in exact:
        return exact.index(name)
    wanted = name.casefold()
    for index, label in enumerate(labels):
        if wanted in (label.name.casefold(), (label.mid or label.name).casefold()):
            return index
    near = nearest(name, exact)
    hint = f"; the nearest is {near!r}" if near else ""
    raise ValueError(f"There is no label {name!r}{hint}.")


def _as_label(label):
    parts = (label,) if isinstance(label, str) else label
    well_formed = (
        isinstance(parts, (tuple, list))
        and 1 <= len(parts) <= 2
        and all(isinstance(part, str) and part for part in parts if part is not None)
        and parts[0] is not None
    )
    if not well_formed:
        raise ValueError(f"A label must be a name or a (name, mid) pair. Received: {label!r}")
    return Label(*parts)
