"""Tables of events."""

import os

import pytest

from zoo.data.event_table import LabelledEvent, read_events


@pytest.fixture
def table(tmp_path):
    """A function that writes lines as a table; its path."""

    def write(*lines):
        path = tmp_path / "events.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def test_columns_of_other_names(tmp_path):
    (tmp_path / "events.csv").write_text("filename,species,start,end\na.wav,Robin,1,2.5\n")
    assert read_events(tmp_path / "events.csv") == {
        os.path.realpath(tmp_path / "a.wav"): [("Robin", 1.0, 2.5)]
    }


def test_a_row_is_an_event_and_a_file_alone_has_none(table, tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "b.wav").touch()
    path = table(
        "File;Label;Onset;Offset", "a.wav;Dog;0.5;1", "deeper\\b.wav;;;", "a.wav;Rain, far;0;2e1"
    )
    assert read_events(path) == {
        str(tmp_path / "a.wav"): [LabelledEvent("Dog", 0.5, 1), LabelledEvent("Rain, far", 0, 20)],
        str(tmp_path / "deeper" / "b.wav"): [],
    }


def test_tables_of_dcase(table, tmp_path):
    path = table("filename\tonset\toffset\tevent_label", "a.wav\t0.5\t1\tDog")
    assert read_events(path) == {str(tmp_path / "a.wav"): [LabelledEvent("Dog", 0.5, 1)]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,Dog,2,1", r"line 2 has an event from 2 to 1 s; it must end after it begins"),
        ("a.wav,Dog,-1,1", r"line 2 has an event from -1 to 1 s"),
        ("a.wav,Dog,0,inf", r"line 2 has an event from 0 to inf s"),
        ("a.wav,Dog,0,nan", r"line 2 has an event from 0 to nan s"),
        ("a.wav,Dog,early,1", r"line 2 has an onset or offset that is no number: 'early', '1'"),
        ("a.wav,Dog,1,", r"line 2 names no offset"),
        ("a.wav,,1,2", r"line 2 names no label"),
        (",Dog,1,2", r"line 2 names no file"),
        ("a.wav,Rain, far,1,2", r"line 2 has more cells than the header"),
    ],
)
def test_rows_that_are_no_events(table, row, message):
    with pytest.raises(ValueError, match=message):
        read_events(table("file,label,onset,offset", row))


def test_tables_that_lack_a_column(table):
    with pytest.raises(ValueError, match=r"has the columns file, label; a table of events needs"):
        read_events(table("file,label", "a.wav,Dog"))
