"""Trained models: presets, archives of presets, and what others exported or saved."""

import functools
import gzip
import io
import json
import tarfile
import traceback
import zipfile
from pathlib import Path

from tests.fuzz.mutate import mutate_archive, mutate_files, mutate_json, pack, unpack
from tests.fuzz.target import Parser, read_file, target

CLASSES = ["Dog", "Rain", "Sword, metal clash"]


@functools.cache
def small_classifier():
    """A classifier of few weights."""
    import keras

    from zoo import AudioClassifier

    keras.utils.set_random_seed(0)
    return AudioClassifier("fully_connected", CLASSES, width=0.001)


def _small_preset(scratch):
    """A preset's files, by their names."""
    folder = scratch / "small"
    small_classifier().save_to_preset(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@target
def preset(scratch: Path) -> Parser:
    """`config.json` of a preset, beside the weights that it was written for."""
    from zoo import AudioClassifier

    files = _small_preset(scratch)

    def read(data, folder):
        for name, content in {**files, "config.json": data}.items():
            (folder / name).write_bytes(content)
        AudioClassifier.from_preset(folder)

    config = json.loads(files["config.json"])
    config.pop("own_sha256", None)  # which would give a change away
    curves = {"Dog": {"slope": 1.0, "intercept": 0.0}}
    curves |= {"Rain": {"scores": [0.0, 1.0], "probabilities": [0.2, 0.8]}}
    config["classifier"]["calibration"] = curves
    larger = [("width", 1e4), ("bottleneck", 10**9)]
    larger += [("labels", list(map(str, range(3000))))]
    attacks = [{**config, "classifier": {**config["classifier"], key: v}} for key, v in larger]
    for key, value in (("fft_length", 2**40), ("mel_bins", 10**9), ("patch_frames", 10**9)):
        frontend = {**config["classifier"]["frontend"], key: value}
        attacks.append({**config, "classifier": {**config["classifier"], "frontend": frontend}})
    return Parser(
        read,
        [files["config.json"], json.dumps(config).encode()],
        [json.dumps(attack).encode() for attack in attacks],
        mutate=mutate_json,
    )


@target
def preset_weights(scratch: Path) -> Parser:
    """`model.weights.h5` of a preset whose checksum says that it is as it should be."""
    from zoo import presets

    files = _small_preset(scratch)
    network = small_classifier().network

    def read(path):
        with presets.no_more_weights_than(path):
            presets.load_weights(network, path)

    return read_file("model.weights.h5", read, [files["model.weights.h5"]])


@target
def archive(scratch: Path) -> Parser:
    """Archives of presets, which `from_preset` unpacks."""
    from zoo.unpack import unpack as unpack_archive

    def read(data, folder):
        (folder / "into").mkdir()
        (folder / "archive").write_bytes(data)
        unpack_archive(folder / "archive", folder / "into")
        if sorted(path.name for path in folder.iterdir()) != ["archive", "into"]:
            raise AssertionError("wrote beside the folder")
        if any(path.is_symlink() for path in folder.rglob("*")):
            raise AssertionError("made a link")

    files = {"small/config.json": b"{}", "small/deep/weights": b"numbers" * 200}
    member = tarfile.TarInfo
    tar = _tar((member(name), content) for name, content in files.items())
    links = [member("config.json"), member("config.json"), member("device")]
    links[0].type, links[0].linkname = tarfile.SYMTYPE, "/etc/passwd"
    links[1].type, links[1].linkname = tarfile.LNKTYPE, "../archive"
    links[2].type = tarfile.CHRTYPE
    attacks = [_tar([(link, b"")]) for link in links]
    attacks += [pack({"../found": b"1"}), pack({"/found": b"1"}), pack({"a": b"1", "a/b": b"2"})]
    attacks += [_tar([(member("../found"), b"1")]), _bomb(1 << 12)]
    return Parser(read, [pack(files), tar, gzip.compress(tar)], attacks, mutate=mutate_archive)


def _tar(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _bomb(mebibytes):
    """A tar.gz of a file of zeros, and the tar's header alone."""
    header = tarfile.TarInfo("zeros")
    header.size = mebibytes << 20
    return gzip.compress(header.tobuf() + bytes(1 << 20))


@target
def exported(scratch: Path) -> Parser:
    """`.tflite` files: the flatbuffer without the checksum that would give a change away."""
    from export import TFLiteClassifier

    model = _small_model(scratch)
    body = model[: model.index(b"PK\x03\x04")].replace(b"TFLITE_METADATA", b"OTHER_META_DATA")

    def read(path):
        TFLiteClassifier(path, labels=CLASSES)

    return read_file("model.tflite", read, [body])


@target
def exported_metadata(scratch: Path) -> Parser:
    """`.tflite` files: the metadata and the files behind the model, under the right checksum."""
    import hashlib

    from export import TFLiteClassifier

    model = _small_model(scratch)
    start = model.index(b"PK\x03\x04")
    metadata = model.index(b"M001") - 4
    end = metadata + 2048

    def read(data, folder):
        files = unpack(data)
        flatbuffer = files.pop("metadata", b"")[: end - metadata]
        body = model[:metadata] + flatbuffer.ljust(end - metadata, b"\0") + model[end:start]
        if "sha256.txt" in files:
            files["sha256.txt"] = hashlib.sha256(body).hexdigest().encode()
        (folder / "model.tflite").write_bytes(body + pack(files))
        TFLiteClassifier(folder / "model.tflite")

    files = {"metadata": model[metadata:end], **unpack(model[start:])}
    return Parser(read, [pack(files)], mutate=mutate_files)


def _small_model(scratch):
    from export import export_tflite

    path = scratch / "small.tflite"
    export_tflite(small_classifier(), path, license="Apache-2.0")
    return path.read_bytes()


@target
def keras_file(scratch: Path) -> Parser:
    """`.keras` files, which Keras reads: it promises no kind of error, but to run no code."""
    import keras
    from keras.src.saving import serialization_lib

    import zoo  # noqa: F401, its classes are known to Keras

    path = scratch / "small.keras"
    small_classifier().save(path)

    def load(path):
        try:
            keras.saving.load_model(path)
        except MemoryError as error:
            # Python's zipfile believes what an entry says of its size; Keras makes layers of any.
            files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
            if files[-1] != zipfile.__file__ and serialization_lib.__file__ not in files:
                raise

    lambdas = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x)])
    lambdas.save(scratch / "lambda.keras")
    parser = read_file(
        "model.keras",
        load,
        [pack(unpack(path.read_bytes()))],
        mutate_archive,
        [pack(unpack((scratch / "lambda.keras").read_bytes()))],
    )
    return parser._replace(refusals=(Exception,))
