import functools
import json
import shutil
import subprocess
import sys
import time

import pyarrow.parquet as parquet
import pytest

from zoo import beam
from zoo.cli import main
from zoo.listener import Listener


@pytest.fixture
def recordings(tmp_path, sound):
    """A folder of six recordings, one of them no sound, and a text beside them."""
    folder = tmp_path / "recordings"
    for number in range(6):
        sound(f"recordings/{number % 2}/{number}.wav", samples=4000 + 9000 * number)
    (folder / "1" / "3.wav").write_text("no sound")
    (folder / "notes.txt").write_text("mine")
    return folder


def job(*arguments, runner="DirectRunner"):
    return main([*map(str, arguments), "--runner", runner])


def rows(folder):
    """All rows of a job, part after part."""
    return [
        row
        for path in sorted(folder.glob("rows/*.parquet"))
        for row in parquet.read_table(path).to_pylist()
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("classify", "--top", 2),
        ("classify", "--timeline", "--labels", "Rain", "--hop", 0.48),
        ("embed",),
    ],
)
def test_rows_are_those_of_one_machine(tmp_path, recordings, small_preset, arguments, capsys):
    arguments = (*arguments, "--model", small_preset, recordings, "--output")
    assert main([*map(str, arguments), str(tmp_path / "alone.parquet")]) == 2
    assert job(*arguments, tmp_path / "many") == 2
    said = capsys.readouterr()
    assert "6 files, 1 of which could not be heard" in said.out
    assert "left out: 1 .txt" in said.err
    alone = parquet.read_table(tmp_path / "alone.parquet").to_pylist()
    heard = [row for row in alone if row.pop("error") is None]
    assert rows(tmp_path / "many") == heard
    (failed,) = parquet.read_table(tmp_path / "many/failed/000000.parquet").to_pylist()
    assert failed["file"] == str(recordings / "1" / "3.wav")
    assert "is not sound that can be decoded" in failed["reason"]


def test_patterns_lists_and_urls_name_the_same_files(tmp_path, recordings, small_preset, away):
    everything = sorted(map(str, recordings.rglob("*.wav")))
    (tmp_path / "list.txt").write_text("\n".join(everything))
    table = ["file,label", *(f"{path.removeprefix(f'{tmp_path}/')},x" for path in everything)]
    (tmp_path / "table.csv").write_text("\n".join(table))
    assert list(beam.Listing([str(recordings)])) == everything
    assert list(beam.Listing([f"{recordings}/**.wav"])) == everything
    assert list(beam.Listing(lists=[str(tmp_path / "list.txt")])) == everything
    assert list(beam.Listing(lists=[str(tmp_path / "table.csv")])) == everything
    urls = list(map(away, everything))
    assert list(beam.Listing([away(f"{recordings}/**.wav")])) == urls
    assert list(beam.Listing(lists=[away(tmp_path / "table.csv")])) == urls
    for name in ("rows", "failed"):
        (tmp_path / "out" / name).mkdir(parents=True)
    out = away(tmp_path / "out")
    assert job("classify", *urls, "--model", small_preset, "--output", out) == 2
    assert [row["file"] for row in rows(tmp_path / "out")] == [
        url for url in urls if not url.endswith("3.wav")
    ]


