"""The command line, in this process: what it prints, and its exit status."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile

import zoo
from zoo import presets
from zoo.cli import main
from zoo.row_file import RowFile


@pytest.fixture
def sounds(tmp_path, noise):
    """A folder of two sounds and a text file."""
    folder = tmp_path / "sounds"
    (folder / "deeper").mkdir(parents=True)
    soundfile.write(folder / "one.wav", noise(32000), 16000)
    soundfile.write(folder / "deeper" / "two.FLAC", noise(44100), 44100, format="FLAC")
    (folder / "notes.txt").write_text("no sound")
    return folder


@pytest.fixture
def run(small_preset, capsys):
    """Runs a command on the small preset; gives exit status, lines of stdout and of stderr."""

    def call(command, *arguments):
        model = ["--model", str(small_preset)] if command in ("classify", "embed", "events") else []
        try:
            status = main([command, *map(str, arguments), *model])
        except SystemExit as stop:
            status = stop.code
        output, errors = capsys.readouterr()
        return status, output.splitlines(), errors.splitlines()

    return call


def test_classify_prints_a_table(run, sounds):
    status, lines, errors = run("classify", sounds / "one.wav", "--top", 2)
    assert (status, errors) == (0, [])
    assert lines[0].split() == ["File", "Label", "Score"]
    assert lines[2].startswith(str(sounds / "one.wav"))
    assert len(lines) == 4
    assert 0 <= float(lines[2].split()[-1]) <= 1


def test_classify_names_chosen_labels_alone(run, sounds):
    one = sounds / "one.wav"
    for labels, expected in [
        ("rain,Sword, metal clash", {"Rain", "Sword, metal clash"}),
        ("/m/0bt9lr", {"Dog"}),
        ("Dog, dog", {"Dog"}),
    ]:
        status, lines, _ = run("classify", one, "--json", "--labels", labels)
        (entry,) = json.loads("\n".join(lines))
        assert status == 0
        assert {prediction["label"] for prediction in entry["predictions"]} == expected
    status, _, _ = run("classify", one, "--labels", "Sword,metal clash,Dog")
    assert status == 0
    status, _, errors = run("classify", one, "--labels", "Dog,Rein")
    assert status == 2
    assert errors == ["soundzoo: There is no label 'Rein'; the nearest is 'Rain'."]
    assert run("classify", one, "--labels", "zzz")[2] == ["soundzoo: There is no label 'zzz'."]


def test_classify_leaves_out_what_is_below_the_threshold_and_no_file(run, sounds):
    _, lines, _ = run("classify", sounds, "--json", "--top", 3)
    scores = [
        each["score"] for entry in json.loads("\n".join(lines)) for each in entry["predictions"]
    ]
    middle = sorted(scores)[len(scores) // 2]
    _, lines, _ = run("classify", sounds, "--json", "--top", 3, "--threshold", middle)
    left = [
        each["score"] for entry in json.loads("\n".join(lines)) for each in entry["predictions"]
    ]
    assert sorted(left) == pytest.approx([score for score in sorted(scores) if score >= middle])
    _, lines, _ = run("classify", sounds, "--threshold", 1)
    assert [line.split()[-2:] for line in lines[2:]] == [["-", "-"]] * 2
    status, _, errors = run("classify", sounds, "--threshold", 30)
    assert status == 2
    assert errors[-1] == "soundzoo: --threshold is a score, from 0 to 1. Received: 30.0"


def test_thresholds_of_each_label(run, sounds, tmp_path):
    path = tmp_path / "thresholds.json"
    path.write_text('{"Dog": 0.0, "rain": 1.0}')
    _, lines, _ = run("classify", sounds / "one.wav", "--json", "--thresholds", path)
    (entry,) = json.loads("\n".join(lines))
    assert [each["label"] for each in entry["predictions"]] == ["Dog"]
    path.write_text('{"Dog": 0.001}')
    _, lines, _ = run("events", sounds / "one.wav", "--json", "--thresholds", path)
    (entry,) = json.loads("\n".join(lines))
    assert {each["label"] for each in entry["events"]} == {"Dog"}
    for content, message in [
        ('{"Dog": 2}', "thresholds.json, 'Dog', is a score, from 0 to 1. Received: 2"),
        ('{"Cow": 0.2}', "There is no label 'Cow'"),
        ("[1]", "must hold scores by label"),
        ("{", "thresholds.json is not JSON"),
        ("[" * 100_000, "thresholds.json is not JSON: it nests too many"),
        ("{}", "has no threshold of a label that is wanted"),
        ('{"Rain": 0.9, "rain": 0.1}', "thresholds.json has two thresholds for 'Rain'"),
    ]:
        path.write_text(content)
        status, _, errors = run("events", sounds / "one.wav", "--thresholds", path)
        assert (status, message in errors[-1]) == (2, True)


def test_table_that_was_stopped_goes_on(run, sounds, monkeypatch):
    def interrupt(*_):  # no signal, which processes in the background may ignore
        raise KeyboardInterrupt

    table = sounds / "heard.csv"
    with monkeypatch.context() as patch:
        patch.setattr("zoo.row_file.os.replace", interrupt)
        assert run("classify", sounds, "--output", table)[0] == 130
    status, lines, errors = run("classify", sounds, "--output", table)
    assert (status, lines) == (0, [f"{table}: 2 files"])
    assert errors[-1] == "soundzoo: 2 of 2 files were done before"


def test_a_table_that_goes_on_has_the_bytes_of_the_whole(run, sounds, monkeypatch):
    write = RowFile.write

    def stopped(table, *arguments, **options):
        write(table, *arguments, **options)
        raise KeyboardInterrupt

    whole, table = sounds / "whole.jsonl", sounds / "heard.jsonl"
    assert run("embed", sounds, "--output", whole)[0] == 0
    with monkeypatch.context() as patch:
        patch.setattr(RowFile, "write", stopped)
        assert run("embed", sounds, "--output", table)[0] == 130
    assert run("embed", sounds, "--output", table)[0] == 0
    assert table.read_bytes() == whole.read_bytes()


def test_classify_writes_a_row_for_each_file(run, sounds):
    (sounds / "none.wav").write_bytes(b"no sound")
    table = sounds / "heard.csv"
    status, lines, errors = run("classify", sounds, "--output", table, "--top", 2)
    assert (status, lines) == (2, [f"{table}: 3 files, 1 of which could not be heard"])
    assert any("none.wav is not sound" in error for error in errors)
    two, none, one = read_csv(table)
    scores = ["label_1", "score_1", "label_2", "score_2"]
    assert list(one) == ["file", "seconds", "silent", *scores, "error"]
    assert one["file"] == str(sounds / "one.wav")
    assert (one["seconds"], one["silent"], one["error"]) == ("2.0", "False", "")
    (entry,) = json.loads("\n".join(run("classify", sounds / "one.wav", "--json", "--top", 2)[1]))
    for place, prediction in enumerate(entry["predictions"], start=1):
        assert one[f"label_{place}"] == prediction["label"]
        assert float(one[f"score_{place}"]) == pytest.approx(prediction["score"], abs=2e-6)
    assert two["file"].endswith("two.FLAC")
    assert "is not sound that can be decoded" in none["error"]
    assert {value for name, value in none.items() if name not in ("file", "error")} == {""}
    status, _, errors = run("classify", sounds, "--output", table)
    assert status == 2
    assert f"{table} exists and is complete" in errors[-1]


def test_classify_writes_a_row_for_each_patch(run, sounds):
    table = sounds / "heard.csv"
    status, _, _ = run(
        "classify", sounds / "one.wav", "--output", table, "--timeline", "--labels", "Rain"
    )
    assert status == 0
    rows = read_csv(table)
    times = [(row["start_seconds"], row["end_seconds"]) for row in rows]
    assert times == [("0.0", "0.96"), ("0.96", "1.92")]
    _, lines, _ = run("classify", sounds / "one.wav", "--json", "--timeline", "--labels", "Rain")
    (entry,) = json.loads("\n".join(lines))
    for row, patch in zip(rows, entry["timeline"], strict=True):
        assert float(row["Rain"]) == pytest.approx(patch["predictions"][0]["score"], abs=2e-6)


def test_where_no_file_can_be_heard_there_is_no_table(run, sounds):
    status, lines, errors = run("classify", sounds / "lost.wav")
    assert (status, lines) == (2, [])
    assert errors == [f"soundzoo: {sounds / 'lost.wav'}: No such file or directory"]


def test_a_table_cannot_also_be_json(run, sounds):
    status, _, errors = run("classify", sounds, "--output", sounds / "x.csv", "--json")
    assert status == 2
    assert "not allowed with argument" in errors[-1]


def test_embed_writes_a_row_for_each_patch(run, sounds):
    (sounds / "none.wav").write_bytes(b"no sound")
    arrays, table = sounds / "embeddings.npz", sounds / "embeddings.jsonl"
    for path in (arrays, table):
        assert run("embed", sounds, "--output", path)[0] == 2
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    assert [row["file"] for row in rows if row["error"]] == [str(sounds / "none.wav")]
    heard = [row for row in rows if not row["error"]]
    with np.load(arrays) as expected:
        assert [row["file"] for row in heard] == expected["files"].tolist()
        assert [row["start_seconds"] for row in heard] == expected["start_seconds"].tolist()
        np.testing.assert_allclose([row["embedding"] for row in heard], expected["embeddings"])
    status, _, errors = run("embed", sounds, "--output", sounds / "embeddings.csv")
    assert (status, "no room for lists" in errors[-1]) == (2, True)
    status, _, errors = run("embed", sounds, "--output", sounds / "embeddings.json")
    assert (status, "in .npz, .jsonl or .parquet. Received" in errors[-1]) == (2, True)


@pytest.mark.parametrize("command", ["classify", "events", "embed"])
def test_a_picture_of_no_kind_is_refused_before_anything_is_heard(run, sounds, command):
    status, lines, errors = run(command, sounds / "one.wav", "--plot", sounds / "picture.foo")
    assert (status, lines) == (2, [])
    (error,) = errors
    assert "A picture is one of " in error
    assert error.endswith(f", tif, tiff, webp. Received: {sounds}/picture.foo")


def test_events_say_from_when_to_when(run, sounds):
    arguments = ("--threshold", 0.001, "--hop", 0.48, "--labels", "Rain")
    status, lines, errors = run("events", sounds, *arguments)
    assert (status, errors) == (0, [f"soundzoo: left out: 1 .txt in {sounds}/"])
    assert lines[0].split() == ["File", "Onset", "Offset", "Label", "Peak", "Mean"]
    assert lines[-1].split()[1:4] == ["0.00", "2.00", "Rain"]
    _, lines, _ = run("events", sounds, "--json", *arguments)
    two, one = json.loads("\n".join(lines))
    (event,) = one["events"]
    assert list(event) == ["label", "mid", "onset", "offset", "peak", "mean"]
    assert run("events", sounds, "--output", sounds / "events.csv", *arguments)[0] == 0
    rows = read_csv(sounds / "events.csv")
    assert [row["file"] for row in rows] == [two["file"], one["file"]]
    for row, entry in zip(rows, (two, one), strict=True):
        assert row.pop("error") == ""
        (event,) = entry["events"]
        assert row.pop("file") == entry["file"]
        assert row.pop("label") == event.pop("label") == "Rain"
        assert row.pop("mid") == event.pop("mid")
        numbers = {name: float(value) for name, value in row.items()}
        assert numbers == pytest.approx(event, abs=2e-6)


def test_events_of_one_recording_go_to_other_programs_and_a_picture(run, sounds):
    files = {flag: sounds / f"{flag}.png" for flag in ("audacity", "raven", "plot")}
    flags = [part for flag, path in files.items() for part in (f"--{flag}", path)]
    status, lines, _ = run("events", sounds / "one.wav", "--threshold", 0.001, *flags)
    assert status == 0
    events = len(lines) - 2
    assert events
    assert len(files["audacity"].read_text().splitlines()) == events
    assert len(files["raven"].read_text().splitlines()) == events + 1
    assert files["plot"].read_bytes().startswith(b"\x89PNG")
    for flag, path in files.items():
        status, _, errors = run("events", sounds, f"--{flag}", path)
        assert (status, errors[-1]) == (
            2,
            f"soundzoo: --{flag} takes one file and no --output. Received: 2 files",
        )


def test_a_recording_without_events_is_said_to_have_none(run, sounds):
    status, lines, _ = run("events", sounds / "one.wav", "--threshold", 1)
    assert status == 0
    assert lines[2].split() == [str(sounds / "one.wav"), "-", "-", "-", "-", "-"]
    status, _, errors = run("events", sounds, "--threshold", 2)
    assert status == 2
    assert errors[-1] == "soundzoo: --threshold is a score, from 0 to 1. Received: 2.0"
    _, _, errors = run("events", sounds, "--threshold", 0)
    assert "above 0 and at most 1. Received for Dog: 0.0" in errors[-1]


def test_events_against_a_reference(run, sounds, tmp_path):
    reference = tmp_path / "reference.csv"
    rows = ["sounds/one.wav,Rain,0,2", "sounds/one.wav,Cat,0,1", "lost.wav,Rain,0,1"]
    reference.write_text("\n".join(["file,label,onset,offset", *rows]))
    arguments = ("--threshold", 0.001, "--labels", "Rain")
    status, lines, errors = run("events", sounds, "--reference", reference, *arguments)
    assert status == 0
    assert errors[1:] == [
        "soundzoo: left out: 1 files that the reference lacks",
        "soundzoo: left out: 1 recordings of the reference that are not among the files",
        "soundzoo: labels that are not looked for count as missed: Cat",
    ]
    assert [line.split()[-6:] for line in lines[2:]] == [
        ["2", "1", "0.667", "0.500", "0.800", "0.333"],
        ["1", "0", "0.000", "1.000", "0.000", "1.000"],
        ["1", "1", "1.000", "0.000", "1.000", "0.000"],
    ]
    # Labels may be in another case.
    reference.write_text(reference.read_text().replace("Rain", "rain"))
    assert run("events", sounds, "--reference", reference, *arguments)[1] == lines
    # A file that is named twice is heard once.
    twice = (sounds, sounds / "deeper" / ".." / "one.wav")
    status, again, twice_errors = run("events", *twice, "--reference", reference, *arguments)
    assert (status, again, twice_errors[1:]) == (0, lines, errors[1:])
    reference.write_text("file,label,onset,offset\nother.wav,Rain,0,1\n")
    status, _, errors = run("events", sounds, "--reference", reference)
    assert (status, "names none of the files" in errors[-1]) == (2, True)
    status, _, errors = run("events", sounds, "--reference", reference, "--json")
    assert status == 2
    assert errors[-1] == "soundzoo: --reference prints figures alone; leave --json out."


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_classify_searches_directories(run, sounds):
    status, lines, _ = run("classify", sounds, "--top", 1, "--json")
    entries = json.loads("\n".join(lines))
    assert status == 0
    assert [entry["file"] for entry in entries] == [
        str(sounds / "deeper" / "two.FLAC"),
        str(sounds / "one.wav"),
    ]


def test_classify_leaves_out_what_a_system_hides(run, tmp_path, noise):
    folder = tmp_path / "stick" / "My folder"
    hidden = [".Trashes/501/old.wav", "My folder/._take ä.wav", "My folder/.DS_Store"]
    for name in ["My folder/take ä.wav", *hidden]:
        path = tmp_path / "stick" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, noise(16000), 16000, format="WAV")
    (folder / "letter.docx").touch()
    status, lines, errors = run("classify", tmp_path / "stick", "--json")
    assert status == 0
    assert [entry["file"] for entry in json.loads("\n".join(lines))] == [str(folder / "take ä.wav")]
    assert errors == [f"soundzoo: left out: 1 .docx in {folder}/"]


@pytest.mark.parametrize("suffix", ["m4a", "webm"])
def test_classify_hears_what_phones_record(run, tmp_path, record, suffix):
    path = tmp_path / "stick" / f"message.{suffix}"
    record(path)
    status, lines, errors = run("classify", tmp_path / "stick", "--json")
    assert (status, errors) == (0, [])
    assert [entry["file"] for entry in json.loads("\n".join(lines))] == [str(path)]


def test_classify_counts_what_it_leaves_out(run, sounds):
    for number in range(7):
        (sounds / str(number)).mkdir()
        (sounds / str(number) / "letter.docx").touch()
    status, _, errors = run("classify", sounds, "--json")
    assert status == 0
    assert len(errors) == 6
    assert errors[0] == f"soundzoo: left out: 1 .txt in {sounds}/"
    assert errors[1] == f"soundzoo: left out: 1 .docx in {sounds / '0'}/"
    assert errors[-1] == "soundzoo: left out: 8 in all, in 8 folders"


def test_classify_json_is_what_the_api_says(run, sounds, small_classifier):
    _, lines, _ = run("classify", sounds / "one.wav", "--json", "--timeline", "--top", 3)
    (entry,) = json.loads("\n".join(lines))
    expected = small_classifier.classify(sounds / "one.wav", top=3)
    assert [p["label"] for p in entry["predictions"]] == [p.label for p in expected]
    assert [p["mid"] for p in entry["predictions"]] == [p.mid for p in expected]
    assert [p["score"] for p in entry["predictions"]] == pytest.approx(
        [p.score for p in expected], abs=1e-5
    )
    assert [patch["start_seconds"] for patch in entry["timeline"]] == [0.0, 0.96]


def test_hop_sets_how_often_patches_are_heard(run, sounds, tmp_path):
    _, lines, _ = run("classify", sounds / "one.wav", "--json", "--timeline", "--hop", 0.48)
    [entry] = json.loads("\n".join(lines))
    assert [patch["start_seconds"] for patch in entry["timeline"]] == [0.0, 0.48, 0.96]
    run("embed", sounds / "one.wav", "--hop", 0.48, "--output", tmp_path / "x.npz")
    assert np.load(tmp_path / "x.npz")["start_seconds"].tolist() == [0.0, 0.48, 0.96]
    for command in (["classify"], ["embed", "--json"]):
        status, lines, errors = run(*command, sounds / "one.wav", "--hop", 0.5005)
        assert (status, lines) == (2, [])
        assert "patch_hop_seconds must be a whole number of frames" in errors[0]


def test_classify_timeline_has_a_row_for_each_patch(run, sounds):
    _, lines, _ = run("classify", sounds / "one.wav", "--timeline", "--top", 1)
    assert len(lines) == 2 + 3
    assert lines[0].split() == ["File", "Start", "Label", "Score"]
    assert " mean " in lines[2]
    assert " 0.00 " in lines[3]
    assert " 0.96 " in lines[4]


def test_one_bad_file_is_reported_and_the_others_go_on(run, sounds):
    (sounds / "bad.wav").write_text("no sound")
    status, lines, errors = run("classify", sounds, sounds / "missing.ogg", "--json")
    assert status == 2
    assert len(json.loads("\n".join(lines))) == 2
    assert len(errors) == 3
    assert errors[0] == f"soundzoo: left out: 1 .txt in {sounds}/"
    assert errors[1].startswith(f"soundzoo: {sounds / 'bad.wav'} is not sound")
    assert errors[2] == f"soundzoo: {sounds / 'missing.ogg'}: No such file or directory"


@pytest.mark.parametrize("kind", ["empty", "headerless", "NaN", "integer scale"])
def test_sound_that_cannot_be_heard_is_one_line(run, tmp_path, noise, kind):
    path = tmp_path / "bad.wav"
    if kind == "empty":
        path.touch()
    elif kind == "headerless":
        path = tmp_path / "bad.raw"
        path.write_bytes(noise(16000).tobytes())
    else:
        waveform = noise(16000) * (12000 if kind == "integer scale" else np.nan)
        soundfile.write(path, waveform, 16000, subtype="FLOAT")
    status, lines, errors = run("classify", path, "--json")
    assert (status, lines) == (2, ["[]"])
    assert len(errors) == 1
    assert errors[0].startswith(f"soundzoo: {path} ")


def test_a_file_without_a_header_does_not_end_the_batch(run, sounds, tmp_path, noise):
    (tmp_path / "bad.raw").write_bytes((noise(16000) * 32768).astype("<i2").tobytes())
    (tmp_path / "good.raw").write_bytes((sounds / "one.wav").read_bytes())
    status, lines, errors = run("classify", tmp_path / "bad.raw", tmp_path / "good.raw", "--json")
    (entry,) = json.loads("\n".join(lines))
    assert (status, len(errors)) == (2, 1)
    assert entry["file"] == str(tmp_path / "good.raw")


@pytest.mark.parametrize("kind", ["cut", "opposite channels", "silence"])
@pytest.mark.parametrize("command", ["classify", "embed", "prepare"])
def test_warnings_are_one_line_each(run, tmp_path, noise, kind, command):
    sound = {
        "cut": noise(32000),
        "opposite channels": np.stack([noise(32000), -noise(32000)], 1),
        "silence": np.zeros(32000),
    }[kind]
    folder = tmp_path / "sounds"
    for label in "ab":
        (folder / label).mkdir(parents=True)
        soundfile.write(folder / label / f"{label}.wav", noise(32000), 16000)
    path = folder / "a" / "odd.wav"
    soundfile.write(path, sound, 16000)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:40000])
    arguments = [folder, tmp_path / "out"] if command == "prepare" else [path]
    status, lines, errors = run(command, *arguments, "--json")
    assert status == 0
    assert len(errors) == 1
    assert errors[0].startswith(f"soundzoo: warning: {path} ")
    if command == "classify":
        (entry,) = json.loads("\n".join(lines))
        assert entry.get("silent", False) == (kind == "silence")
        if kind == "silence":
            assert {prediction["score"] for prediction in entry["predictions"]} == {0}


def test_a_picture_does_not_repeat_warnings(run, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 16000)
    picture = tmp_path / "plot.png"
    status, _, errors = run("classify", tmp_path / "silent.wav", "--plot", picture)
    assert (status, len(errors)) == (0, 1)


SHARED_CASES = {
    "base.m4a": (0, []),
    "base.webm": (0, []),
    "concat.mp3": (0, []),
    "base_pipe.flac": (0, []),
    "a_wav_called.raw": (0, []),
    "unfinalised_0.wav": (0, []),
    "outofphase.wav": (0, ["channels that cancel"]),
    "headerless.raw": (2, ["is not sound"]),
}


@pytest.mark.parametrize("case", SHARED_CASES)
def test_shared_cases(run, shared_cases, case):
    expected, messages = SHARED_CASES[case]
    status, _, errors = run("classify", shared_cases / case, "--json")
    assert (status, len(errors)) == (expected, len(messages))
    assert all(map(str.__contains__, errors, messages))


def test_pipes_and_standard_input(sounds, small_preset):
    command = f"{sys.executable} -m zoo classify --json --model {small_preset}"
    wav = sounds / "one.wav"
    shell = f"cat {wav} | {command} - <(cat {wav}) {wav}"
    run = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert "soundzoo:" not in run.stderr
    first, second, third = (entry["predictions"] for entry in json.loads(run.stdout))
    assert first == second == third


def test_names_need_not_be_short_or_sounds(run, sounds):
    (sounds / "folder.wav").mkdir()
    status, lines, errors = run("classify", "x" * 300, sounds, "--json")
    assert status == 2
    assert len(json.loads("\n".join(lines))) == 2
    assert len(errors) == 2
    assert "File name too long" in errors[1]


@pytest.mark.parametrize(
    "command", [["embed", "--output"], ["embed", "--plot"], ["classify", "--plot"]]
)
def test_output_that_cannot_be_written_is_said_before_the_work(run, sounds, tmp_path, command):
    command, option = command
    status, lines, errors = run(command, sounds / "one.wav", option, tmp_path / "no" / "file.npz")
    assert (status, lines) == (2, [])
    assert len(errors) == 1
    assert "there is no folder" in errors[0]


def test_reads_stdin_and_lists(run, sounds, tmp_path, monkeypatch):
    class Stdin:
        buffer = io.BytesIO((sounds / "one.wav").read_bytes())

    monkeypatch.setattr("sys.stdin", Stdin)
    listed = tmp_path / "list.txt"
    listed.write_text(f"{sounds / 'one.wav'}\n\n-\n")
    status, lines, _ = run("classify", "--from-list", listed, "--json")
    first, second = json.loads("\n".join(lines))
    assert status == 0
    assert second["file"] == "-"
    assert first["predictions"] == second["predictions"]


@pytest.mark.parametrize("argument", ["-", "--from-list=-"])
def test_stdin_that_is_closed(run, monkeypatch, argument):
    monkeypatch.setattr("sys.stdin", None)
    status, lines, errors = run("classify", argument)
    assert (status, [line for line in lines if "0." in line]) == (2, [])
    assert errors[-1] == "soundzoo: Standard input is closed."


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_streams_that_are_closed(run, sounds, monkeypatch, stream):
    monkeypatch.setattr(sys, stream, None)
    status, lines, errors = run("classify", sounds, sounds / "lost.wav", "--json")
    assert status == 2
    assert bool(lines) == (stream == "stderr")
    assert bool(errors) == (stream == "stdout")


def test_memory_that_is_not_enough_is_one_line(run, sounds, monkeypatch):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 4.00 GiB")

    monkeypatch.setattr(zoo.AudioClassifier, "from_preset", full)
    status, _, errors = run("classify", sounds / "one.wav")
    assert (status, errors) == (2, ["soundzoo: Unable to allocate 4.00 GiB"])


def test_plot_writes_a_picture(run, sounds, tmp_path):
    status, _, errors = run("classify", sounds / "one.wav", "--plot", tmp_path / "plot.png")
    assert (status, errors) == (0, [])
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_embed_draws_a_map(run, sounds, tmp_path, monkeypatch):
    import zoo.plot

    drawn = []
    draw = zoo.plot.embedding_map
    monkeypatch.setattr(zoo.plot, "embedding_map", lambda *a: drawn.append(a) or draw(*a))
    waves = sorted(sounds.glob("*.wav"))
    status, lines, _ = run("embed", *waves, "--plot", tmp_path / "map.png")
    assert status == 0
    assert lines[-1].startswith(f"{tmp_path / 'map.png'}: ")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    folders = tmp_path / "folders"
    for folder in ("loud", "soft"):
        (folders / folder).mkdir(parents=True)
        (folders / folder / "one.wav").symlink_to(sounds / "one.wav")
    assert run("embed", folders, "--plot", tmp_path / "map.png")[0] == 0
    (_, files), (_, places) = drawn
    assert {*files} == {path.stem for path in waves}
    assert {*places} == {"loud", "soft"}


def test_embed_writes_arrays(run, sounds, tmp_path, small_classifier):
    status, lines, _ = run("embed", sounds, "--output", tmp_path / "embeddings.npz")
    arrays = np.load(tmp_path / "embeddings.npz")
    assert status == 0
    assert lines == [f"{tmp_path / 'embeddings.npz'}: 3 embeddings of 2 files"]
    assert arrays["embeddings"].shape == (3, 16)
    assert arrays["start_seconds"].tolist() == [0, 0, 0.96]
    assert arrays["files"].tolist()[1:] == [str(sounds / "one.wav")] * 2
    np.testing.assert_allclose(
        arrays["embeddings"][1:], small_classifier.embed(sounds / "one.wav"), atol=1e-5
    )


def test_embed_prints_json(run, sounds):
    _, lines, _ = run("embed", sounds / "one.wav", "--json")
    (entry,) = json.loads("\n".join(lines))
    assert np.shape(entry["embeddings"]) == (2, 16)


def test_list_names_models_and_presets(run):
    status, lines, _ = run("list")
    assert status == 0
    for name in zoo.list_models() + zoo.list_presets():
        assert name in "\n".join(lines)
    _, lines, _ = run("list", "--json")
    listed = json.loads("\n".join(lines))
    assert listed["models"] == zoo.list_models()
    assert [preset["name"] for preset in listed["presets"]] == zoo.list_presets()


def test_list_of_presets_alone_says_more(run):
    status, lines, _ = run("list", "--presets")
    assert status == 0
    assert lines[0].split() == (
        ["Preset", "Architecture", "Width", "Labels", "MB", "mAP", "AUC", "World", "ESC-10"]
    )
    rows = [line.split() for line in lines[2:]]
    assert [row[0] for row in rows] == zoo.list_presets()
    assert max(map(len, lines)) <= 100
    described = presets.describe("yamnet")
    metrics = described["metrics"]
    (row,) = [row for row in rows if row[0] == "yamnet"]
    assert row[1:4] == ["mobilenet_v1", "1", str(described["labels"])]
    assert [float(cell) for cell in row[4:]] == pytest.approx(
        [
            described["bytes"] / 1e6,
            *(metrics[name] for name in ("mAP", "AUC", "world_mAP", "esc10_fold5_top1")),
        ],
        abs=0.05,
    )
    _, lines, _ = run("list", "--presets", "--json")
    assert json.loads("\n".join(lines)) == {
        "presets": [presets.describe(name) for name in zoo.list_presets()]
    }


def test_list_of_the_labels_of_a_preset(run, small_preset):
    _, lines, _ = run("list", "--labels", "yamnet")
    assert lines[2].split() == ["Speech", "/m/09x0r"]
    assert len(lines) == 2 + 521
    _, lines, _ = run("list", "--labels", small_preset, "--json")
    assert [label["name"] for label in json.loads("\n".join(lines))] == (
        [label.name for label in zoo.AudioClassifier.from_preset(small_preset).labels]
    )
    assert run("list", "--labels", "YAMnet")[2][0].endswith("; the nearest is 'yamnet'.")


def test_list_of_a_folder_of_presets(run, small_preset, tmp_path, monkeypatch):
    status, lines, _ = run("list", small_preset.parent)
    assert (status, len(lines)) == (0, 3)
    path, labels, *_ = lines[2].split()
    assert (path, labels) == (str(small_preset), "3")
    _, lines, _ = run("list", small_preset.parent, "--json")
    (preset,) = json.loads("\n".join(lines))["presets"]
    assert zoo.AudioClassifier.from_preset(preset["name"]).architecture == preset["architecture"]
    shutil.copytree(small_preset, tmp_path / "yamnet")
    monkeypatch.chdir(tmp_path)
    assert run("list", ".")[1][2].split()[:2] == ["./yamnet", "3"]
    assert run("list", tmp_path / "yamnet") == (
        2,
        [],
        [f"soundzoo: {tmp_path / 'yamnet'} holds no folders of presets."],
    )


def test_a_damaged_preset_hides_no_other_in_the_list(run, small_preset, tmp_path):
    for name in ("good", "figures", "nan", "labels"):
        shutil.copytree(small_preset, tmp_path / name)
    (tmp_path / "figures" / "metrics.json").write_text("{")
    (tmp_path / "nan" / "metrics.json").write_text('{"mAP": NaN, "AUC": 0.5}')
    config = json.loads((tmp_path / "labels" / "config.json").read_text())
    del config["own_sha256"]
    config["classifier"]["labels"] = None
    (tmp_path / "labels" / "config.json").write_text(json.dumps(config))
    status, lines, errors = run("list", tmp_path)
    assert status == 2
    assert [line.split()[0] for line in lines[2:]] == [f"{tmp_path}/good", f"{tmp_path}/nan"]
    assert lines[3].split()[-3:] == ["-", "0.500", "-"]
    assert [error.split(":")[1] for error in errors] == [
        f" {tmp_path}/figures/metrics.json does not hold a preset's figures",
        f" {tmp_path}/labels/config.json does not describe a classifier",
    ]
    assert json.loads("\n".join(run("list", tmp_path, "--json")[1]))["presets"][1]["metrics"] == {
        "AUC": 0.5
    }


def test_list_of_presets_that_were_not_evaluated(run, small_preset, monkeypatch):
    monkeypatch.setattr(presets, "_BUNDLED", small_preset.parent)
    _, lines, _ = run("list", "--presets")
    assert lines[2].split() == ["small", "fully_connected", "0.02", "3", *lines[2].split()[4:5]] + (
        ["-"] * 4
    )


def test_summary_prints_the_counts_beside_the_papers(run):
    status, lines, _ = run("summary")
    assert status == 0
    table = "\n".join(" ".join(line.split()) for line in lines)
    assert "fully_connected 11.24M 11.2M 11.2M 11.2M -" in table
    assert "alexnet 37.35M 37.3M 767.6M 767M 4 x 5" in table
    assert "vgg 62.03M 62M 2423.7M 2.4B 3 x 2" in table
    assert "inception_v3 28.04M 28M 5438.0M 4.7B 10 x 6" in table
    assert "resnet50 29.77M 30M 1856.4M 1.9B 6 x 4" in table


def test_summary_of_one_network_as_json(run):
    _, lines, _ = run("summary", "resnet50", "--width", 0.25, "--classes", 92, "--json")
    (row,) = json.loads("\n".join(lines))
    assert row["model"] == "resnet50"
    assert row["final_map"] == [6, 4]
    assert 1.4e6 < row["weights"] < 1.6e6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify"], "No sound files are named"),
        (["classify", "x.wav", "--top", "0"], "--top must be at least 1. Received: 0"),
        (["classify", "x.wav", "--top", "two"], "invalid int value: 'two'"),
        (["classify", "--from-list", "missing.txt"], "missing.txt: No such file or directory"),
        (["classify", "a.wav", "b.wav", "--plot", "x.png"], "no --output. Received: 2 files"),
        (["classify", "a.wav", "--plot", "x.png", "--output", "x.csv"], "Received: --output"),
        (["embed", "x.wav"], "one of the arguments --output --plot --json is required"),
        (["summary", "resnet51"], "no architecture 'resnet51'"),
        (["summary", "--width", "0"], "width must be"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "required"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys, arguments, message):
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    output, errors = capsys.readouterr()
    assert status == 2
    assert output == ""
    assert message in errors
    assert len(errors.splitlines()) == 1


def test_unknown_model_and_empty_directory(run, sounds, tmp_path, capsys):
    assert main(["classify", str(sounds), "--model", "nonsense"]) == 2
    assert "no preset 'nonsense'" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    status, _, errors = run("classify", tmp_path / "empty")
    assert (status, errors) == (2, [f"soundzoo: {tmp_path / 'empty'} holds no sound files."])


@pytest.mark.parametrize("command", ["list", "summary", "classify", "embed"])
def test_help_shows_an_example(run, command):
    status, lines, _ = run(command, "--help")
    assert status == 0
    assert f"  soundzoo {command}" in "\n".join(lines).partition("example:")[2]


def test_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"soundzoo {zoo.__version__}\n"


def test_tensorflow_says_nothing_of_itself(small_preset, sounds):
    """In a process of its own, where TensorFlow starts."""
    command = ["classify", sounds, "--model", small_preset]
    told = subprocess.run(
        [sys.executable, "-m", "zoo", *command], capture_output=True, text=True, check=True
    )
    assert told.stderr == f"soundzoo: left out: 1 .txt in {sounds}/\n"
    assert len(told.stdout.splitlines()) > 4


NEEDLESS = """
import sys
from zoo.cli.imports import spare_imports

