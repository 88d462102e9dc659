import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from zoo.data import prepare, read_source
from zoo.training import TrainConfig


@pytest.fixture(scope="session")
def data(prepared_sounds):
    return prepared_sounds


@pytest.fixture(scope="session")
def unlike(sounds, tmp_path_factory):
    """Other data with the same classes."""
    source = read_source(sounds)
    return prepare(source._replace(clips=source.clips[1:]), tmp_path_factory.mktemp("other") / "d")


class Teacher(NamedTuple):
    """A folder of scores of labels that the data do not have, and the scores, clip after clip."""

    folder: Path
    scores: np.ndarray


@pytest.fixture(scope="session")
def teacher(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    scores = np.random.default_rng(0).random((len(data), 5), "float32") / 10
    scores[:, 2:] += 0.9 * data.targets(range(len(data)))
    np.save(folder / "scores.npy", scores)
    (folder / "clips.txt").write_text("".join(f"{data.clip_id(n)}\n" for n in range(len(data))))
    (folder / "labels.txt").write_text("a\nb\nc\nd\ne\n")
    return Teacher(folder, scores)


def write_saved_teacher(folder, labels, weights):
    """A SavedModel as `soundzoo export` writes them; logits are `weights` times the loudness."""
    names = folder.with_suffix(".dir") / "labels.txt"
    names.parent.mkdir()
    names.write_text("".join(f"{label}\n" for label in labels))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="waveform")])
    def score(waveform):
        loudness = tf.reduce_mean(tf.abs(waveform), axis=1, keepdims=True)
        return {"scores": tf.sigmoid(loudness * tf.constant([weights]))}

    module = tf.Module()
    module.labels = tf.saved_model.Asset(str(names))
    module.score = score
    tf.saved_model.save(module, folder, signatures={"serving_default": score})


@pytest.fixture(scope="session")
def saved_teacher(tmp_path_factory):
    """The folder of a SavedModel that knows two of the three classes, and others."""
    folder = tmp_path_factory.mktemp("saved") / "teacher"
    write_saved_teacher(folder, ["a", "high", "b", "low"], [1.0, 90.0, 1.0, -50.0])
    return folder


# What trains in a moment.
SMALL = {"model": "fully_connected", "width": 0.03, "batch": 8, "epochs": 2, "epoch_steps": 5}


@pytest.fixture
def config():
    """A function of options: a small configuration with these."""
    return lambda **options: TrainConfig.from_dict({**SMALL, **options})


@contextlib.contextmanager
def _starter():
    processes = []

    def run(data, folder, options, *, devices=1, tf_config=None):
        task = {
            "data": str(data.folder),
            "folder": str(folder),
            "options": options,
            "devices": devices,
        }
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        if tf_config:
            environment["TF_CONFIG"] = json.dumps(tf_config)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.zoo.training.worker", json.dumps(task)],
            env=environment,
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def start():
    """A function that starts `worker.py` in a process of its own, where devices can be chosen."""
    with _starter() as run:
        yield run


@pytest.fixture(scope="module")
def start_in_module():
    """The same, for what a module's tests share."""
    with _starter() as run:
        yield run
