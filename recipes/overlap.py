"""Finds recordings that sound like test recordings, so that they train no preset.

    python recipes/overlap.py --data ../shared/data ../sound/a ../sound/b

What is gathered from many places may hold what the test splits of opensounds and world, or ESC-10,
were cut from, under other names and at other levels. The embeddings that YAMNet makes of two pieces
of one recording are nearly parallel; a folder gets a file `overlap.csv` of those of its recordings
that come nearer than `NEAR` to a test recording, and `recipes/audioset.py` leaves these out.
"""

import argparse
import contextlib
import csv
from pathlib import Path

import numpy as np

import zoo
from frontend import load_audio
from zoo.data.example import SAMPLE_RATE

NEAR = 0.9
"""Cosine of the angle between two patches' embeddings, from which on they count as one sound. In a
trial that no command here repeats, 94% of test recordings of world, cut elsewhere and halved, came
nearer than that to themselves, and so did a quarter of its train recordings, which are others: what
is lost is less dear than what would slip through."""

BLOCK = 256
"""Patches that are compared at once: row by row, the processor waits for memory."""

OVERLAP = "overlap.csv"


def test_files(data):
    """Paths of the recordings that test."""
    for collection in ("opensounds", "world"):
        with open(data / collection / "manifest.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        yield from (data / collection / row["file"] for row in rows if row["split"] == "test")
    yield from sorted((data / "esc10").rglob("*.ogg"))


def embeddings(classifier, files, hop):
    """Unit embeddings float32 `[patches, units]` of what can be heard, and whose each is."""
    rows, owners = [], []
    results = classifier.embed_files(files, hop=hop, open_file=at_full_level)
    for number, result in enumerate(results):
        if result.error is None and not result.silent:
            rows.append(result.rows)
            owners += [number] * len(result.rows)
    rows = np.concatenate(rows)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-6), np.array(owners)


def at_full_level(path):
    """A context manager of a recording's waveform, as loud as can be."""
    waveform = load_audio(path, SAMPLE_RATE)
    return contextlib.nullcontext(waveform / np.abs(waveform).max().clip(1e-6))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the test recordings")
    parser.add_argument("folders", type=Path, nargs="+", help="of recordings, with a manifest.csv")
    options = parser.parse_args()
    classifier = zoo.AudioClassifier.from_preset("yamnet")
    tests = list(test_files(options.data))
    heard, of_test = embeddings(classifier, tests, hop=0.24)
    for folder in options.folders:
        with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
            files = [row["file"] for row in csv.DictReader(file)]
        rows, owners = embeddings(classifier, [folder / name for name in files], hop=0.96)
        nearest = {}
        for start in range(0, len(rows), BLOCK):
            likeness = rows[start : start + BLOCK] @ heard.T
            for owner, of_row in zip(owners[start : start + BLOCK], likeness, strict=True):
                place = int(of_row.argmax())
                found = (float(of_row[place]), str(tests[of_test[place]]))
                nearest[owner] = max(nearest.get(owner, found), found)
        near = {files[owner]: found for owner, found in nearest.items() if found[0] > NEAR}
        with open(folder / OVERLAP, "w", newline="", encoding="utf-8") as file:
            lines = [(name, test, f"{likeness:.4f}") for name, (likeness, test) in near.items()]
            csv.writer(file).writerows([("file", "test", "likeness"), *lines])
        print(f"{folder}: {len(near)} of {len(files)} sound like test recordings")


if __name__ == "__main__":
    main()
