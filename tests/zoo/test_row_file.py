"""Tables that go on where they stopped."""

import csv
import json
import os
import subprocess
import sys

import pyarrow.parquet
import pytest

from zoo.row_file import FORMATS, RowFile

COLUMNS = {"file": str, "score": float, "silent": bool}
ROWS = [
    {"file": 'a "b", c.wav', "score": 0.25, "silent": False},
    {"file": "three\nlines\u2028\r.wav", "score": 0.1},
    {"file": "\udcff.wav", "silent": True},
]
READ = [
    {"file": 'a "b", c.wav', "score": 0.25, "silent": False},
    {"file": "three\nlines\u2028\r.wav", "score": 0.1, "silent": None},
    {"file": "\\udcff.wav", "score": None, "silent": True},
]


def read(path):
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    with open(path, encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in file]
        kinds = {"": None, "True": True, "False": False}
        return [
            {
                "file": row["file"],
                "score": float(row["score"]) if row["score"] else None,
                "silent": kinds[row["silent"]],
            }
            for row in csv.DictReader(file)
        ]


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    return tmp_path / f"table{request.param}"


def test_rows_of_any_text_are_read_by_others(path):
    with RowFile(path, COLUMNS, {}) as table:
        table.write(ROWS[:2])
        table.write([], failed=True)
        table.write(ROWS[2:])
        assert not path.exists()
        table.finish()
    assert (table.done, table.failed) == (3, 1)
    assert read(path) == READ
    assert os.listdir(path.parent) == [path.name]


def test_a_link_is_followed(path):
    (path.parent / "real").mkdir()
    path.symlink_to(path.parent / "real" / path.name)
    with RowFile(path, COLUMNS, {}) as table:
        table.write(ROWS)
        table.finish()
    assert path.is_symlink()
    assert read(path) == READ


def test_goes_on_behind_the_last_whole_recording(path):
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        table.write(ROWS[:1], patches=5)
        table.write(ROWS[1:], failed=True, patches=2)
    for name, torn in (("rows", b'{"file": "x'), ("journal", b"3 1 9 9")):
        with open(path.with_name(f"{path.name}.partial") / name, "ab") as file:
            file.write(torn)
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        assert (table.done, table.failed, table.patches) == (2, 1, 7)
        table.write(ROWS[:1])
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        assert table.done == 3
        table.finish()
    assert read(path) == [*READ, READ[0]]


def test_recordings_without_rows_behind_a_torn_row(path):
    with RowFile(path, COLUMNS, {}) as table:
        table.write(ROWS[:1])
    (partial,) = path.parent.iterdir()
    with open(partial / "rows", "ab") as rows:
        rows.write(b"half a row of a full disk")
    with RowFile(path, COLUMNS, {}) as table:
        table.write([])
    with RowFile(path, COLUMNS, {}) as table:
        assert table.done == 2
        table.write(ROWS[1:])
        table.finish()
    assert read(path) == READ


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_lists_have_room_but_in_csv(tmp_path, suffix):
    columns = {"file": str, "embedding": list}
    with pytest.raises(ValueError, match=r"A \.csv has no room for lists"):
        RowFile(tmp_path / "table.csv", columns, {})
    path = tmp_path / f"table{suffix}"
    rows = [{"file": "a", "embedding": [0.5, -1.0]}, {"file": "b", "embedding": None}]
    with RowFile(path, columns, {}) as table:
        table.write(rows)
        table.finish()
    assert read(path) == rows


@pytest.mark.parametrize("size", [0, 1, 12])
def test_a_journal_that_was_hardly_begun_begins_again(path, size):
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        table.write(ROWS)
    os.truncate(path.with_name(f"{path.name}.partial") / "journal", size)
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        assert table.done == 0
        table.write(ROWS)
        table.finish()
    assert read(path) == READ


