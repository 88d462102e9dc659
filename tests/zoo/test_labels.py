import pytest

from zoo import Label
from zoo.labels import as_labels, find_label


def test_completes_names_and_pairs():
    labels = as_labels(["Rain", ("Wind", "/m/03m9d0z"), ["Elephant", None], Label("Car")])
    assert labels == [
        Label("Rain", None),
        Label("Wind", "/m/03m9d0z"),
        Label("Elephant", None),
        Label("Car", None),
    ]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("Rain", "must be a list of names. Received: 'Rain'"),
        (None, "must be a list of names. Received: None"),
        (7, "must be a list of names. Received: 7"),
        ([], "at least one class"),
        ([""], "Received: ''"),
        ([3], "Received: 3"),
        ([("Rain", "/m/06mb1", 1)], "pair. Received"),
        ([(None, "/m/06mb1")], "pair. Received"),
        (["Rain", "Wind", "Rain"], "Received 'Rain' twice"),
    ],
)
def test_refuses_what_is_no_list_of_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        as_labels(labels)


def test_a_label_is_found_by_its_own_name_before_others():
    labels = [Label("Bass", "drum"), Label("bass"), Label("Drum")]
    assert [find_label(name, labels) for name in ("Bass", "bass", "BASS", "Drum")] == [0, 1, 0, 2]
