"""Exported files that many tests use, and what runs them."""

import functools
import tempfile
from pathlib import Path

import keras
from ai_edge_litert.interpreter import Interpreter

from export import export_tflite
from zoo import AudioClassifier
from zoo.labels import as_labels

LABELS = as_labels([("Dog", "/m/0bt9lr"), "Sword, metal clash", ("Rain", "/m/06mb1")])


@functools.cache
def small_classifier():
    keras.utils.set_random_seed(1)
    return AudioClassifier("fully_connected", LABELS, width=0.02)


@functools.cache
def small_model(input="window", with_embedding=False):
    """That classifier as bytes of a .tflite file, with metadata and checksum."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.tflite")
        export_tflite(
            small_classifier(),
            path,
            input=input,
            with_embedding=with_embedding,
            license="Apache-2.0",
        )
        return path.read_bytes()


def without_metadata(model):
    """The model as other converters write it: no metadata, no archive, no checksum."""
    body = model[: model.index(b"PK\x03\x04")]
    return body.replace(b"TFLITE_METADATA", b"OTHER_META_DATA")


class File:
    """A .tflite file in an interpreter; `output` is its first, `more` are those after it."""

    def __init__(self, path, **options):
        self.interpreter = Interpreter(str(path), num_threads=1, **options)
        self.interpreter.allocate_tensors()
        (self.input,) = self.interpreter.get_input_details()
        self.output, *self.more = self.interpreter.get_output_details()

    def scores(self, waveform):
        (now,) = self.interpreter.get_input_details()
        if waveform.shape != tuple(now["shape"]):
            self.interpreter.resize_tensor_input(self.input["index"], waveform.shape)
            self.interpreter.allocate_tensors()
        self.interpreter.set_tensor(self.input["index"], waveform)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.output["index"])
