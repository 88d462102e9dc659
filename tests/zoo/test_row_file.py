"""Tables that go on where they stopped."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet
import pytest
import soundfile

from zoo.row_file import FORMATS, RowFile

COLUMNS = {"file": str, "score": float, "silent": bool}
ROWS = [
    {"file": 'a "b", c.wav', "score": 0.25, "silent": False},
    {"file": "two\nlines\u2028.wav", "score": 0.1},
    {"file": "\udcff.wav", "silent": True},
]
READ = [
    {"file": 'a "b", c.wav', "score": 0.25, "silent": False},
    {"file": "two\nlines\u2028.wav", "score": 0.1, "silent": None},
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


def test_goes_on_behind_the_last_whole_recording(path):
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        table.write(ROWS[:1])
        table.write(ROWS[1:], failed=True)
    for name, torn in (("rows", b'{"file": "x'), ("journal", b"3 1 9")):
        with open(path.with_name(f"{path.name}.partial") / name, "ab") as file:
            file.write(torn)
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        assert (table.done, table.failed) == (2, 1)
        table.write(ROWS[:1])
    with RowFile(path, COLUMNS, {"hop": 0.48}) as table:
        assert table.done == 3
        table.finish()
    assert read(path) == [*READ, READ[0]]


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
        pytest.raises(FileExistsError, match=r"differs in: hop\. Repeat"),
        RowFile(path, COLUMNS, {"hop": 0.96, "top": 5}),
    ):
        pass
    with RowFile(path, COLUMNS, {"hop": 0.48, "top": 5}) as table:
        assert table.done == 1


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


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_gives_the_same_table(small_preset, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "sounds").mkdir()
    for number in range(60):
        sound = rng.normal(0, 0.1, rng.integers(16000, 80000))
        soundfile.write(tmp_path / "sounds" / f"{number:02}.wav", sound, 16000)
    (tmp_path / "sounds" / "30.wav").write_bytes(b"none")
    command = [sys.executable, "-m", "zoo", "classify", tmp_path / "sounds", "--timeline"]
    command += ["--model", small_preset, "--labels", "rain", "--output"]
    whole, killed = tmp_path / "whole.csv", tmp_path / "killed.csv"
    assert subprocess.run([*command, whole], capture_output=True).returncode == 2
    journal = tmp_path / "killed.csv.partial" / "journal"
    kills = 0
    random.seed(0)
    while not killed.exists():
        process = subprocess.Popen([*command, killed], stderr=subprocess.PIPE)
        before = journal.stat().st_size if journal.exists() else 0
        while kills < 3 and process.poll() is None:
            if journal.exists() and journal.stat().st_size > before:
                time.sleep(random.uniform(0, 0.02))
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.001)
        errors = process.communicate()[1].decode()
    assert kills
    assert "files were done before" in errors
    assert process.returncode == 2
    numbers = [
        [[row["file"], row["start_seconds"], row["error"]] for row in rows]
        for rows in map(as_dicts, (whole, killed))
    ]
    assert numbers[0] == numbers[1]
    scores = [
        [float(row["Rain"]) for row in rows if row["Rain"]]
        for rows in map(as_dicts, (whole, killed))
    ]
    np.testing.assert_allclose(*scores, atol=2e-6)


def as_dicts(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
