"""The commands that something happens to, and what an undisturbed run of each writes."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """A command that writes to one place.

    Attributes:
        arguments: of the command; `{name}` stands for one of the inputs, `{out}` for the place.
        place: name of the file or folder that it writes.
        normal: what of a file's content is the same in each run, by the pattern of its path.
        history: patterns of paths that only the run makes which comes to them first.
    """

    arguments: str
    place: str
    normal: Mapping[str, Callable[[bytes], bytes]] = {}
    history: tuple[str, ...] = ()

    def command(self, inputs, folder):
        """The arguments, with paths of inputs by their names, to write into a folder."""
        paths = {**inputs, "out": folder / self.place}
        return [word.format(**paths) for word in self.arguments.split()]

    def is_history(self, name):
        """Whether a file, once removed, stays away."""
        return any(Path(name).match(pattern) for pattern in self.history)

    def result(self, folder):
        """What lies in a folder that the command wrote to, hidden files, too: SHA-256 by path.

        But for `.NAME.unfinished-*`: of a process that is killed after its file took its place and
        before its scratch folder is removed, this stays until the file is next written.
        """
        found = {}
        for path in sorted(folder.rglob("*")):
            if ".unfinished-" in str(path.relative_to(folder)):
                continue
            content = path.read_bytes() if path.is_file() else b"a folder"
            for pattern, normal in self.normal.items():
                if path.match(pattern):
                    content = normal(content)
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
        return found


def _log_without_seconds(content):
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    return json.dumps([{**row, "seconds": None} for row in rows]).encode()


def _checkpoint_without_seconds(content):
    arrays = dict(np.load(io.BytesIO(content[:-32])))
    state = json.loads(str(arrays.pop("state")))
    history = [{**row, "seconds": None} for row in state["history"]]
    state |= {"seconds": None, "history": history, "callbacks": None}  # of which one tells time
    values = b"".join(name.encode() + array.tobytes() for name, array in sorted(arrays.items()))
    return json.dumps(state).encode() + values


CASES = {
    "prepare": Case("prepare {sounds} {out} --hold-out 0.1", "prepared"),
    "train": Case(
        "train {prepared} {out} --model fully_connected --width 0.02 --batch 8 --mixup 0.5 --ema "
        "0.9 --epochs 2 --epoch-steps 6 --checkpoint-steps 1",
        "run",
        {"log.csv": _log_without_seconds, "step-*.npz": _checkpoint_without_seconds},
        ("log.csv", "step-*.npz"),
    ),
    "teach": Case("teach {prepared} {out} --config {recipe} --steps 120", "taught"),
    "classify": Case(
        "classify {few} --model {preset} --timeline --labels rain --output {out}", "heard.csv"
    ),
    "evaluate": Case(
        "evaluate {prepared} --split validation --model {preset} --bootstrap 100 --output {out}",
        "evaluation",
    ),
    "export": Case(
        "export {out} --model {preset} --format tflite --quantize float16",
        "small.tflite",
    ),
    "convert": Case("convert {panns} {out} --labels {labels}", "converted"),
}
