"""The folder of a training run: what was asked for, how it went, and what came of it."""

import contextlib
import csv
import io
import json
import warnings
from pathlib import Path

import keras
import tensorflow as tf

from zoo import presets
from zoo._version import __version__
from zoo.files import write_atomically
from zoo.json_text import parse_object
from zoo.locks import alone_in
from zoo.training.checkpoints import assign_checkpoint, load_checkpoint, save_checkpoint
from zoo.training.config import TrainConfig, read_config, write_config

CONFIG = "config.yaml"
RUN = "run.json"
LOG = "log.csv"
NOT_FINITE = "not_finite.json"
CHECKPOINTS = "checkpoints"


class RunFolder:
    """The files of one run, which all its workers read and one of them writes.

    Args:
        path: of the folder; `alone` makes it.
        config: the run's `TrainConfig`.
        data: what it trains on, a `PreparedData`.
        writes: whether this worker is the one that writes; for the others nothing is written.

    Attributes:
        checkpoint: path of the newest checkpoint, or None.
    """

    def __init__(self, path, config, data, *, writes):
        self.path = Path(path)
        self.config = config
        self.data = data
        self.writes = writes
        self.checkpoint = None

    def alone(self):
        """Makes the folder, and keeps other runs out of it: a context manager.

        Raises:
            BlockingIOError: another process trains there.
        """
        if not self.writes:
            return contextlib.nullcontext()
        self.path.mkdir(parents=True, exist_ok=True)
        return alone_in(self.path)

    def has_ended(self):
        """Whether a run that has no more steps to train has saved what it ended with, too."""
        path = self.path / RUN
        if not path.is_file():  # of an older version, as one that says nothing of its end
            return True
        try:
            return parse_object(path.read_bytes()).get("ended", True)
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}. Name another run folder.") from None

    def describe(self, replicas, *, ended):
        """Says in the folder what is trained, on what and by what, and whether it is over."""
        run = {
            "data": str(self.data.folder),
            "data_sha256": self.data.fingerprint,
            "soundzoo": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "replicas": replicas,
            "ended": ended,
        }
        self._write(CONFIG, write_config(self.config))
        self._write(RUN, json.dumps(run, indent=1) + "\n")

    def log(self, history):
        """Writes the table of the epochs: a list of dicts of one form."""
        self._write(LOG, _csv(history))

    def report_not_finite(self, what, step, clips):
        """Writes which clips a step was trained on; gives the sentence that says what happened."""
        self._write(NOT_FINITE, json.dumps({"step": step, "clips": clips}, indent=1))
        return (
            f"{what}. Its {len(clips)} clips, {', '.join(clips[:3])} and others, are in "
            f"{self.path / NOT_FINITE}; the last good checkpoint is "
            f"{self.checkpoint or 'the beginning'}. A lower learning rate or clip_norm may help, "
            "in another folder."
        )

    def save_preset(self, classifier):
        """Replaces the preset by the classifier as it is."""
        if self.writes:
            classifier.save_to_preset(self.path / presets.RUN_PRESET, overwrite=True)

    def load_preset(self, classifier):
        """Gives a classifier the weights that the run ended with."""
        folder = self.path / presets.RUN_PRESET
        weights = presets.checked_weights(folder, presets.read_config(folder))
        presets.load_weights(classifier.network, weights)

    def save_checkpoint(self, step, state, variables, others):
        """As `checkpoints.save_checkpoint`, with what tells this run from others."""
        if self.writes:
            state = {"data": self.data.fingerprint, "epochs": self.config.epochs, **state}
            folder = self.path / CHECKPOINTS
            self.checkpoint = save_checkpoint(folder, step, state, variables, others)

    def load_checkpoint(self, variables):
        """Gives variables the values of the newest whole checkpoint, if there is one.

        Returns:
            Its state, in which `extended` is whether the run has more epochs now, and its other
            arrays; or None.

        Raises:
            ValueError: the folder is another run's, or no checkpoint is whole.
        """
        found = load_checkpoint(self.path / CHECKPOINTS)
        if found is None:
            return None
        self.checkpoint, state, arrays, others = found
        extended = self._check_same_run(state)
        assign_checkpoint(self.checkpoint, arrays, variables)
        return {**state, "extended": extended}, others

    def _check_same_run(self, state):
        """Whether the run has more epochs now; ValueError if other things differ."""
        # Of an older version: an option that it did not have yet has its default.
        before = TrainConfig.from_dict(read_config(self.path / CONFIG)).to_dict()
        now = self.config.to_dict()
        differing = [
            f"{key} was {before[key]!r} and is now {value!r}"
            for key, value in now.items()
            if before[key] != value and not _may_change(key, before[key], value)
        ]
        if differing:
            raise ValueError(
                f"{self.path} holds a run of other options: {'; '.join(differing)}. Go on with "
                "the same options, or more epochs, or name another folder."
            )
        if state["data"] != self.data.fingerprint:
            raise ValueError(
                f"{self.path} holds a run on other data than {self.data.folder}. Go on with the "
                "same data, or name another folder."
            )
        epochs = state.get("epochs", before["epochs"])
        extended = self.config.epochs > epochs
        if extended and self.config.schedule != "constant":
            warnings.warn(
                f"From step {state['step']} on the learning rate follows the "
                f"{self.config.schedule} of {self.config.epochs} epochs, which is higher there "
                f"than that of the run's {epochs} before.",
                stacklevel=2,
            )
        return extended

    def _write(self, name, text):
        if self.writes:
            with write_atomically(self.path / name) as file:
                file.write(text.encode())


def _may_change(option, before, now):
    """Whether a run may go on with another value: it trains more, or what it trains stays."""
    if option == "taught":  # the same, in another place: `Taught` looks at what it holds
        return before is not None and now is not None
    return option == "checkpoint_steps" or (option in ("epochs", "skip_corrupt") and now > before)


def _csv(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
