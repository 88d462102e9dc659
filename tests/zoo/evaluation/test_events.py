"""Figures of events, against those of `sed_eval`, which recipes/sed_eval_reference.py wrote."""

import json
import random
from pathlib import Path
from typing import NamedTuple

import pytest

from zoo.evaluation.events import event_based, segment_based

FIGURES = {"event_based": event_based, "segment_based": segment_based}


class Occurrence(NamedTuple):
    label: str
    onset: float
    offset: float


@pytest.fixture(scope="module")
def sed_eval():
    return json.loads(Path(__file__).with_name("sed_eval.json").read_text())


def events(listed):
    return {name: [Occurrence(*each) for each in some] for name, some in listed.items()}


@pytest.mark.parametrize("kind", FIGURES)
def test_figures_are_those_of_sed_eval(sed_eval, kind):
    found = FIGURES[kind](events(sed_eval["reference"]), events(sed_eval["estimated"]))
    expected = sed_eval[kind]
    assert found.macro_f1 == pytest.approx(expected["macro_f1"])
    for counts, theirs in [
        (found.overall, expected["overall"]),
        *((found.labels[label], of) for label, of in expected["labels"].items()),
    ]:
        assert counts.f1 == pytest.approx(theirs["f_measure"])
        assert counts.precision == pytest.approx(theirs["precision"])
        assert counts.recall == pytest.approx(theirs["recall"])
        assert counts.error_rate == pytest.approx(theirs["error_rate"])
    assert 0.2 < found.overall.f1 < 0.9


@pytest.mark.parametrize("kind", FIGURES)
def test_where_nothing_is_or_is_said(kind):
    dog = {"a": [Occurrence("Dog", 0, 1)]}
    said = FIGURES[kind]({"a": []}, dog)
    assert (said.overall.precision, said.overall.recall, said.overall.f1) == (0, None, None)
    assert said.macro_f1 is said.overall.error_rate is None
    missed = FIGURES[kind](dog, {})
    assert (missed.overall.precision, missed.overall.recall, missed.overall.f1) == (None, 0, 0)
    assert missed.overall.error_rate == 1
    assert FIGURES[kind]({}, dog).labels == {}


def test_as_many_pairs_as_possible_are_found():
    """The first of the reference could take the only one that the second can have."""
    reference = {"a": [Occurrence("Dog", 1.0, 2.0), Occurrence("Dog", 1.3, 2.3)]}
    estimated = {"a": [Occurrence("Dog", 1.15, 2.15), Occurrence("Dog", 0.9, 1.9)]}
    assert event_based(reference, estimated).overall.correct == 2


@pytest.mark.parametrize("turn", [1, -1])
def test_long_chains_of_events_are_paired_as_quickly(turn):
    """Each estimate is near three of the reference: an hour of clicks, 0.15 s apart."""
    times = [0.15 * n for n in range(4000)]
    reference = {"a": [Occurrence("Dog", time, time + 0.1) for time in times][::turn]}
    estimated = {"a": [Occurrence("Dog", time + 0.15, time + 0.25) for time in times]}
    assert event_based(reference, estimated).overall.correct == 4000


@pytest.mark.parametrize("kind", FIGURES)
def test_pairs_and_segments_are_those_of_a_slow_count(kind):
    generator = random.Random(0)
    for _ in range(100):
        reference, estimated = (
            [
                Occurrence(generator.choice("AB"), onset, onset + generator.choice([0.1, 1.2, 2]))
                for onset in (0.1 * generator.randrange(20) for _ in range(generator.randrange(7)))
            ]
            for _ in range(2)
        )
        counts = FIGURES[kind]({"a": reference}, {"a": estimated}).overall
        assert counts.correct == SLOW[kind](reference, estimated)


def most_pairs(reference, estimated):
    if not reference:
        return 0
    first, *others = reference
    longest = max(0.2, 0.2 * (first.offset - first.onset))
    found = [most_pairs(others, estimated)]
    for place, guess in enumerate(estimated):
        near = abs(first.onset - guess.onset) <= 0.2, abs(first.offset - guess.offset) <= longest
        if guess.label == first.label and all(near):
            found.append(1 + most_pairs(others, estimated[:place] + estimated[place + 1 :]))
    return max(found)


def common_segments(reference, estimated):
    def active(events, label, second):
        return any(
            event.label == label and event.onset < second + 1 and event.offset > second
            for event in events
        )

    return sum(
        active(reference, label, second) and active(estimated, label, second)
        for label in "AB"
        for second in range(10)
    )


SLOW = {"event_based": most_pairs, "segment_based": common_segments}


@pytest.mark.parametrize("kind", FIGURES)
def test_labels_stand_in_the_same_order_in_every_process(kind):
    there_is = {"a": [Occurrence(label, 0, 1) for label in ("Rain", "Dog", "Car", "Wind", "Bell")]}
    assert list(FIGURES[kind](there_is, there_is).labels) == ["Bell", "Car", "Dog", "Rain", "Wind"]


def test_an_hour_of_many_labels_is_counted_quickly():
    events = [Occurrence(f"{n % 50}", n, n + 40) for n in range(3600)]
    counts = segment_based({"a": events}, {"a": events}).overall
    assert counts.correct == counts.reference == 3600 * 40


def test_an_offset_may_be_a_fifth_of_the_event_off():
    reference = {"a": [Occurrence("Dog", 0, 10)]}
    for offset, correct in [(8.0, 1), (12.0, 1), (7.9, 0)]:
        estimated = {"a": [Occurrence("Dog", 0.2, offset)]}
        assert event_based(reference, estimated).overall.correct == correct


def test_a_segment_is_active_where_an_event_touches_it():
    reference = {"a": [Occurrence("Dog", 0.9, 2.1)]}
    counts = segment_based(reference, {"a": [Occurrence("Cat", 1.0, 2.0)]}).overall
    assert (counts.reference, counts.estimated, counts.correct, counts.substituted) == (3, 1, 0, 1)
