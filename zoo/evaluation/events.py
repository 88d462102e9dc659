"""Figures of sound events, as DCASE's tasks have them: by events, and by segments of time.

A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event detection", Applied
Sciences 6(6), 2016. The figures equal those of their `sed_eval`.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

COLLAR = 0.2
"""How far onsets may be apart, and offsets at least, in s: DCASE's."""

SHARE = 0.2
"""How far offsets may be apart, as a share of the event's length, where that is more: DCASE's."""

SEGMENT = 1.0
"""Length of a segment, in s: DCASE's."""


class Occurrence(Protocol):
    """What an event must have: a label's name, its onset and its offset in s."""

    @property
    def label(self) -> str: ...
    @property
    def onset(self) -> float: ...
    @property
    def offset(self) -> float: ...


Events = Mapping[str, Sequence[Occurrence]]
"""Events by the names of their recordings."""


@dataclasses.dataclass
class EventCounts:
    """What was found of the reference's events, or of its active segments.

    Attributes:
        reference: how many there are.
        estimated: how many were said.
        correct: how many of these are the same.
        substituted: how many others would be, but for their label.
    """

    reference: int = 0
    estimated: int = 0
    correct: int = 0
    substituted: int = 0

    @property
    def precision(self) -> float | None:
        """Of what was said, the share that is correct; None where nothing was said."""
        return self.correct / self.estimated if self.estimated else None

    @property
    def recall(self) -> float | None:
        """Of what there is, the share that was found; None where there is nothing."""
        return self.correct / self.reference if self.reference else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where there is nothing."""
        both = self.reference + self.estimated
        return 2 * self.correct / both if self.reference else None

    @property
    def error_rate(self) -> float | None:
        """Substitutions, deletions and insertions for each event or segment that there is.

        It may be above 1. None where there is nothing.
        """
        wrong = self.reference + self.estimated - 2 * self.correct - self.substituted
        return wrong / self.reference if self.reference else None


@dataclasses.dataclass
class EventFigures:
    """Counts of all labels together, and of each.

    Attributes:
        overall: `EventCounts` of all labels; substitutions are between them.
        labels: `EventCounts` by label, of those that the reference or the estimate has.
    """

    overall: EventCounts
    labels: dict[str, EventCounts]

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 of the labels that the reference has; None if it has none."""
        found = [counts.f1 for counts in self.labels.values() if counts.f1 is not None]
        return sum(found) / len(found) if found else None


def event_based(
    reference: Events, estimated: Events, *, collar: float = COLLAR, share: float = SHARE
) -> EventFigures:
    """Counts events that are right: of the same label, with onset and offset where they should be.

    Args:
        reference: the events that there are, by recording; those without have an empty list.
        estimated: the events that were said; of recordings that the reference lacks they do not
            count.
        collar: how far onsets, and offsets at least, may be apart, in s.
        share: how far offsets may be apart, as a share of the reference's event.

    Returns:
        `EventFigures`. Each event of the reference is found by one of the estimate at most, as
        many of them as possible.

    Example:

    >>> from zoo import Event
    >>> there_is = {"street.ogg": [Event("Dog", None, 1.0, 2.0, 1, 1)]}
    >>> said = {"street.ogg": [Event("Dog", None, 1.1, 2.15, 1, 1), Event("Car", None, 1, 2, 1, 1)]}
    >>> event_based(there_is, said).overall.f1  # doctest: +ELLIPSIS
    0.666...
    """

    def near(truth, guess):
        longest = max(collar, share * (truth.offset - truth.onset))
        return (
            abs(truth.onset - guess.onset) <= collar and abs(truth.offset - guess.offset) <= longest
        )

    figures = EventFigures(EventCounts(), {})
    for recording, truths in reference.items():
        guesses = estimated.get(recording, ())
        left_truths, left_guesses = [], []
        for label in {event.label for event in [*truths, *guesses]}:
            ours = [event for event in truths if event.label == label]
            theirs = [event for event in guesses if event.label == label]
            pairs = _pairs(ours, theirs, near)
            _add(figures, label, len(ours), len(theirs), len(pairs))
            left_truths += [event for number, event in enumerate(ours) if number not in pairs]
            taken = set(pairs.values())
            left_guesses += [event for number, event in enumerate(theirs) if number not in taken]
        figures.overall.substituted += len(_pairs(left_truths, left_guesses, near))
    return figures


def segment_based(
    reference: Events, estimated: Events, *, seconds: float = SEGMENT
) -> EventFigures:
    """Counts segments of time in which a label is rightly said to be heard.

    Args:
        reference, estimated: as for `event_based`.
        seconds: length of a segment. A label is active in all that an event of it touches.

    Returns:
        `EventFigures`.
    """
    figures = EventFigures(EventCounts(), {})
    for recording, truths in reference.items():
        ours, theirs = (
            _active(events, seconds) for events in (truths, estimated.get(recording, ()))
        )
        for label in {label for label, _ in ours | theirs}:
            a, b = ({segment for segment in some if segment[0] == label} for some in (ours, theirs))
            _add(figures, label, len(a), len(b), len(a & b))
        for segment in {segment for _, segment in ours | theirs}:
            a, b = ({pair for pair in some if pair[1] == segment} for some in (ours, theirs))
            figures.overall.substituted += min(len(a), len(b)) - len(a & b)
    return figures


def _add(figures, label, reference, estimated, correct):
    for counts in (figures.overall, figures.labels.setdefault(label, EventCounts())):
        counts.reference += reference
        counts.estimated += estimated
        counts.correct += correct


def _active(events, seconds):
    """Pairs of label and segment."""
    return {
        (event.label, segment)
        for event in events
        for segment in range(math.floor(event.onset / seconds), math.ceil(event.offset / seconds))
    }


def _pairs(truths, guesses, near):
    """As many pairs as possible, each event in one at most: a dict of places."""
    partner: dict[int, int] = {}  # of a guess

    def place(truth, seen):
        """Finds the truth a guess, moving others on to another where that helps."""
        for guess in range(len(guesses)):
            if guess not in seen and near(truths[truth], guesses[guess]):
                seen.add(guess)
                if guess not in partner or place(partner[guess], seen):
                    partner[guess] = truth
                    return True
        return False

    for truth in range(len(truths)):
        place(truth, set())
    return {truth: guess for guess, truth in partner.items()}
