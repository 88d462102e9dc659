"""`soundzoo prepare`, in this process: what it prints and writes, and its exit status."""

import json

import pytest

from zoo.cli import main
from zoo.data import open_prepared


@pytest.fixture
def sounds(tmp_path, sound):
    """A folder of two class folders, of three clips each."""
    for name in ("dog", "rain"):
        for number in range(3):
            sound(f"sounds/{name}/{number}.wav", samples=16000)
    return tmp_path / "sounds"


@pytest.fixture
def run(capsys):
    """Runs the command; gives exit status, lines of stdout and of stderr."""

    def call(*arguments):
        try:
            status = main(["prepare", *map(str, arguments)])
        except SystemExit as stop:
            status = stop.code
        output, errors = capsys.readouterr()
        return status, output.splitlines(), errors.splitlines()

    return call


def test_prints_a_table_of_the_splits(run, sounds, tmp_path):
    status, lines, errors = run(sounds, tmp_path / "out", "--hold-out", 0.5)
    assert (status, errors) == (0, [])
    assert lines[0].split() == ["Split", "Clips", "Hours", "Classes"]
    counts = {row.split()[0]: int(row.split()[1]) for row in lines[2:5]}
    assert set(counts) == {"train", "validation", "all"}
    assert counts["train"] + counts["validation"] == counts["all"] == 6
    assert lines[-1] == f"2 classes, 0 clips skipped: {tmp_path / 'out'}"
    data = open_prepared(tmp_path / "out")
    assert len(data.select("train")) == counts["train"]


def test_what_it_wrote_beside_the_classes_is_no_class(run, sounds):
    status, lines, errors = run(sounds, sounds / "prepared")
    assert (status, errors) == (0, [])
    assert run(sounds, sounds / "prepared") == (
        0,
        lines,
        [f"soundzoo: left out: 1 folder that soundzoo wrote in {sounds}/"],
    )


def test_prints_json(run, sounds, tmp_path):
    (sounds / "dog" / "0.wav").write_text("no sound")
    status, lines, errors = run(sounds, tmp_path / "out", "--json", "--threads", 2)
    summary = json.loads("\n".join(lines))
    assert status == 0
    assert summary == {
        "folder": str(tmp_path / "out"),
        "sample_rate": 16000,
        "clips": 5,
        "hours": 0.0014,
        "splits": {"train": {"clips": 5, "hours": 0.0014, "classes": 2}},
        "labels": [
            {"name": "dog", "mid": None, "clips": {"train": 2}},
            {"name": "rain", "mid": None, "clips": {"train": 3}},
        ],
        "skipped": 1,
        "shards": 1,
    }
    assert len(errors) == 1
    assert errors[0].startswith(f"soundzoo: skipped dog/0: {sounds / 'dog' / '0.wav'} is not sound")


def test_says_where_the_skipped_clips_are_listed(run, sounds, tmp_path, text):
    rows = [f"{number}.wav,Rain" for number in range(7)] + ["sounds/dog/0.wav,Dog"]
    manifest = text("list.csv", "\n".join(["file,label", *rows]))
    classes = text("classes.txt", "Dog\nRain\n")
    status, lines, errors = run(manifest, tmp_path / "out", "--labels", classes)
    assert status == 0
    assert errors[0] == f"soundzoo: skipped 0: there is no file {tmp_path / '0.wav'}"
    assert len(errors) == 6
    index = tmp_path / "out" / "index.json"
    assert errors[-1] == f"soundzoo: skipped 7 in all; {index} lists them"
    assert lines[-1].startswith("2 classes, 7 clips skipped")
    assert len(json.loads(index.read_text())["skipped"]) == 7


def test_options_reach_the_source(run, sounds, tmp_path, text, ontology):
    manifest = text("list.csv", "file,label\nsounds/dog/0.wav,Guitar\nsounds/dog/1.wav,Rain\n")
    status, lines, _ = run(
        manifest, tmp_path / "out", "--ontology", ontology, "--imply-parents", "--json"
    )
    assert status == 0
    labels = json.loads("\n".join(lines))["labels"]
    assert [(label["name"], label["mid"]) for label in labels] == [
        ("Guitar", "/m/2"),
        ("Music", "/m/1"),
        ("Rain", "/m/6"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "out"], "soundzoo: nowhere: No such file or directory"),
        (["sounds/dog", "out"], "soundzoo: The data set is empty: 3 clips were skipped"),
        (["sounds", "sounds"], "soundzoo: sounds exists and is not prepared data"),
        (["sounds", "out", "--threads", "0"], "soundzoo: threads must be at least 1. Received: 0"),
        (["sounds", "out", "--hold-out", "2"], "soundzoo: The share to hold out must be from 0"),
        (["sounds", "out", "--imply-parents"], "soundzoo: Parents are implied by an ontology"),
        (["sounds", "out", "--esc10"], "soundzoo: ESC-10 is a part of ESC-50"),
        (["sounds", "out", "--clips", "sounds"], "soundzoo: A folder of clips goes with AudioSet"),
        (["sounds", "out", "--labels", "no.txt"], "soundzoo: no.txt: No such file or directory"),
        (["sounds"], "the following arguments are required: OUT"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, sounds, monkeypatch, arguments, message):
    monkeypatch.chdir(sounds.parent)
    status, lines, errors = run(*arguments)
    assert (status, lines) == (2, [])
    assert len(errors) == 1
    assert message in errors[0]


def test_empty_audioset_is_one_line(run, tmp_path, shared_data):
    (tmp_path / "empty").mkdir()
    segments = shared_data / "audioset" / "eval_segments.csv"
    status, lines, errors = run(segments, tmp_path / "out", "--clips", tmp_path / "empty")
    assert (status, lines) == (2, [])
    assert len(errors) == 1
    assert "The data set is empty: 20371 clips were skipped" in errors[0]


def test_help_shows_an_example(run):
    status, lines, _ = run("--help")
    assert status == 0
    assert "  soundzoo prepare sounds/" in "\n".join(lines).partition("example:")[2]


@pytest.mark.slow
def test_opensounds(run, tmp_path, shared_data):
    status, lines, errors = run(shared_data / "opensounds", tmp_path / "out", "--json")
    assert (status, errors) == (0, [])
    summary = json.loads("\n".join(lines))
    assert (summary["clips"], summary["skipped"], len(summary["labels"])) == (8122, 0, 86)
    assert summary["hours"] == pytest.approx(6.1, abs=0.05)