def test_what_cannot_be_heard_is_counted_as_without_a_job(
    tmp_path, sound, small_preset, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sound("sounds/tuer.wav").rename("sounds/t\udcfcr.wav")
    whole = sound("sounds/whole.wav", samples=90000).read_bytes()
    (tmp_path / "sounds" / "cut.wav").write_bytes(whole[:60000])
    for hidden in ("sounds/._whole.wav", "sounds/.Trashes/whole.wav"):
        sound(hidden)
    (tmp_path / "empty").mkdir()
    named = ["sounds/*.wav", "sounds/**.wav", "empty", "nothing/*.wav"]
    assert job("classify", *named, "--model", small_preset, "--output", "out") == 2
    said = capsys.readouterr().out
    assert "out: 8 files, 2 of which could not be heard" in said
    assert "2 warnings are in out/warnings." in said
    heard = ["sounds/cut.wav", "sounds/t\\udcfcr.wav", "sounds/whole.wav"]
    assert [row["file"] for row in rows(tmp_path / "out")] == heard * 2
    failed = parquet.read_table("out/failed/000000.parquet").to_pylist()
    assert failed == [
        {"file": "empty", "reason": "empty holds no sound files."},
        {"file": "nothing/*.wav", "reason": "No such file or directory"},
    ]
    warned = parquet.read_table("out/warnings/000000.parquet").to_pylist()
    assert [row["file"] for row in warned] == ["sounds/cut.wav"] * 2
    assert "cut.wav is cut short" in warned[0]["warning"]


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_run_says_whose_it_was_no_more(tmp_path, recordings, small_classifier, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match=r"run\.json is damaged \(.*\), so that nobody knows"):
        score(beam.Listing([str(recordings)]), tmp_path, small_classifier)


def score(files, folder, classifier, **options):
    """A job that says how long each file is."""
    return beam.score(
        files,
        folder,
        lambda: classifier,
        functools.partial(Listener.score_files),
        {"seconds": float},
        lambda result: [{"seconds": result.seconds}],
        identity={},
        **options,
    )


def test_parts_that_are_there_are_not_made_again(tmp_path, recordings, small_classifier):
    files, out = beam.Listing([str(recordings)]), tmp_path / "out"
    counts = score(files, out, small_classifier, files_per_part=2)
    assert counts == {"files": 6, "failures": 1, "warnings": 0, "seconds_of_sound": 8}
    before, parts = rows(out), sorted((out / "rows").iterdir())
    assert len(parts) == 3
    parts.pop(1).unlink()
    times = [path.stat().st_mtime_ns for path in parts]
    again = score(files, out, small_classifier, files_per_part=2)
    assert (again["failures"], again["seconds_of_sound"]) == (1, 3)  # in a part that was there
    assert rows(out) == before
    assert [path.stat().st_mtime_ns for path in parts] == times


def test_folder_of_another_run_is_refused(tmp_path, recordings, small_preset, capsys):
    arguments = ("classify", "--model", small_preset, "--output", tmp_path / "out")
    job(*arguments, recordings)
    capsys.readouterr()
    assert job(*arguments, recordings, "--top", 1) == 2
    assert "out is of a run that differs in: --top. Repeat that one" in capsys.readouterr().err
    assert job(*arguments, recordings / "0") == 2
    assert "out is of a run that differs in: files." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--output", "heard.csv"), "writes a folder of Parquet files: --output DIR. Received: he"),
        (("--json",), "--json does not go with --runner."),
        (("-", "--output", "x"), "A job does not read stdin"),
        (("nothing*.wav", "--output", "x"), "No sound files are found"),
    ],
)
def test_what_a_job_has_no_use_for(small_preset, arguments, sentence, capsys):
    assert job("classify", "--model", small_preset, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_beams_own_options_follow(tmp_path, recordings, small_preset, capsys):
    arguments = ["classify", str(recordings / "0"), "--model", str(small_preset)]
    arguments += ["--output", str(tmp_path / "out"), "--runner", "DirectRunner", "--"]
    assert main([*arguments, "--direct_num_workers", "many"]) == 2
    assert "soundzoo: Beam says of its options: " in capsys.readouterr().err
    assert main([*arguments, "--direct_num_worker", "1", "--no_such_thing=2"]) == 2
    assert "Beam has no option --direct_num_worker, --no_such_thing." in capsys.readouterr().err
    assert main([*arguments, "--direct_num_workers", "1"]) == 0


def test_files_that_change_meanwhile_are_noticed(tmp_path, recordings, small_classifier):
    class Shrinking:
        """Names two files at first and none to whoever asks next."""

        def __init__(self):
            self.names = [str(recordings / "0" / "0.wav")] * 2

        def __iter__(self):
            names, self.names = self.names, []
            return iter(names)

    with pytest.raises(beam.JobError, match="was not written: the files changed while the job ran"):
        score(Shrinking(), tmp_path / "out", small_classifier)


@pytest.mark.slow
def test_a_job_killed_again_and_again_ends_in_the_same_rows(tmp_path, recordings, small_preset):
    (tmp_path / "list.txt").write_text("\n".join([str(recordings / "0" / "4.wav")] * 3000))
    arguments = ["classify", "--from-list", tmp_path / "list.txt", "--model", small_preset]
    arguments += ["--runner", "DirectRunner", "--output"]
    assert job(*arguments[:-3], "--output", tmp_path / "undisturbed") == 0
    out = tmp_path / "out"
    for _ in range(3):
        run = subprocess.Popen(
            [sys.executable, "-m", "zoo", *arguments, out], stderr=subprocess.DEVNULL
        )
        parts = len(list(out.glob("rows/*.parquet")))
        while run.poll() is None and len(list(out.glob("rows/*.parquet"))) == parts:
            time.sleep(0.01)
        run.kill()
        run.wait()
    subprocess.run([sys.executable, "-m", "zoo", *arguments, out], check=True, capture_output=True)
    assert len(rows(out)) == 3000
    for name in ("undisturbed", "out"):
        for left in tmp_path.glob(f"{name}/*/*.unfinished"):
            left.unlink()
    made = [sorted((tmp_path / name / "rows").iterdir()) for name in ("undisturbed", "out")]
    for one, other in zip(*made, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert json.loads((out / "run.json").read_text())["--top"] == 5
    shutil.rmtree(out)
