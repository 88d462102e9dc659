"""Events as other programs read them."""

import pytest

from frontend import FrontendConfig
from zoo.event_files import write_audacity, write_raven
from zoo.events import Event

EVENTS = [
    Event("Rain", None, 0.5, 1.25, 0.91, 0.7),
    Event('A "tab\tand\nlines', "/m/1", 1, 12.3456, 0.5, 0.5),
]


def test_audacity_takes_three_columns(tmp_path):
    write_audacity(tmp_path / "labels.txt", EVENTS)
    assert (tmp_path / "labels.txt").read_text() == (
        '0.500\t1.250\tRain 0.91\n1.000\t12.346\tA "tab and lines 0.50\n'
    )


def test_raven_takes_a_table_with_its_own_names(tmp_path):
    write_raven(tmp_path / "table.txt", EVENTS, FrontendConfig())
    head, first, second = (tmp_path / "table.txt").read_text().splitlines()
    row = dict(zip(head.split("\t"), first.split("\t"), strict=True))
    assert row == {
        "Selection": "1",
        "View": "Spectrogram 1",
        "Channel": "1",
        "Begin Time (s)": "0.500",
        "End Time (s)": "1.250",
        "Low Freq (Hz)": "125.0",
        "High Freq (Hz)": "7500.0",
        "Label": "Rain",
        "Peak Score": "0.9100",
        "Mean Score": "0.7000",
    }
    assert second.split("\t")[7] == 'A "tab and lines'


def test_labels_that_are_no_text_keep_their_bytes(tmp_path):
    # A class may be called as a folder is, whose name need not be text.
    events = [Event("t\udcfcr", None, 0, 1, 0.5, 0.5)]
    write_audacity(tmp_path / "labels.txt", events)
    write_raven(tmp_path / "table.txt", events, FrontendConfig())
    for name in ("labels.txt", "table.txt"):
        assert b"\tt\xfcr" in (tmp_path / name).read_bytes()


def test_no_events_are_an_empty_track(tmp_path):
    write_audacity(tmp_path / "labels.txt", [])
    assert (tmp_path / "labels.txt").read_text() == ""
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write_audacity(tmp_path / "lost" / "labels.txt", [])
