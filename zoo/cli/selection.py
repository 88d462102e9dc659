"""Which labels are wanted, and from which score on."""

import numpy as np

from zoo.labels import Prediction, find_label


def add_labels(parser):
    parser.add_argument(
        "--labels", metavar="A,B", help="of these alone: names or mids, with commas between"
    )


def add_arguments(parser):
    parser.add_argument("--top", type=int, default=5, metavar="N", help="labels (default: 5)")
    add_labels(parser)
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.0,
        metavar="SCORE",
        help="of scores from this on, 0 to 1 (default: 0)",
    )


def check_arguments(options):
    """Says what is wrong with them before a model is loaded."""
    if options.top < 1:
        raise ValueError(f"--top must be at least 1. Received: {options.top}")
    if not 0 <= options.threshold <= 1:
        raise ValueError(f"--threshold is a score, from 0 to 1. Received: {options.threshold}")


class Selection:
    """The labels that the arguments name.

    Attributes:
        named: list of their names, or None where all are wanted.
    """

    def __init__(self, labels, options):
        self.top, self.threshold = options.top, options.threshold
        self._labels = labels
        self._indices = np.arange(len(labels))
        self.named = None
        if options.labels is not None:
            self._indices = np.array(find_labels(options.labels, labels))
            self.named = [labels[index].name for index in self._indices]

    def best(self, scores):
        """The best of a row of scores, `[classes]`, as a list of `Prediction`, best first."""
        scores = scores[self._indices]
        order = np.argsort(-scores, kind="stable")[: self.top]
        return [
            Prediction(*self._labels[self._indices[place]], float(scores[place]))
            for place in order
            if scores[place] >= self.threshold
        ]

    def scores(self, scores):
        """Those of the named labels by their names, without what is below the threshold."""
        scores = scores[self._indices]
        pairs = zip(self.named, map(float, scores), strict=True)
        return {name: score for name, score in pairs if score >= self.threshold}


def find_labels(text, labels):
    """Indices of the labels that a text names, with commas between them.

    Names hold commas, too ("Male speech, man speaking"): the longest that fits is meant.

    Raises:
        ValueError: a part of the text is no label.
    """
    parts = [part.strip() for part in text.split(",")]
    found, first = [], 0
    while first < len(parts):
        for last in range(len(parts), first, -1):
            try:
                found.append(find_label(", ".join(parts[first:last]), labels))
                break
            except ValueError:
                if last == first + 1:
                    raise
        first = last
    return list(dict.fromkeys(found))
