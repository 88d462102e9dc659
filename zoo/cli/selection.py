"""Which labels are wanted, and from which score on."""

import contextlib
from pathlib import Path

import numpy as np

from zoo.json_text import parse_json
from zoo.labels import Prediction, find_label


def add_labels(parser):
    parser.add_argument(
        "--labels", metavar="A,B", help="of these alone: names or mids, with commas between"
    )


def add_thresholds(parser, default, meaning):
    """Adds `--threshold`, a number of all labels, and `--thresholds`, of each."""
    thresholds = parser.add_mutually_exclusive_group()
    thresholds.add_argument(
        "--threshold",
        type=float,
        default=default,
        metavar="SCORE",
        help=f"{meaning} (default: {default:g})",
    )
    thresholds.add_argument(
        "--thresholds",
        metavar="FILE.json",
        help="scores by label, as soundzoo evaluate writes them (scores, not what --calibrated "
        "gives); labels without are left out",
    )


def thresholds_of(options, labels):
    """A dict of thresholds by the name of the label, of the labels that are wanted.

    Raises:
        ValueError: a label that there is not, a threshold that is no score, a file that is no
            JSON of such.
        OSError: the file cannot be read.
    """
    found = [label.name for label in labels]
    if options.labels is not None:
        found = [found[index] for index in find_labels(options.labels, labels)]
    if options.thresholds is None:
        _check_score("--threshold", options.threshold)
        return dict.fromkeys(found, options.threshold)
    thresholds = _read_thresholds(options.thresholds, labels)
    wanted = {name: thresholds[name] for name in found if name in thresholds}
    if not wanted:
        raise ValueError(f"{options.thresholds} has no threshold of a label that is wanted.")
    return wanted


def _read_thresholds(path, labels):
    try:
        values = parse_json(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold scores by label, as soundzoo evaluate writes them.")
    thresholds: dict[str, float] = {}
    for name, value in values.items():
        _check_score(f"{path}, {name!r},", value)
        found = labels[find_label(name, labels)].name
        if found in thresholds:
            raise ValueError(f"{path} has two thresholds for {found!r}.")
        thresholds[found] = float(value)
    return thresholds


def _check_score(what, value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{what} is a score, from 0 to 1. Received: {value!r}")


class Selection:
    """The labels that the arguments name, and from which score on.

    Attributes:
        named: list of their names, or None where all are wanted.
    """

    def __init__(self, labels, options):
        if options.top < 1:
            raise ValueError(f"--top must be at least 1. Received: {options.top}")
        thresholds = thresholds_of(options, labels)
        self.top = options.top
        places = {label.name: index for index, label in enumerate(labels)}
        self._indices = np.array([places[name] for name in thresholds])
        self._labels = [labels[index] for index in self._indices]
        self._thresholds = np.array(list(thresholds.values()))
        self.named = None
        if options.labels is not None:
            self.named = list(thresholds)

    def best(self, scores):
        """The best of a row of scores, `[classes]`, as a list of `Prediction`, best first."""
        scores = scores[self._indices]
        reached = np.flatnonzero(scores >= self._thresholds)
        order = reached[np.argsort(-scores[reached], kind="stable")][: self.top]
        return [Prediction(*self._labels[place], float(scores[place])) for place in order]

    def scores(self, scores):
        """Those of the named labels by their names, without what is below the threshold."""
        scores = scores[self._indices]
        reached = scores >= self._thresholds
        return {self.named[place]: float(scores[place]) for place in np.flatnonzero(reached)}


def find_labels(text, labels):
    """Indices of the labels that a text names, with commas between them.

    Names hold commas, too ("Male speech, man speaking"): the longest that fits is meant.

    Raises:
        ValueError: a part of the text is no label.
    """
    parts = text.split(",")
    found, first = [], 0
    while first < len(parts):
        for last in range(len(parts), first, -1):
            pieces = parts[first:last]
            names = (",".join(pieces).strip(), ", ".join(map(str.strip, pieces)))
            index = _first_of(names, labels)
            if index is not None:
                found.append(index)
                break
        else:
            find_label(parts[first].strip(), labels)  # says what is nearest
        first = last
    return list(dict.fromkeys(found))


def _first_of(names, labels):
    """The index of the first of some names that is a label's, or None."""
    for name in names:
        with contextlib.suppress(ValueError):
            return find_label(name, labels)
    return None
