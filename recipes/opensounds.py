"""The recordings of the opensounds presets, as a manifest that `soundzoo prepare` takes.

    python recipes/opensounds.py --data ../shared/data --output runs/opensounds.csv

Training: the train split of opensounds and folds 1-4 of ESC-10. Testing: the test split of
opensounds, and fold 5 of ESC-10, a split of its own. Labels are AudioSet's display names.
"""

import argparse
import csv
from pathlib import Path
from typing import NamedTuple

ESC10_TEST = "esc10_test"

# ESC-10's categories under AudioSet's names; opensounds already has a class for four of them.
ESC10_LABELS = {
    "Baby cry": "Baby cry, infant cry",
    "Chainsaw": "Chainsaw",
    "Clock tick": "Tick-tock",
    "Dog bark": "Bark",
    "Fire crackling": "Fire",
    "Helicopter": "Helicopter",
    "Person sneeze": "Sneeze",
    "Rain": "Rain",
    "Rooster": "Chicken, rooster",
    "Sea waves": "Ocean",
}


class Recording(NamedTuple):
    """One labelled recording: file, label's name, split, where it is from."""

    path: Path
    label: str
    split: str
    source: str


def opensounds(data):
    """Recordings of opensounds, where `data` is the folder that holds it."""
    folder = Path(data, "opensounds")
    return [
        Recording(folder / row["file"], row["label"], row["split"], row["source"])
        for row in _rows(folder)
    ]


def esc10(data):
    """Recordings of ESC-10: folds 1-4 for training, fold 5 for testing."""
    folder = Path(data, "esc10")
    return [
        Recording(
            folder / row["file"],
            ESC10_LABELS[row["category"]],
            ESC10_TEST if row["fold"] == "5" else "train",
            "ESC-10",
        )
        for row in _rows(folder)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds and esc10")
    parser.add_argument("--output", type=Path, required=True, help="manifest to write")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with open(options.output, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label", "split"])
        for recording in opensounds(options.data) + esc10(options.data):
            rows.writerow([recording.path.resolve(), recording.label, recording.split])


def _rows(folder):
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
