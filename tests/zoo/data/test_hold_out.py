from collections import Counter

import pytest

from zoo.data import Clip, Source
from zoo.data.hold_out import hold_out


def source_of(*clips):
    """A source of clips of (id, labels, source), all of the split train."""
    return Source([Clip(name, None, labels, source=of) for name, labels, of in clips], [], [])


def splits(source):
    return {clip.id: clip.split for clip in source.clips}


def counts(source):
    """How many clips each split and class has."""
    return Counter((clip.split, label) for clip in source.clips for label in clip.labels)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.99])
def test_each_class_of_two_clips_has_one_in_both(share):
    clips = [(f"{label}/{number}", (f"{label}",), "") for label in range(50) for number in range(2)]
    assert counts(hold_out(source_of(*clips), share)) == {
        (split, f"{label}"): 1 for label in range(50) for split in ("train", "validation")
    }


def test_a_class_of_one_clip_is_trained_on():
    clips = [(f"{label}", (f"{label}",), "") for label in range(50)]
    assert set(splits(hold_out(source_of(*clips), 0.9)).values()) == {"train"}


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_clips_of_a_source_stay_together(share):
    clips = [
        (f"{label}/{source}/{number}", (label,), f"{label}{source}")
        for label in ("dog", "rain")
        for source in range(5)
        for number in range(4)
    ]
    held_out = hold_out(source_of(*clips), share)
    of_source = {clip.source: set() for clip in held_out.clips}
    for clip in held_out.clips:
        of_source[clip.source].add(clip.split)
    assert all(len(found) == 1 for found in of_source.values())
    assert {("validation", "dog"), ("validation", "rain")} <= set(counts(held_out))
    assert {("train", "dog"), ("train", "rain")} <= set(counts(held_out))


def test_a_class_of_one_source_is_trained_on():
    clips = [(f"dog/{number}", ("dog",), "one take") for number in range(9)]
    assert set(splits(hold_out(source_of(*clips), 0.9)).values()) == {"train"}


def test_no_class_is_held_out_whole_for_another():
    """The clips of A are needed by B and by C, all but one."""
    clips = [("0", ("A", "B"), ""), ("1", ("A", "C"), ""), ("2", ("A",), "")]
    held_out = hold_out(source_of(*clips), 0.0001)
    assert splits(held_out) == {"0": "train", "1": "train", "2": "validation"}


def test_clips_without_labels_are_trained_on_where_others_have_some():
    clips = [(f"{label}/{number}", (label,), "") for label in "ab" for number in range(20)]
    clips += [(f"none/{number}", (), "") for number in range(50)] + [("none/a", (), "take")]
    held_out = splits(hold_out(source_of(*clips, ("c", ("a",), "take")), 0.3))
    assert {split for name, split in held_out.items() if name.startswith("none/")} == {"train"} | (
        {held_out["c"]}
    )
    assert held_out["none/a"] == held_out["c"]  # of one source
    assert 5 < list(held_out.values()).count("validation") < 20


def test_other_splits_and_clips_without_labels_stay_what_they_are():
    clips = [(f"{number}", (), "") for number in range(100)]
    source = source_of(*clips)
    source.clips.append(Clip("tested", None, ("dog",), "test"))
    held_out = splits(hold_out(source, 0.3))
    assert held_out["tested"] == "test"
    assert 20 < list(held_out.values()).count("validation") < 40
