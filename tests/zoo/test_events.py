"""Events, against a slow reference that follows their definition word by word."""

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import zoo
from frontend import FrontendConfig
from zoo.architecture import find_architecture
from zoo.events import Event, EventFinder
from zoo.labels import Label

EXAMPLES = Path(__file__).parents[2] / "examples"
LABELS = [Label("Dog", "/m/0bt9lr"), Label("Rain"), Label("Wind")]


def found(scores, seconds, hop=0.96, **options):
    frontend = FrontendConfig(patch_hop_seconds=hop)
    return EventFinder(LABELS, frontend, **options)(np.float32(scores), seconds)


def column(*scores):
    """Scores of "Rain" alone."""
    return [[0, score, 0] for score in scores]


def reference(scores, seconds, hop, threshold, median, merge_gap, min_seconds):
    """The same by steps of a thousandth of a second."""
    patches, half = len(scores), median // 2
    middles = [hop * n + 0.48 for n in range(patches)]
    times = np.arange(math.ceil(seconds * 1000)) / 1000
    nearest = [min(range(patches), key=lambda n: abs(middles[n] - time)) for time in times]
    events = []
    for index, label in enumerate(LABELS):
        padded = [scores[min(max(n, 0), patches - 1)][index] for n in range(-half, patches + half)]
        smooth = [sorted(padded[n : n + median])[half] for n in range(patches)]
        runs = []
        for time, patch in zip(times, nearest, strict=True):
            if smooth[patch] < threshold / 2:
                continue
            if runs and runs[-1][-1][1] >= patch - 1:
                runs[-1].append((time, patch))
            else:
                runs.append([(time, patch)])
        runs = [run for run in runs if max(smooth[patch] for _, patch in run) >= threshold]
        merged = []
        for run in runs:
            if merged and run[0][0] - merged[-1][-1][0] < merge_gap:
                merged[-1] += run
            else:
                merged.append(run)
        for run in merged:
            if run[-1][0] - run[0][0] >= min_seconds:
                heard = [scores[n][index] for n in range(run[0][1], run[-1][1] + 1)]
                times_of = run[0][0], run[-1][0]
                events.append(Event(*label, *times_of, max(heard), sum(heard) / len(heard)))
    return sorted(events)


@pytest.mark.parametrize("hop", [0.96, 0.48, 0.24])
@pytest.mark.parametrize("median", [1, 3])
def test_events_are_those_of_the_definition(hop, median):
    rng = np.random.default_rng(round(hop * 100) + median)
    for _ in range(5):
        patches = int(rng.integers(1, 25))
        scores = np.repeat(rng.uniform(0, 1, (patches, 3)), 2, axis=0)[:patches] ** 2
        # A last patch holds what it shares, and a quarter of a hop or more.
        seconds = (patches - 1) * hop + rng.uniform(0.96 - 0.75 * hop, 0.96)
        options = {"threshold": 0.4, "median": median, "merge_gap": 0.7, "min_seconds": 0.5}
        expected = reference(scores, seconds, hop, **options)
        events = sorted(found(scores, seconds, hop, **options))
        assert [event[:2] for event in events] == [event[:2] for event in expected]
        numbers = [[event[2:] for event in some] for some in (events, expected)]
        np.testing.assert_allclose(*numbers, atol=2e-3)


def test_an_event_lasts_while_the_score_is_above_half_the_threshold():
    scores = column(0.2, 0.9, 0.26, 0.6, 0.24, 0.3, 0.4)
    events = found(scores, 6.72, threshold=0.5)
    assert [event.label for event in events] == ["Rain"]
    assert events[0][2:] == pytest.approx((0.96, 3.84, 0.9, (0.9 + 0.26 + 0.6) / 3))


def test_patches_speak_for_the_time_around_their_middles_and_the_outer_ones_for_the_ends():
    ((*_, onset, offset, _, _),) = found(column(0.9, 0, 0, 0), 2.4, hop=0.48)
    assert (onset, offset) == pytest.approx((0, 0.72))
    ((*_, onset, offset, _, _),) = found(column(0, 0.9, 0, 0), 2.4, hop=0.48)
    assert (onset, offset) == pytest.approx((0.72, 1.2))
    ((*_, onset, offset, _, _),) = found(column(0, 0, 0, 0.9), 2.4, hop=0.48)
    assert (onset, offset) == pytest.approx((1.68, 2.4))


def test_events_are_whole_patches_where_these_do_not_overlap():
    events = [event[2:4] for event in found(column(0, 0.9, 0), 2.2)]
    assert events == [pytest.approx((0.96, 1.92))]
    events = [event[2:4] for event in found(column(0, 0, 0.9), 2.2)]
    assert events == [pytest.approx((1.92, 2.2))]


def test_events_are_whole_patches_of_centred_front_ends_too():
    frontend = find_architecture("cnn14").frontend.with_hop(10)
    assert frontend.center
    ((*_, onset, offset, _, _),) = EventFinder(LABELS[:1], frontend)(np.float32([[0], [0.9]]), 20)
    assert (onset, offset) == pytest.approx((10, 20))


