"""The recordings of the opensounds presets: what is trained on, what is tested on, the labels.

Training: the train split of opensounds and folds 1-4 of ESC-10. Testing: the test split of
opensounds, and fold 5 of ESC-10. Labels carry AudioSet's display names and mids.
"""

import csv
import json
from pathlib import Path
from typing import NamedTuple

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
    """One labelled recording: file, label's name, split ("train" or "test"), where it is from."""

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
            "test" if row["fold"] == "5" else "train",
            "ESC-10",
        )
        for row in _rows(folder)
    ]


def labels(data):
    """(name, mid) of every class, sorted by name; mid is None where AudioSet has no such class."""
    names = {recording.label for recording in opensounds(data) + esc10(data)}
    ontology = json.loads(Path(data, "audioset", "ontology.json").read_text(encoding="utf-8"))
    mids = {entry["name"]: entry["id"] for entry in ontology}
    return [(name, mids.get(name)) for name in sorted(names)]


def _rows(folder):
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
