"""The recordings of the audioset presets, as a manifest that `soundzoo prepare` takes.

    python recipes/audioset.py --data ../shared/data --more ../sound --output runs/audioset.csv
    soundzoo prepare runs/audioset.csv runs/audioset --unlabelled \\
        --labels ../shared/data/audioset/class_labels_indices.csv

Training: the train splits of opensounds and world, and what folders of `--more` hold, whose
manifests have no labels, without what recipes/overlap.py finds to sound like test recordings.
Testing: the test splits of opensounds and world, each a split of its own. Nothing of ESC-50, so
that transfer to it says something. `--validation` sets whole sources of the train splits aside, to
choose by.

Labels are AudioSet's: of its 527 classes a recording's own, and those above it in the ontology as
long as each has one parent alone. Where a label is no class, those above it are left.
"""

import argparse
import csv
import hashlib
from pathlib import Path

from opensounds import KIND_OF, NOT_IMPLIED
from overlap import OVERLAP

from zoo.data.classes import read_class_list
from zoo.data.ontology import Ontology

CLASSES = "class_labels_indices.csv"
LABELLED = ("opensounds", "world")


class Classes:
    """AudioSet's classes that a label implies."""

    def __init__(self, data):
        folder = Path(data, "audioset")
        self.ontology = Ontology(folder / "ontology.json")
        self.names = {label.name for label in read_class_list(folder / CLASSES)}

    def of(self, label):
        """Names, the label's own first if it is a class."""
        return [name for name in self._upwards(label) if name in self.names]

    def _upwards(self, label):
        yield label
        known = self.ontology.find(KIND_OF.get(label, label))
        if known and known.name != label:
            yield from self._upwards(known.name)
        elif known:
            parents = self.ontology.parents(known.mid)
            name = self.ontology.find(parents[0]).name if len(parents) == 1 else None
            if name and name not in NOT_IMPLIED:
                yield from self._upwards(name)


def labelled(data, collection, classes, validation=0.0):
    """Rows (path, labels, split) of opensounds or world; of a test split labelled ones only."""
    folder = Path(data, collection)
    for row in rows_of(folder):
        labels = classes.of(row["label"]) if row["label"] else []
        if row["split"] == "train":
            held_out = validation and _share(row["source"]) < validation
            yield folder / row["file"], labels, "validation" if held_out else "train"
        elif labels:
            yield folder / row["file"], labels, f"{collection}_test"


def unlabelled(folder):
    """Rows (path, labels, split) of a folder whose manifest names files alone."""
    return [(Path(folder, row["file"]), [], "train") for row in without_overlap(folder)]


def without_overlap(folder):
    """Rows of a manifest, without those that recipes/overlap.py found to sound like test
    recordings."""
    overlap = {row["file"] for row in rows_of(folder, OVERLAP)}
    return [row for row in rows_of(folder) if row["file"] not in overlap]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds and world")
    parser.add_argument(
        "--more", type=Path, nargs="*", default=[], help="folders of recordings without labels"
    )
    parser.add_argument(
        "--validation", type=float, default=0.0, help="share of sources to set aside (%(default)s)"
    )
    parser.add_argument("--output", type=Path, required=True, help="manifest to write")
    options = parser.parse_args()
    classes = Classes(options.data)
    rows = [
        row
        for collection in LABELLED
        for row in labelled(options.data, collection, classes, options.validation)
    ]
    rows += [row for folder in options.more for row in unlabelled(folder)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    lines = [["file", "label", "split"]]
    lines += [[path.resolve(), ";".join(labels), split] for path, labels, split in rows]
    with open(options.output, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


def _share(text):
    """A number in 0..1 that is always the same for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def rows_of(folder, name="manifest.csv"):
    with open(Path(folder, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