def test_other_options_are_refused_and_what_is_there_is_kept(path):
    with RowFile(path, COLUMNS, {"hop": 0.48, "top": 5}) as table:
        table.write(ROWS)
    with (
        pytest.raises(FileExistsError, match=r"differs in: 'hop'\. Repeat"),
        RowFile(path, COLUMNS, {"hop": 0.96, "top": 5}),
    ):
        pass
    with RowFile(path, COLUMNS, {"hop": 0.48, "top": 5}) as table:
        assert table.done == 1


@pytest.mark.parametrize(
    "journal",
    [
        b"{\n0 0 0 0\n",
        b"[]\n0 0 0 0\n",
        b"[" * 100_000 + b"\n0 0 0 0\n",
        b"{}\n0 0 0\n",
        b"{}\n1 2 0 0\n",
        b"{}\n1 0 -1 0\n",
        b"{}\n1 0 0 -9\n",
        b"{}\n1 0 0 \xff\n",
    ],
)
def test_a_journal_that_is_damaged_is_refused(path, journal):
    with RowFile(path, COLUMNS, {}) as file:
        file.write([{"file": "a"}])
    (path.with_name(f"{path.name}.partial") / "journal").write_bytes(journal)
    with pytest.raises(ValueError, match="has a journal that is damaged; remove the folder"):
        RowFile(path, COLUMNS, {}).__enter__()


def test_a_complete_table_is_not_replaced(path):
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="exists and is complete"):
        RowFile(path, COLUMNS, {})
    assert path.read_text() == "precious"


def test_places_and_formats_that_cannot_be(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"\.csv, \.jsonl, \.parquet\. Received: .*table\.txt"):
        RowFile(tmp_path / "table.txt", COLUMNS, {})
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        RowFile(tmp_path / "lost" / "table.csv", COLUMNS, {})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'soundzoo\[parquet\]'"):
        RowFile(tmp_path / "table.parquet", COLUMNS, {})


def test_a_full_disk_keeps_what_is_finished(tmp_path):
    program = """
import resource, sys
from zoo.row_file import RowFile

if sys.argv[2] == "full":  # as little room as a disk that is nearly full
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.RLIM_INFINITY))
try:
    with RowFile(sys.argv[1], {"text": str}, {}) as table:
        for number in range(table.done, 40):
            table.write([{"text": f"{number:02} " + "x" * 300}] * 2)
        table.finish()
except OSError as error:
    sys.exit(str(error))
"""
    path = tmp_path / "table.csv"
    full = subprocess.run(
        [sys.executable, "-c", program, path, "full"], stderr=subprocess.PIPE, text=True
    )
    assert full.stderr.strip() == (
        f"{path} cannot be written: File too large. The rows of 6 recordings are kept; the same "
        "command goes on from there."
    )
    assert not path.exists()
    subprocess.run([sys.executable, "-c", program, path, "free"], check=True)
    texts = [row["text"][:2] for row in as_dicts(path)]
    assert texts == [f"{number:02}" for number in range(40) for _ in range(2)]


def as_dicts(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("fault", ["missing", "cut short"])
def test_rows_that_are_not_all_there_begin_again(path, fault):
    with RowFile(path, COLUMNS, {}) as table:
        table.write(ROWS)
    rows = path.with_name(f"{path.name}.partial") / "rows"
    rows.unlink() if fault == "missing" else os.truncate(rows, 3)
    with RowFile(path, COLUMNS, {}) as table:
        assert table.done == 0
        table.write(ROWS)
        table.finish()
    assert read(path) == READ


def test_one_process_at_a_time(path):
    with RowFile(path, COLUMNS, {}) as table:
        table.write(ROWS)
        with (
            pytest.raises(BlockingIOError, match=r"Another process is writing to .*\.partial"),
            RowFile(path, COLUMNS, {}),
        ):
            pass
        late = RowFile(path, COLUMNS, {})
        table.finish()
    with pytest.raises(FileExistsError, match="exists and is complete"), late:
        pass
    assert read(path) == READ
    assert os.listdir(path.parent) == [path.name]
