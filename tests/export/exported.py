"""Small exported files, made once for all tests."""

import functools
import tempfile
from pathlib import Path

import keras

from export import export_tflite
from zoo import AudioClassifier
from zoo.labels import as_labels

LABELS = as_labels([("Dog", "/m/0bt9lr"), "Sword, metal clash", ("Rain", "/m/06mb1")])


@functools.cache
def small_classifier():
    keras.utils.set_random_seed(1)
    return AudioClassifier("fully_connected", LABELS, width=0.02)


@functools.cache
def small_model(input="window"):
    """That classifier as bytes of a .tflite file, with metadata and checksum."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.tflite")
        export_tflite(small_classifier(), path, input=input, license="Apache-2.0")
        return path.read_bytes()


def without_metadata(model):
    """The model as other converters write it: no metadata, no archive, no checksum."""
    body = model[: model.index(b"PK\x03\x04")]
    return body.replace(b"TFLITE_METADATA", b"OTHER_META_DATA")