def test_patches_begin_at_whole_samples():
    # 10 ms are 220.5 samples, and a frame has 220.
    frontend = FrontendConfig(sample_rate=22050, fft_length=1024)
    scores = np.zeros((3751, 1), np.float32)
    scores[3750] = 0.9
    ((*_, onset, _, _, _),) = EventFinder(LABELS[:1], frontend)(scores, 3593)
    assert onset == pytest.approx(frontend.patch_starts(3751)[3750])


@pytest.mark.parametrize("hop", [0.96, 0.48, 0.1])
def test_lengths_and_gaps_of_whole_hops_are_told_from_shorter_ones(hop):
    # The starts of patches are sums of floats: 0.96 s may become 0.9599999999999991.
    for first in range(1, 100):
        scores = np.zeros((first + 4, 3), np.float32)
        scores[[first, first + 2], 1] = 0.9
        seconds = (first + 3) * hop + 0.96
        assert len(found(scores, seconds, hop, merge_gap=hop, min_seconds=hop)) == 2


def test_no_event_ends_behind_the_sound():
    for seconds in (0.1, 1.0, 1.9):
        events = found(column(*[0.9] * math.ceil(seconds / 0.96)), seconds)
        assert [event[2:4] for event in events] == [(0, seconds)]


def test_gaps_are_closed_before_what_is_short_is_left_out():
    scores = column(0.9, 0, 0.9, 0, 0, 0, 0.9)
    gaps = {"merge_gap": 1.0, "min_seconds": 1.5}
    assert [event[2:4] for event in found(scores, 6.72, **gaps)] == [pytest.approx((0, 2.88))]


def test_a_median_takes_single_patches_away():
    assert not found(column(0, 0.9, 0, 0), 3.84, median=3)
    assert len(found(column(0, 0.9, 0.9, 0), 3.84, median=3)) == 1


def test_thresholds_by_label_leave_others_out():
    scores = [[0.5, 0.5, 0.5]]
    assert {event.label for event in found(scores, 0.96)} == {"Dog", "Rain", "Wind"}
    thresholds = {"dog": 0.4, "Rain": 0.6}
    assert [event[:2] for event in found(scores, 0.96, threshold=thresholds)] == [LABELS[0]]


def test_labels_that_differ_by_case_have_events_of_their_own():
    labels, scores = [Label("Bass"), Label("bass")], np.float32([[0.5, 0.9]])
    find = EventFinder(labels, FrontendConfig())
    assert {event.label for event in find(scores, 0.96)} == {"Bass", "bass"}
    find = EventFinder(labels, FrontendConfig(), threshold={"bass": 0.3})
    assert [event.label for event in find(scores, 0.96)] == ["bass"]


def test_a_median_takes_no_more_memory_than_the_scores():
    scores = np.full((2000, 400), 0.1, np.float32)
    scores[1000] = 0.9
    find = EventFinder([Label(f"{n}") for n in range(400)], FrontendConfig(), median=7)
    tracemalloc.start()
    find(scores, 1920)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < scores.nbytes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0}, r"above 0 and at most 1\. Received for Dog: 0"),
        ({"threshold": 1.5}, r"Received for Dog: 1\.5"),
        ({"threshold": {0: 0.5}}, r"A label goes by its name\. Received: 0"),
        ({"median": 10**20 + 1}, "odd number of patches, at most 9999"),
        ({"threshold": float("nan")}, r"Received for Dog: nan"),
        ({"threshold": "0.3"}, r"Received for Dog: '0\.3'"),
        ({"threshold": None}, r"Received for Dog: None"),
        ({"threshold": True}, r"Received for Dog: True"),
        ({"threshold": {"Dog": 0.3, "/m/0bt9lr": 0.4}}, r"one threshold\. Received two for 'Dog'"),
        ({"threshold": {"Rein": 0.5}}, r"no label 'Rein'; the nearest is 'Rain'"),
        ({"median": 2}, r"an odd number of patches, at most 9999\. Received: 2"),
        ({"median": 3.0}, r"an odd number of patches, at most 9999\. Received: 3\.0"),
        ({"median": "3"}, r"an odd number of patches, at most 9999\. Received: '3'"),
        ({"min_seconds": "1"}, r"min_seconds must be seconds, 0 or more\. Received: '1'"),
        ({"merge_gap": -1}, r"merge_gap must be seconds, 0 or more\. Received: -1"),
        ({"min_seconds": float("nan")}, r"min_seconds must be seconds"),
    ],
)
def test_values_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        found(column(0.9), 0.96, **options)


def test_silence_has_no_event_of_a_sound(small_classifier):
    assert small_classifier.events(np.zeros(32000, np.float32)) == []


def test_a_recording_of_several_sounds():
    classifier = zoo.AudioClassifier.from_preset("resnet50_w025_opensounds")
    events = classifier.events(EXAMPLES / "medley.ogg", 0.5, hop=0.48)
    names = [event.label.partition(",")[0] for event in events]
    order = ["Wind", "Bird vocalization", "Clapping", "French horn", "Bagpipes", "Tubular bells"]
    assert [name for name in names if name in order] == order
    assert [event.onset for event in events] == sorted(event.onset for event in events)
