"""Tables of many files' results that appear complete or not at all, and go on where they stopped.

While a table is written, it lies beside its place as `NAME.partial/rows`. `NAME.partial/journal`
has the run's options in its first line, then, for each recording, how many are done, how many of
them failed, how many patches were heard and how many bytes the rows take. What lies behind those
bytes was cut off in the middle.
"""

import contextlib
import csv
import io
import itertools
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from frontend.types import StrPath
from zoo.files import check_writable, write_atomically
from zoo.json_text import parse_json
from zoo.locks import alone_in

FORMATS = (".csv", ".jsonl", ".parquet")

_ROW_GROUP = 1 << 16
"""Rows of a Parquet file that are held in memory."""


class RowFile:
    """A table of rows, written recording by recording.

    A context manager. The table takes its place when `finish` is called; until then, whatever ends
    the process, the same run goes on from the last recording that was written.

    Args:
        path: of the table: `.csv`, `.jsonl` (a JSON object a line) or `.parquet`.
        columns: types of the columns by their names: str, float, bool, or list of float, for which
            a `.csv` has no room. A cell may be None.
        options: what makes the run what it is, JSON types by name; it goes on with the same only.

    Attributes:
        done: recordings whose rows are written.
        failed: how many of them could not be heard.
        patches: how many were heard of them.

    Raises:
        BlockingIOError: another process writes it.
        FileExistsError: the table exists, or is being written by a run of other options.
        ImportError: it is `.parquet`, and pyarrow is not installed.
        OSError: it cannot be written.
        ValueError: the suffix is none of the three, or has no room for a column; or what an earlier
            run left is damaged.
    """

    def __init__(
        self, path: StrPath, columns: Mapping[str, type], options: Mapping[str, Any]
    ) -> None:
        self.path = Path(path)
        if self.path.is_symlink():
            self.path = self.path.resolve()  # a link is followed, and not replaced
        self.columns = dict(columns)
        self.options = json.loads(json.dumps(options))
        self.done = self.failed = self.patches = 0
        self.format = self.path.suffix.lower()
        if self.format not in FORMATS:
            raise ValueError(f"A table ends in {', '.join(FORMATS)}. Received: {self.path}")
        if self.format == ".csv" and list in self.columns.values():
            raise ValueError(
                f"A .csv has no room for lists; name a .jsonl or .parquet. Received: {self.path}"
            )
        if self.format == ".parquet":
            import_pyarrow()
        check_writable(self.path)
        self._partial = self.path.with_name(f"{self.path.name}.partial")
        self._check_incomplete()

    def __enter__(self) -> Self:
        self._partial.mkdir(exist_ok=True)
        rows, journal = self._partial / "rows", self._partial / "journal"
        with contextlib.ExitStack() as stack:
            stack.enter_context(alone_in(self._partial))
            self._check_incomplete()  # another process may have been at it until now
            size, journal_size = self._read(rows, journal)
            self._rows = stack.enter_context(open(rows, "ab"))
            self._journal = stack.enter_context(open(journal, "ab"))
            if size is None:
                self._rows.truncate(0)
                self._journal.truncate(0)
                self._write_line(json.dumps(self.options))
                self._rows.write(self._header())
                self._note(0, 0, 0)
            else:
                self._rows.truncate(size)
                self._rows.seek(size)  # or `tell` would still count what was cut off
                # A line that was cut off in the middle would swallow the next.
                self._journal.truncate(journal_size)
            self._opened = stack.pop_all()
        return self

    def __exit__(self, error_type: type | None, *_: object) -> None:
        # Where the disk is full, what cannot be written cannot be flushed either.
        with contextlib.suppress(*([OSError] if error_type else [])):
            self._opened.close()

    def write(
        self, rows: Iterable[Mapping[str, Any]], *, failed: bool = False, patches: int = 0
    ) -> None:
        """Writes all rows of the next recording; they are there together or not at all.

        Args:
            rows: dicts of columns, which may lack some.
            failed: the recording could not be heard.
            patches: how many were heard of it.

        Raises:
            OSError: they cannot be written, as on a full disk; those of before are kept.
        """
        try:
            self._rows.write(b"".join(map(self._encoded, rows)))
            self._note(self.done + 1, self.failed + failed, self.patches + patches)
        except OSError as error:
            raise OSError(
                f"{self.path} cannot be written: {error.strerror}. The rows of {self.done} "
                "recordings are kept; the same command goes on from there."
            ) from None
        self.done += 1
        self.failed += failed
        self.patches += patches

    def finish(self) -> None:
        """Puts the table in its place."""
        rows = self._partial / "rows"
        if self.format == ".parquet":
            self._rows.close()
            self._write_parquet(rows)
            rows.unlink()
        else:
            self._rows.flush()
            os.fsync(self._rows.fileno())
            self._rows.close()
            os.replace(rows, self.path)
        shutil.rmtree(self._partial, ignore_errors=True)

    def _check_incomplete(self):
        if self.path.exists():
            if not (self._partial / "rows").exists():  # of a process killed in `finish`, or none
                shutil.rmtree(self._partial, ignore_errors=True)
            raise FileExistsError(
                f"{self.path} exists and is complete; remove it or name another file."
            )

    def _note(self, done, failed, patches):
        self._rows.flush()
        self._write_line(f"{done} {failed} {patches} {self._rows.tell()}")

    def _write_line(self, line):
        self._journal.write(f"{line}\n".encode())
        self._journal.flush()

    def _read(self, rows, journal):
        """Bytes that whole recordings take, and the journal's whole lines; None for nothing."""
        if not journal.is_file() or not rows.is_file():
            return None, 0
        with open(journal, "rb") as file:
            options, last = file.readline(), None
            size = len(options)
            for line in file:
                if line.endswith(b"\n"):
                    last, size = line, size + len(line)
        if last is None:
            return None, 0
        options, done, failed, patches, rows_size = self._parse(options, last)
        if options != self.options:
            differ = [
                name
                for name in self.options | options
                if options.get(name) != self.options.get(name)
            ]
            names = ", ".join(map(repr, differ))
            raise FileExistsError(
                f"{self._partial} is of a run that differs in: {names}. Repeat that "
                "one to its end, name another file, or remove the folder."
            )
        if rows.stat().st_size < rows_size:
            return None, 0
        self.done, self.failed, self.patches = done, failed, patches
        return rows_size, size

    def _parse(self, options, last):
        """What the journal's first line and its last say."""
        try:
            options, counts = parse_json(options), list(map(int, last.split()))
            done, failed, patches, size = counts
            if not isinstance(options, dict) or not 0 <= failed <= done or min(patches, size) < 0:
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{self._partial} has a journal that is damaged; remove the folder."
            ) from None
        return options, done, failed, patches, size

    def _header(self):
        return _csv_line(self.columns) if self.format == ".csv" else b""

    def _encoded(self, row):
        cells = {name: _cell(row.get(name)) for name in self.columns}
        if self.format == ".csv":
            return _csv_line(cells.values())
        return json.dumps(cells, ensure_ascii=False).encode() + b"\n"

    def _write_parquet(self, rows):
        with open(rows, encoding="utf-8") as lines, write_atomically(self.path) as output:
            write_parquet(output, self.columns, map(json.loads, lines))


