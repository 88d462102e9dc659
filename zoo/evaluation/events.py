"""Figures of sound events, as DCASE's tasks have them: by events, and by segments of time.

A. Mesaros, T. Heittola, T. Virtanen, "Metrics for polyphonic sound event detection", Applied
Sciences 6(6), 2016. The figures equal those of their `sed_eval`, where labels of which nothing was
said have F1 0 (its `empty_system_output_handling="zero_score"`); but where events of a label lie so
close that they can be paired in several ways, equally well, the error rate by events may differ a
little, as it hangs on which are left.
"""

import bisect
import dataclasses
import math
from collections import Counter
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
    figures = EventFigures(EventCounts(), {})
    for recording, truths in reference.items():
        guesses = estimated.get(recording, ())
        choices = _choices(truths, guesses, collar, share)
        pairs = _pairs(
            [
                [place for place in near if guesses[place].label == truth.label]
                for truth, near in zip(truths, choices, strict=True)
            ]
        )
        a, b = (Counter(event.label for event in some) for some in (truths, guesses))
        both = Counter(truths[place].label for place in pairs)
        for label in sorted(a | b):
            _add(figures, label, a[label], b[label], both[label])
        # The rest is substituted first come, first served, as with sed_eval.
        taken = set(pairs.values())
        for place, near in enumerate(choices):
            left = [guess for guess in near if guess not in taken]
            if left and place not in pairs:
                taken.add(left[0])
                figures.overall.substituted += 1
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
        a, b, both = (Counter(label for label, _ in some) for some in (ours, theirs, ours & theirs))
        for label in sorted(a | b):
            _add(figures, label, a[label], b[label], both[label])
        a, b = (Counter(segment for _, segment in some) for some in (ours, theirs))
        figures.overall.substituted += (a & b).total() - both.total()
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


def _choices(truths, guesses, collar, share):
    """Of each event of the reference, which of the estimate are where it is, in their order."""
    order = sorted(range(len(guesses)), key=lambda place: guesses[place].onset)
    onsets = [guesses[place].onset for place in order]
    choices = []
    for truth in truths:
        longest = max(collar, share * (truth.offset - truth.onset))
        # Twice the collar, lest a sum's rounding leave one out.
        first = bisect.bisect_left(onsets, truth.onset - 2 * collar)
        last = bisect.bisect_right(onsets, truth.onset + 2 * collar)
        choices.append(
            [
                place
                for place in sorted(order[first:last])
                if abs(truth.onset - guesses[place].onset) <= collar
                and abs(truth.offset - guesses[place].offset) <= longest
            ]
        )
    return choices


def _pairs(choices):
    """As many pairs as possible, each event in one at most: a dict of places."""
    pairs: dict[int, int] = {}
    partner: dict[int, int] = {}  # of a guess
    for truth in range(len(choices)):
        free, wanted_by = _free(truth, choices, partner)
        # Whoever has to give its guess away has found another.
        while free is not None:
            taker = wanted_by[free]
            partner[free], pairs[taker], free = taker, free, pairs.get(taker)
    return pairs


def _free(truth, choices, partner):
    """A guess that is free, and for which others can move on until there is one for `truth`.

    Returns:
        Its place, or None; and a dict of the truths that would take the guesses on the way there.
    """
    wanted_by: dict[int, int] = {}
    queue = [truth]  # no recursion: the way may be longer than calls can be nested
    for wanting in queue:
        for guess in choices[wanting]:
            if guess not in wanted_by:
                wanted_by[guess] = wanting
                if guess not in partner:
                    return guess, wanted_by
                queue.append(partner[guess])
    return None, wanted_by
