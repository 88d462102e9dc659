"""Reads flatbuffers that may be damaged: nothing is read outside of the file."""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

_HEADER = 8
"""Bytes before a flatbuffer's content: the root's place and the file identifier."""


class Table:
    """A table of a flatbuffer; its fields are known by their numbers in the schema.

    A field that is absent has its default. A field that points outside of the content, or that
    overlaps the end of it, is a ValueError.

    Args:
        content: `memoryview` or bytes of the whole flatbuffer.
        place: where in it the table begins.
    """

    def __init__(self, content: bytes | memoryview, place: int) -> None:
        self.content = content
        self.place = place
        self.vtable = place - _read(content, "i", place)
        self.slots = _read(content, "H", self.vtable) // 2 - 2
        self.size = _read(content, "H", self.vtable + 2)
        _check_inside(content, self.vtable, 2 * max(self.slots, 0) + 4)
        _check_inside(content, place, self.size)

    def number(self, field: int, code: str, default: float = 0) -> Any:
        """A scalar field; `code` is its type in the notation of `struct`."""
        place = self._find(field, struct.calcsize(code))
        return default if place is None else _read(self.content, code, place)

    def table(self, field: int) -> "Table | None":
        """A field that is a table, or None."""
        place = self._follow(field)
        return None if place is None else Table(self.content, place)

    def tables(self, field: int) -> list["Table"]:
        """A field that is a vector of tables, as a list."""
        places, start = self.numbers(field, "I"), self._start(field)
        return [
            Table(self.content, start + 4 * index + int(place))
            for index, place in enumerate(places)
        ]

    def numbers(self, field: int, code: str) -> npt.NDArray[Any]:
        """A field that is a vector of scalars, as an array that shares the content's memory."""
        place = self._follow(field)
        if place is None:
            return np.zeros(0, np.dtype(code))
        count = _read(self.content, "I", place)
        _check_inside(self.content, place + 4, count * struct.calcsize(code))
        return np.frombuffer(self.content, f"<{code}", count, place + 4)

    def text(self, field: int) -> str | None:
        """A field that is a string, or None."""
        if self._follow(field) is None:
            return None
        try:
            return self.numbers(field, "B").tobytes().decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("holds a string that is not text") from None

    def check_fields(self) -> None:
        """Checks that each field, of whatever type, begins within the table."""
        for field in range(self.slots):
            self._find(field, 1)

    def _start(self, field):
        place = self._follow(field)
        return 0 if place is None else place + 4

    def _follow(self, field):
        place = self._find(field, 4)
        return None if place is None else place + _read(self.content, "I", place)

    def _find(self, field, width):
        if field >= self.slots:
            return None
        offset = _read(self.content, "H", self.vtable + 4 + 2 * field)
        if not offset:
            return None
        if offset < 4 or offset + width > self.size:
            raise ValueError(f"holds a table at byte {self.place} whose fields overrun it")
        return self.place + offset


def read_root(content: bytes | memoryview, identifier: bytes) -> Table | None:
    """The root table of a flatbuffer, or None if it does not bear the identifier, 4 bytes."""
    if len(content) < _HEADER or bytes(content[4:_HEADER]) != identifier:
        return None
    return Table(content, _read(content, "I", 0))


def _read(content, code, place):
    _check_inside(content, place, struct.calcsize(code))
    if place % struct.calcsize(code):
        raise ValueError(f"holds a number at byte {place}, where it cannot begin")
    return struct.unpack_from(f"<{code}", content, place)[0]


def _check_inside(content, place, size):
    if not 0 <= place <= len(content) - size:
        raise ValueError(f"points to byte {place}, of {len(content)} that it has")
