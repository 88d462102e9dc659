"""What training reads: prepared data, checkpoints, and a teacher's scores."""

import hashlib
import json
import shutil
import types
from pathlib import Path

import numpy as np
import soundfile

from tests.fuzz.mutate import mutate_files, pack, unpack
from tests.fuzz.target import Parser, target


def _write(files, folder):
    for name, content in files.items():
        path = folder / name
        if folder in path.resolve().parents:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _prepared(scratch):
    from zoo.data import prepare, read_source

    for number, (label, split) in enumerate([("dog", "train"), ("cat", "train"), ("dog", "test")]):
        path = scratch / "sounds" / split / label / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, 400), 16000)
    data = prepare(read_source(scratch / "sounds"), scratch / "prepared")
    shutil.rmtree(scratch / "sounds")
    return data


def _sealed(files, name, sums):
    """The files, of which one by its seal says that nothing was changed, with the checksums of the
    others: what `sums` gives of a function from names to checksums, and of the JSON so far."""
    from zoo.seal import SEAL, sealed

    try:
        index = json.loads(files[name])
        index |= sums(lambda of: hashlib.sha256(files[of]).hexdigest(), index)
        del index[SEAL]
    except (AttributeError, KeyError, TypeError, ValueError):
        return files
    return {**files, name: json.dumps(sealed(index)).encode()}


@target
def prepared(scratch: Path) -> Parser:
    """All that can be asked of a folder of prepared data."""
    from zoo.data import open_prepared

    folder = _prepared(scratch).folder
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    used = [name for name in names if name.endswith((".npy", "index.json", ".tfrecord"))]
    files = {name: (folder / name).read_bytes() for name in sorted(used)}
    index = json.loads(files["index.json"])
    older = {key: value for key, value in index.items() if key not in ("arrays", "own_sha256")}
    seeds = [pack(files), pack({**files, "index.json": json.dumps(older).encode()})]

    def sums(of, index):
        return {"arrays": {name: of(name) for name in index["arrays"]}}

    def read(data, folder):
        _write(_sealed(unpack(data), "index.json", sums), folder)
        found = open_prepared(folder)
        for split in found.splits:
            clips = found.select(split)
            found.targets(clips)
            for clip in clips:
                found.clip_id(clip)
                found.waveform(clip)

    return Parser(read, seeds, mutate=mutate_files)


@target
def checkpoint(scratch: Path) -> Parser:
    """A checkpoint whose checksum says that it is as it should be."""
    import tensorflow as tf

    from zoo.training.checkpoints import assign_checkpoint, load_checkpoint, save_checkpoint

    variables = {"weights": [tf.Variable(np.ones((2, 3), "f4")), tf.Variable(np.zeros(2, "f4"))]}
    path = save_checkpoint(scratch, 7, {"data": "x"}, variables, {"draws": np.arange(3)})
    seed = pack(unpack(path.read_bytes()[:-32]))

    def read(data, folder):
        (folder / path.name).write_bytes(data + hashlib.sha256(data).digest())
        found, _, arrays, _ = load_checkpoint(folder)
        assign_checkpoint(found, arrays, variables)

    return Parser(read, [seed], mutate=mutate_files)


@target
def teacher(scratch: Path) -> Parser:
    """A teacher's scores."""
    from zoo.evaluation.saved_scores import read_scores
    from zoo.files import write_lines

    data = types.SimpleNamespace(
        labels=[types.SimpleNamespace(name="cat")], clip_id="abc".__getitem__
    )
    np.save(scratch / "scores.npy", np.ones((3, 2), "f4"))
    write_lines(scratch / "clips.txt", "abc")
    write_lines(scratch / "labels.txt", ["dog", "cat"])
    names = ("scores.npy", "clips.txt", "labels.txt")
    seed = pack({name: (scratch / name).read_bytes() for name in names})

    def read(content, folder):
        _write(unpack(content), folder)
        read_scores(folder, data, [0, 2])
        read_scores(folder, data, [1], own_labels=True)

    return Parser(read, [seed], mutate=mutate_files)


@target
def taught(scratch: Path) -> Parser:
    """What teachers said, with checksums that say that it is as it should be."""
    import tensorflow as tf

    from frontend import FrontendConfig
    from zoo.training import TrainConfig
    from zoo.training.taught import INDEX, Taught, teach

    module = tf.Module()
    names = scratch / "labels.txt"
    names.write_text("cat\ndog\n")
    module.labels = tf.saved_model.Asset(str(names))
    score = tf.function(
        lambda waveform: {"scores": tf.sigmoid(waveform[:, :2])},
        input_signature=[tf.TensorSpec([None, None], tf.float32, name="waveform")],
    )
    module.score = score
    tf.saved_model.save(module, scratch / "teacher", signatures={"serving_default": score})
    data = _prepared(scratch)
    config = TrainConfig(
        model="fully_connected", width=0.01, batch=1, teachers=[str(scratch / "teacher")]
    )
    teach(data, scratch / "taught", config, steps=2)
    files = {path.name: path.read_bytes() for path in (scratch / "taught").iterdir()}

    def sums(of, index):
        return {"parts": [of(f"logits-{part:05}.npy") for part in range(len(index["parts"]))]}

    def read(content, folder):
        _write(_sealed(unpack(content), INDEX, sums), folder)
        said = Taught(folder, config, data, FrontendConfig())
        for step in range(said.steps):
            said.logits(step)

    return Parser(read, [pack(files)], mutate=mutate_files)