def write_parquet(file, columns, rows):
    """Writes a Parquet table, of which few rows are held in memory.

    Args:
        file: binary file.
        columns: as for `RowFile`.
        rows: iterable of dicts of columns, which may lack some.

    Raises:
        ImportError: pyarrow is not installed.
    """
    pyarrow, parquet = import_pyarrow()
    types = {
        str: pyarrow.string(),
        float: pyarrow.float64(),
        bool: pyarrow.bool_(),
        list: pyarrow.list_(pyarrow.float32()),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    rows = iter(rows)
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(itertools.islice(rows, _ROW_GROUP)):
            cells = [{name: _cell(row.get(name)) for name in columns} for row in group]
            writer.write_table(pyarrow.Table.from_pylist(cells, schema))


def _cell(value):
    # What is no text in a file's name is escaped, so that all readers take the table.
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _csv_line(cells):
    line = io.StringIO(newline="")
    # Python 3.11 quotes no more ends of lines than those that it writes.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return (line.getvalue().removesuffix("\r\n") + "\n").encode()


def import_pyarrow():
    """The modules pyarrow and pyarrow.parquet; ImportError that says how to install them."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError(
            "Parquet is written by pyarrow; pip install 'soundzoo[parquet]', or name a .csv."
        ) from None
    return pyarrow, pyarrow.parquet
