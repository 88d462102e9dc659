import pytest

from zoo.data.records import name_splits, split_named


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train", "Train", "TRAIN", "training", "tr", " train "]),
        ("validation", ["validation", "val", "valid", "Dev", "devel"]),
        ("test", ["test", "testing", "eval", "Evaluation"]),
        (None, ["1", "world_test", "dog", "", "trainer"]),
    ],
)
def test_usual_names(split, names):
    assert {split_named(name) for name in names} == {split}


def test_other_names_are_kept():
    names = {"TRAIN", "Train", "dev", "1", "world_test"}
    assert name_splits(names, "here") == {
        "TRAIN": "train",
        "Train": "train",
        "dev": "validation",
        "1": "1",
        "world_test": "world_test",
    }


def test_two_names_of_one_split_are_an_error():
    with pytest.raises(ValueError, match=r"here has the splits 'Eval' and 'test', which both mean"):
        name_splits(["train", "test", "Eval"], "here")
