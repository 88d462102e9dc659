"""Events below their recording."""

import pytest
import soundfile
from matplotlib import colormaps

from tests.zoo.plot.pictures import assert_nothing_is_cut_off, ticks
from zoo import Event, plot

HEARD = [
    Event("Rain", None, 0.0, 0.5, 0.9, 0.7),
    Event("$1_A very long name that no picture has room for", None, 0.25, 2.0, 0.4, 0.3),
    Event("Rain", None, 1.0, 1.5, 0.2, 0.2),
]


@pytest.fixture
def path(noise, tmp_path):
    path = tmp_path / "two_seconds.wav"
    soundfile.write(path, noise(32000), 16000)
    return path


def test_events_are_bars_in_a_row_for_each_label(path):
    figure = plot.events(path, HEARD)
    log_mel, bars = figure.axes[:2]
    assert log_mel.get_xlim() == bars.get_xlim() == (0, 2)
    assert list(ticks(bars.yaxis)) == ["Rain", "$1_A very long name that no p..."]
    drawn = [
        (bar.get_x(), bar.get_width(), round(bar.get_y() + bar.get_height() / 2))
        for bar in bars.patches
    ]
    assert drawn == [(0, 0.5, 0), (0.25, 1.75, 1), (1, 0.5, 0)]
    colours = [bar.get_facecolor() for bar in bars.patches]
    assert colours == [colormaps["cividis"](event.peak) for event in HEARD]
    assert_nothing_is_cut_off(figure)


def test_of_many_labels_those_of_the_highest_peaks_are_drawn(path):
    many = [Event(f"label {n}", None, 0, 1, n / 30, n / 30) for n in range(1, 31)]
    assert list(ticks(plot.events(path, many).axes[1].yaxis)) == [
        f"label {n}" for n in range(11, 31)
    ]


def test_a_recording_without_events_is_drawn(path):
    figure = plot.events(path, [])
    assert not figure.axes[1].patches
    assert_nothing_is_cut_off(figure)