spare_imports()
import keras, tensorflow
print({"jax", "matplotlib", "pandas", "scipy", "sklearn"} & {*sys.modules})
import matplotlib.pyplot, scipy.signal, sklearn.base
"""


def test_keras_and_tensorflow_import_nothing_needless():
    """But who else asks for it has it."""
    for library in ("matplotlib", "sklearn"):
        pytest.importorskip(library)
    told = subprocess.run(
        [sys.executable, "-c", NEEDLESS], capture_output=True, text=True, check=True
    )
    assert told.stdout == "set()\n"


def test_the_process_draws_a_picture(small_preset, sounds, tmp_path):
    pytest.importorskip("matplotlib")
    command = ["classify", sounds / "one.wav", "--model", small_preset, "--plot", "heard.png"]
    subprocess.run([sys.executable, "-m", "zoo", *command], check=True, cwd=tmp_path)
    assert (tmp_path / "heard.png").read_bytes().startswith(b"\x89PNG")


LAST_WORDS = r"""
import os, sys
from zoo.cli.stderr import silence_tensorflow

silence_tensorflow()
os.write(2, b"I0000 00:00:1795709693.937323   18666 port.cc:153] oneDNN custom.\n")
os.write(2, b"2026-11-26 16:15:28.123456: W external/cuda.cc:1] No driver.\n")
os.write(2, b"E0000 00:00:1795709693.937323   18666 device.cc:153] out of memory\n")
print("of Python", file=sys.stderr)
os.write(2, b"terminate called")
os.abort()
"""


def test_errors_still_show():
    """Of a library, before it ends the process, too."""
    told = subprocess.run([sys.executable, "-c", LAST_WORDS], capture_output=True, text=True)
    assert told.returncode == -signal.SIGABRT
    assert sorted(told.stderr.splitlines()) == [
        "E0000 00:00:1795709693.937323   18666 device.cc:153] out of memory",
        "of Python",
        "terminate called",
    ]


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_streams(closed):
    command = f"{sys.executable} -m zoo --version {closed}"
    told = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert told.stdout == f"soundzoo {zoo.__version__}\n"


def test_a_file_that_needs_av_does_not_end_the_others(run, tmp_path, noise, monkeypatch):
    (tmp_path / "a.mp3").write_bytes(b"ID3" + bytes(1000))
    soundfile.write(tmp_path / "b.wav", noise(16000), 16000)
    monkeypatch.setitem(sys.modules, "av", None)
    status, lines, errors = run("classify", tmp_path, "--json")
    assert status == 2
    assert [entry["file"] for entry in json.loads("\n".join(lines))] == [str(tmp_path / "b.wav")]
    assert len(errors) == 1
    assert "pip install av" in errors[0]


def test_silence_is_said_whatever_filters_say(run, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(32000), 16000)
    for action in ("ignore", "error"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            status, lines, errors = run("classify", tmp_path / "silent.wav", "--json")
        assert (status, len(errors)) == (0, 1)
        assert json.loads("\n".join(lines))[0]["silent"]


def test_json_on_a_terminal_without_unicode(small_preset, tmp_path, noise):
    soundfile.write(tmp_path / "tür\U0001f600.wav", noise(16000), 16000)
    told = subprocess.run(
        [sys.executable, "-m", "zoo", "classify", tmp_path, "--json", "--model", small_preset],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert json.loads(told.stdout)[0]["file"] == str(tmp_path / "tür\U0001f600.wav")
