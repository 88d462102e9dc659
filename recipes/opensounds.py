"""The recordings of the opensounds presets, as a manifest that `soundzoo prepare` takes.

    python recipes/opensounds.py --data ../shared/data --output runs/opensounds.csv

Training: the train split of opensounds and folds 1-4 of ESC-10. Testing: the test split of
opensounds, and fold 5 of ESC-10, a split of its own. Labels are AudioSet's display names, with
those above them in AudioSet's ontology that are classes here, too: a snare drum is a drum, a
helicopter is an aircraft. `--as-labelled` leaves each clip the one label that it came with.

`--esc10 none` leaves ESC-10 out; `--esc10 folds` makes a manifest of ESC-10 alone, with its folds
as splits, to cross-validate on.
"""

import argparse
import csv
from pathlib import Path
from typing import NamedTuple

from zoo.data.ontology import Ontology

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

# What the ontology says and these recordings do not: a cowbell on cattle, an arrow's whoosh, a
# violin's pizzicato; and one note of an instrument is not yet music.
NOT_IMPLIED = {"Cattle, bovinae", "Arrow", "Violin, fiddle", "Music"}
# Classes of opensounds whose names are not the ontology's, and what they are a kind of there.
KIND_OF = {"Hand drum": "Drum", "Pipe organ": "Organ"}


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
    return [
        recording._replace(split=ESC10_TEST if recording.split == "5" else "train")
        for recording in esc10_folds(data)
    ]


def esc10_folds(data):
    """Recordings of ESC-10, whose splits are its five folds."""
    folder = Path(data, "esc10")
    return [
        Recording(folder / row["file"], ESC10_LABELS[row["category"]], row["fold"], "ESC-10")
        for row in _rows(folder)
    ]


class Implied:
    """The classes that a class implies, of those that the recordings have."""

    def __init__(self, data, recordings):
        self.ontology = Ontology(Path(data, "audioset", "ontology.json"))
        self.classes = {recording.label for recording in recordings}

    def labels(self, label):
        """The label, and those above it, nearest first."""
        kind = KIND_OF.get(label)
        if kind:
            return [label, *self.labels(kind)]
        known = self.ontology.find(label)
        above = self.ontology.ancestors(known.mid) if known else []
        names = [self.ontology.find(mid).name for mid in above]
        return [label, *(name for name in names if name in self.classes - NOT_IMPLIED)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds and esc10")
    parser.add_argument("--output", type=Path, required=True, help="manifest to write")
    parser.add_argument(
        "--esc10",
        choices=["split", "none", "folds"],
        default="split",
        help="folds 1-4 for training and 5 for testing, without it, or it alone (%(default)s)",
    )
    parser.add_argument(
        "--as-labelled", action="store_true", help="without the classes above a clip's own"
    )
    options = parser.parse_args()
    recordings = {
        "split": lambda: opensounds(options.data) + esc10(options.data),
        "none": lambda: opensounds(options.data),
        "folds": lambda: esc10_folds(options.data),
    }[options.esc10]()
    implied = Implied(options.data, recordings)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with open(options.output, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label", "split"])
        for path, label, split, _ in recordings:
            labels = [label] if options.as_labelled else implied.labels(label)
            rows.writerow([path.resolve(), ";".join(labels), split])


def _rows(folder):
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
