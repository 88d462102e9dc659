"""Folders and tables as people bring them, in Python and by `soundzoo prepare`."""

import json
import os
from collections import Counter

import numpy as np
import pytest
import soundfile

from zoo.cli import main
from zoo.data import open_prepared, read_source
from zoo.evaluation.saved_scores import read_scores
from zoo.files import read_lines

ANIMALS = [f"{label}/{number}.wav" for label in ("cat", "dog") for number in range(2)]
OF_TRAIN = {("train", "cat"): 2, ("train", "dog"): 2}
SEGMENTS = """# Segments csv created Sun Mar  5 10:54:31 2017
# YTID, start_seconds, end_seconds, positive_labels
--aaaaaaaaa, 30.000, 40.000, "/m/09x0r"
-bbbbbbbbbb, 0.000, 10.000, "/m/04rlf"
cccccccccc0, 150.000, 160.000, "/m/04rlf"
dddddddddd0, 30.000, 40.000, "/m/09x0r"
eeeeeeeeee0, 30.000, 40.000, "/m/09x0r"
ffffffffff0, 30.000, 40.000, "/m/09x0r"
gggggggggg0, 30.000, 40.000, "/m/09x0r"
h_hhhhhhhh0, 5.500, 15.500, "/m/09x0r"
"""
NAMES = (
    *("Y--aaaaaaaaa", "-bbbbbbbbbb_0.000", "cccccccccc0_150.000", "dddddddddd0_000030"),
    *("eeeeeeeeee0_30.0-40.0", "ffffffffff0_30", "gggggggggg0_30000", "h_hhhhhhhh0_5.5_15.5"),
)

# Files to make, tables with their text, and the clips of each split and class that must come out.
CASES = {
    "TrainTest_folder": (
        [
            f"{split}/{label}/{split}{number}.wav"
            for split in ("Train", "Test")
            for label in ("noise", "tone")
            for number in range(3)
        ],
        {},
        {(split, label): 3 for split in ("test", "train") for label in ("noise", "tone")},
    ),
    "phone_folder": (
        [
            f"{label}/{number}.{suffix}"
            for label, suffix in (("noise", "wav"), ("speech", "m4a"), ("tone", "wav"))
            for number in range(3)
        ],
        {},
        {("train", label): 3 for label in ("noise", "speech", "tone")},
    ),
    "wrapped": (
        [
            f"{folder}my_sounds/{label}/{dots}{number}.wav"
            for label in ("noise", "tone")
            for number in range(3)
            for folder, dots in (("", ""), ("__MACOSX/", "._"))
        ],
        {},
        {("train", label): 3 for label in ("noise", "tone")},
    ),
    "audioset_names": (
        [f"clips/{name}.wav" for name in NAMES],
        {
            "class_labels_indices.csv": "index,mid,display_name\n0,/m/09x0r,Speech\n"
            "1,/m/04rlf,Music\n",
            "balanced_train_segments.csv": SEGMENTS,
        },
        {("train", "Speech"): 6, ("train", "Music"): 2},
    ),
    "split_val": (
        ANIMALS,
        {
            "manifest.csv": "file,label,split\ndog/0.wav,dog,Train\ndog/1.wav,dog,val\n"
            "cat/0.wav,cat,Train\ncat/1.wav,cat,val\n"
        },
        {(split, label): 1 for split in ("train", "validation") for label in ("cat", "dog")},
    ),
    "semicolon": (
        ANIMALS,
        {
            "manifest.csv": "file;label;split\n"
            + "".join(f"{name};{name[:3]};train\n" for name in ANIMALS)
        },
        OF_TRAIN,
    ),
    "backslash": (
        ANIMALS,
        {
            "manifest.csv": "file,label\n"
            + "".join("{0}\\{1},{0}\n".format(*name.split("/")) for name in ANIMALS)
        },
        OF_TRAIN,
    ),
    "excel_sep": (
        ANIMALS,
        {
            "manifest.csv": "sep=,\nfile,label\n"
            + "".join(f"{name},{name[:3]}\n" for name in ANIMALS)
        },
        OF_TRAIN,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name, tmp_path, sound, record, text, capsys):
    files, tables, expected = CASES[name]
    folder = tmp_path / name
    for file in files:
        (record if file.endswith(".m4a") else lambda path: sound(path, samples=1600))(folder / file)
    for table, content in tables.items():
        text(f"{name}/{table}", content)

    source = read_source(folder)
    assert Counter((clip.split, label) for clip in source.clips for label in clip.labels) == (
        expected
    )
    assert source.skipped == []
    assert list(source.left_out) == []

    assert main(["prepare", str(folder), str(tmp_path / "out"), "--json"]) == 0
    output, errors = capsys.readouterr()
    summary = json.loads(output)
    assert summary["skipped"] == 0
    assert errors == ""
    counts = {
        (split, label["name"]): clips
        for label in summary["labels"]
        for split, clips in label["clips"].items()
        if clips
    }
    assert counts == expected


def test_names_that_are_no_text_survive_all_commands(tmp_path, capsys):
    classes = [os.fsdecode(b"t\xfcr"), "rain\u2028y", "dog\ncafe"]
    names = [os.fsdecode(b"\xff"), "1\n2cafe", "a\u2028b", "a\\nb"]
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    for label in classes:
        for name in names:
            path = tmp_path / "sounds" / "train" / label / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                soundfile.write(file, noise, 16000, format="WAV")
    prepared, run, scores = (str(tmp_path / name) for name in ("prepared", "run", "scores"))
    small = ["--model", "fully_connected", "--width", "0.03", "--batch", "4", "--epochs", "1"]

    assert main(["prepare", str(tmp_path / "sounds"), prepared]) == 0
    data = open_prepared(prepared)
    ids = [data.clip_id(clip) for clip in range(len(data))]
    assert set(ids) == {f"train/{label}/{name}" for label in classes for name in names}
    assert sorted(label.name for label in data.labels) == sorted(classes)

    assert main(["train", prepared, run, *small]) == 0
    evaluate = ["evaluate", "--model", run, prepared, "--split", "train", "--bootstrap", "0"]
    assert main([*evaluate, "--output", scores, "--per-class", "--plots"]) == 0
    assert read_lines(tmp_path / "scores" / "clips.txt") == ids
    figures = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert sorted(figures["per_class"]) == sorted(classes)
    assert read_scores(scores, data, range(len(data))).shape == (12, 3)
    assert main(["train", prepared, f"{run}2", *small, "--teacher", scores]) == 0

    capsys.readouterr()
    assert main(["classify", "--model", run, str(tmp_path / "sounds"), "--top", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + 12
