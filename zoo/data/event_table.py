"""A table of the events that recordings hold: `file, label, onset, offset`."""

import math
import os
from pathlib import Path
from typing import NamedTuple

from frontend.types import StrPath
from zoo.data.manifest import FILE, LABEL
from zoo.data.tables import Table, slashed

_LABEL = (*LABEL, "event_label")
_ONSET, _OFFSET = ("onset", "start"), ("offset", "end")


class LabelledEvent(NamedTuple):
    """An event that somebody marked: a label's name, onset and offset in s."""

    label: str
    onset: float
    offset: float


def read_events(path: StrPath) -> dict[str, list[LabelledEvent]]:
    """Reads a table of events, a row an event.

    Columns, in any case: `file` and `label` (or what else manifests call them, and `event_label`,
    as DCASE's tables have it), the file relative to the table; `onset` and `offset`, or `start` and
    `end`, in s. A row with a file alone is a recording without events.

    Returns:
        dict of real paths of the recordings to lists of `LabelledEvent`.

    Raises:
        OSError: the table cannot be read.
        ValueError: it lacks a column, or a row is no event; the message names the line.
    """
    table = Table(path)
    columns = [table.column(*names) for names in (FILE, _LABEL, _ONSET, _OFFSET)]
    if None in columns:
        raise ValueError(
            f"{table} has the columns {', '.join(table.columns)}; a table of events needs file, "
            "label, onset and offset."
        )
    file_column, *event_columns = columns
    folder = Path(path).parent
    found: dict[str, list[LabelledEvent]] = {}
    for line, row in table.rows(files=file_column):
        cells = [row[column] for column in event_columns]
        fault = table.row_fault(line, row, file=row[file_column]) or _fault(line, *cells)
        if fault:
            raise ValueError(f"{table}: {fault}")
        name = os.path.realpath(folder / slashed(folder, row[file_column]))
        events = found.setdefault(name, [])
        if any(cells):
            label, onset, offset = cells
            events.append(LabelledEvent(label, float(onset), float(offset)))
    return found


def _fault(line, label, onset, offset):
    """Why cells are no event, or None; three empty ones are none, which is no fault."""
    if not (label or onset or offset):
        return None
    for what, cell in (("label", label), ("onset", onset), ("offset", offset)):
        if not cell:
            return f"line {line} names no {what}"
    try:
        times = float(onset), float(offset)
    except ValueError:
        return f"line {line} has an onset or offset that is no number: {onset!r}, {offset!r}"
    if not (0 <= times[0] <= times[1] and math.isfinite(times[1])):
        return f"line {line} has an event from {onset} to {offset} s; it must end after it begins"
    return None
