"""Tables as people and spreadsheets write them: CSV by any of its separators and encodings."""

import codecs
import csv
import os
from pathlib import Path

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

SUFFIXES = {".csv", ".tsv", ".txt"}
"""Of files that may be tables; spreadsheets call text between tabs `.txt`."""


class Table:
    """A table whose first line names its columns.

    Cells are separated by commas, semicolons or tabs, whichever gives the first line most of them,
    or by what a line `sep=` before it names. The text is UTF-8 or UTF-16.

    Args:
        path: of the file.

    Attributes:
        path: as it was passed.
        columns: names of the columns, in lower case.
        separator: of the cells.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is empty, or no such text, or two columns have one name.
    """

    def __init__(self, path):
        self.path = path
        self._encoding = _encoding(path)
        self._first, header, self.separator = self._header()
        self.columns = [name.strip().lower() for name in header]
        while not self.columns[-1]:  # as spreadsheets pad lines; cells below have no name
            self.columns.pop()
        twice = [name for name in self.columns if self.columns.count(name) > 1]
        if twice:
            raise ValueError(f"{path} has two columns {twice[0]!r}; join them, or rename one.")

    def __str__(self):
        return str(self.path)

    def column(self, *names):
        """The first of these columns that there is, or None."""
        return next((name for name in names if name in self.columns), None)

    def rows(self, *, files=None):
        """Yields the line number of each row, and the row.

        Args:
            files: the column of names of files, which need not be text.

        A row is a dict of column to text, stripped; "" where it is too short. Under None is the
        list of the cells that the header has no name for.
        """
        for line, cells in self._lines():
            if any(cells):
                row = dict.fromkeys(self.columns, "") | dict(zip(self.columns, cells, strict=False))
                row[None] = cells[len(self.columns) :]
                self._check_text([cell for name, cell in row.items() if name not in (files, None)])
                yield line, row

    def row_fault(self, line, row, **needed):
        """Why a row cannot be used, or None; `needed` are what it must have, by name."""
        if any(row[None]):
            # As of labels that hold a comma and are not quoted: what is read would be wrong.
            return (
                f"line {line} has more cells than the header; put cells with "
                f"{_SEPARATORS.get(self.separator, self.separator)} in quotes"
            )
        missing = [what for what, cell in needed.items() if not cell]
        return f"line {line} names no {missing[0]}" if missing else None

    def _header(self):
        """How many lines come before the rows, the cells of the header, and what separates them."""
        with self._open() as file:
            try:
                first = file.readline().rstrip("\r\n")
                # As spreadsheets write it: one character, and what pads the line to the table.
                named = first[4:5] if first.lower().startswith("sep=") else ""
                header = file.readline() if named else first
            except UnicodeDecodeError as error:
                raise self._no_table(error) from None
        split = {separator: _cells(header, separator) for separator in named or _SEPARATORS}
        separator = max(split, key=lambda separator: len(split[separator]))
        if not any(map(str.strip, split[separator])):
            raise ValueError(f"{self.path} is empty; its first line must name its columns.")
        self._check_text(split[separator])
        return 2 if named else 1, split[separator], separator

    def _lines(self):
        with self._open() as file:
            for _ in range(self._first):
                file.readline()
            lines = csv.reader(file, delimiter=self.separator, skipinitialspace=True, strict=True)
            try:
                for cells in lines:
                    yield self._first + lines.line_num, [cell.strip() for cell in cells]
            except UnicodeDecodeError as error:
                raise self._no_table(error) from None
            except csv.Error as error:
                line = self._first + lines.line_num
                raise ValueError(
                    f"{self.path} has a quotation mark that is not closed, or has no "
                    f"{self.separator!r} after it, by line {line}: {error}."
                ) from None

    def _open(self):
        errors = "surrogateescape" if self._encoding == "utf-8-sig" else "strict"
        return open(self.path, newline="", encoding=self._encoding, errors=errors)

    def _check_text(self, cells):
        try:
            "".join(cells).encode()
        except UnicodeEncodeError:
            text = next(cell for cell in cells if not _is_text(cell))
            raise self._no_table(f"it holds {os.fsencode(text)!r}; save it as UTF-8") from None

    def _no_table(self, error):
        return ValueError(f"{self.path} is not a table of text in UTF-8 or UTF-16: {error}.")


def slashed(folder, name):
    """The name, relative to a folder, of a file that a table names.

    Tables that were written on Windows have `\\` in names; it is `/` where that finds the file.
    """
    other = name.replace("\\", "/")
    if os.path.isfile(Path(folder, name)) or not os.path.isfile(Path(folder, other)):
        return name
    return other


def file_fault(file):
    """Why a file cannot be a clip's, or None."""
    return None if os.path.isfile(file) else f"there is no file {file}"


def _encoding(path):
    with open(path, "rb") as file:
        head = file.read(64)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a mark, as from programs on Windows: every other byte of plain letters is 0.
    return "utf-16-le" if b"\0" in head[1::2] else "utf-8-sig"


def _cells(line, separator):
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return [line]


def _is_text(cell):
    return not any("\udc80" <= character <= "\udcff" for character in cell)
