"""Files of one recording's events, for programs that show them over the sound."""

import csv
import io
from collections.abc import Iterable

from frontend.config import FrontendConfig
from frontend.types import StrPath
from zoo.events import Event
from zoo.files import write_atomically


def write_audacity(path: StrPath, events: Iterable[Event]) -> None:
    """Writes a label track for Audacity (File, Import, Labels): onset, offset and label a line.

    Raises:
        OSError: the file cannot be written.
    """
    rows = [
        (f"{event.onset:.3f}", f"{event.offset:.3f}", f"{_a_line(event.label)} {event.peak:.2f}")
        for event in events
    ]
    _write(path, rows)


def write_raven(path: StrPath, events: Iterable[Event], frontend: FrontendConfig) -> None:
    """Writes a selection table for Raven (File, Open Sound Selection Table).

    Args:
        path: of the file.
        events: of one recording.
        frontend: of the classifier; selections span the frequencies that it hears.

    Raises:
        OSError: the file cannot be written.
    """
    head = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)"]
    head += ["Low Freq (Hz)", "High Freq (Hz)", "Label", "Peak Score", "Mean Score"]
    band = (f"{frontend.mel_min_hz:.1f}", f"{frontend.mel_max_hz:.1f}")
    rows = [
        (
            *(number, "Spectrogram 1", 1, f"{event.onset:.3f}", f"{event.offset:.3f}", *band),
            *(_a_line(event.label), f"{event.peak:.4f}", f"{event.mean:.4f}"),
        )
        for number, event in enumerate(events, start=1)
    ]
    _write(path, [head, *rows])


def _a_line(label):
    return " ".join(label.split())


def _write(path, rows):
    text = io.StringIO()
    # Neither program knows quotes.
    csv.writer(
        text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
    ).writerows(rows)
    with write_atomically(path) as file:
        # A class may be called as a folder is, whose name need not be text.
        file.write(text.getvalue().encode(errors="surrogateescape"))
