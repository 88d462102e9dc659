"""Runs exported TFLite files, with a TFLite runtime and without TensorFlow."""

import contextlib
import functools
import importlib
import operator
import os
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from export.check import check_model
from export.metadata import read_metadata
from frontend.config import FrontendConfig
from frontend.types import StrPath
from zoo.errors import one_line
from zoo.labels import as_labels
from zoo.listener import Listener

RUNTIMES = {
    "ai_edge_litert": ("ai_edge_litert.interpreter", "Interpreter"),
    "tflite_runtime": ("tflite_runtime.interpreter", "Interpreter"),
    "tf.lite": ("tensorflow", "lite.Interpreter"),
}
"""Modules and their interpreters, the lightest and newest first."""


class TFLiteClassifier(Listener):
    """A classifier in a .tflite file, as `export_tflite` writes it.

    It hears what the `AudioClassifier` that was exported hears, by the same patches; what hears
    sounds whole does so in a file of `input="any"`, and in patches in one of `"window"`. It needs
    one of the TFLite runtimes, ai-edge-litert, tflite-runtime or TensorFlow, and no TensorFlow
    where one of the others is installed. One object may serve many threads: it runs as many
    interpreters at once as there are cores, each made when all others are busy.

    Args:
        path: the .tflite file, with `input="window"` or `"any"`. `embed` and `embed_files` want one
            that was exported with `with_embedding=True`, and raise a ValueError without.
        labels: names, or (name, AudioSet mid) pairs, in the order of the scores; by default those
            in the file.
        runtime: "ai_edge_litert", "tflite_runtime" or "tf.lite"; by default the first of them
            that is installed.

    Attributes:
        labels: list of `Label`.
        frontend: the `FrontendConfig` of the sound and its patches.
        runtime: name of the runtime.
        metadata: what `read_metadata` finds in the file, or None.

    Raises:
        ImportError: the runtime is not installed, or none is.
        OSError: the file cannot be read.
        ValueError: the file is damaged, or not an audio classifier of this form; labels that are
            missing or not as many as the scores; a runtime that is unknown.

    Example:

    >>> import tempfile, zoo
    >>> from export import export_tflite
    >>> path = tempfile.mkdtemp() + "/sounds.tflite"
    >>> export_tflite(zoo.AudioClassifier.from_preset("alexnet_w025_opensounds"), path)
    >>> classifier = TFLiteClassifier(path)
    >>> classifier.classify("examples/bagpipes.ogg", top=1)[0].label
    'Bagpipes'
    """

    def __init__(
        self,
        path: StrPath,
        *,
        labels: Iterable[str | tuple[str, str | None]] | None = None,
        runtime: str | None = None,
    ) -> None:
        name = os.fsdecode(path)
        with open(path, "rb") as file:
            model = file.read()
        check_model(model, name)
        try:
            self.metadata = read_metadata(model)
            self.frontend = _frontend(self.metadata)
        except (ValueError, TypeError) as error:
            reason = one_line(error)
            raise ValueError(f"{name} has metadata that cannot be used: {reason}.") from None
        self.runtime, make_interpreter = _find_runtime(runtime)
        self._make_interpreter = functools.partial(make_interpreter, model_content=model)
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        self._places = threading.Semaphore(os.cpu_count() or 1)
        self._name = name
        try:
            scores, *self._more = self._run(np.zeros((1, self.frontend.patch_samples), np.float32))
        except (RuntimeError, ValueError) as error:
            first_line = str(error).partition("\n")[0]
            raise ValueError(f"{name} cannot be run by {self.runtime}: {first_line}") from None
        self.labels = _labels(labels, self.metadata, scores.shape[1], name)

    def score_patches(self, waveforms: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scores waveforms of patches: float32 `[patches, samples]` -> `[patches, classes]`."""
        if not len(waveforms):
            return np.zeros((0, len(self.labels)), np.float32)
        return self._run(waveforms)[0]

    @property
    def _embed_patches(self):
        if not self._more:
            raise ValueError(
                f"{self._name} gives scores alone; export it with --with-embedding, or "
                "with_embedding=True, to embed sounds."
            )
        return lambda waveforms: self._run(waveforms)[1]

    def _run(self, waveforms):
        """The file's outputs on one patch or more: a list of float32 `[patches, ...]`."""
        with self._interpreter() as run:
            rows = [run(waveform[np.newaxis]) for waveform in waveforms]
        return [np.concatenate(output) for output in zip(*rows, strict=True)]

    @contextlib.contextmanager
    def _interpreter(self):
        """A function of one waveform, `[1, samples]`, that no other thread uses meanwhile."""
        with self._places:
            try:
                run = self._idle.get_nowait()
            except queue.Empty:
                run = _runner(self._make_interpreter(), self.frontend.patch_samples)
            try:
                yield run
            finally:
                self._idle.put(run)


def _runner(interpreter, samples):
    """A function of float32 `[1, samples]` that gives `[1, classes]`, and what else there is."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    length = samples
    fits = (
        len(inputs) == 1
        and len(outputs) in (1, 2)
        and all(tensor["dtype"] == np.float32 for tensor in (*inputs, *outputs))
        and tuple(inputs[0]["shape_signature"]) in ((1, samples), (1, -1))
    )
    if fits:
        interpreter.resize_tensor_input(inputs[0]["index"], [1, samples])
        interpreter.allocate_tensors()
        outputs = interpreter.get_output_details()
        fits = all(len(end["shape"]) == 2 and end["shape"][0] == 1 for end in outputs)
    if not fits:
        raise ValueError(
            f"it is not a classifier that soundzoo exports: float32 [1, {samples}] to "
            f"[1, classes], and perhaps [1, units]. Received {_describe(inputs)} to "
            f"{_describe(outputs)}."
        )
    waveform = inputs[0]["index"]

    def run(sound):
        nonlocal length
        if sound.shape[1] != length:  # of a sound that is heard whole
            length = sound.shape[1]
            interpreter.resize_tensor_input(waveform, sound.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(waveform, sound)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in outputs]

    return run


def _find_runtime(runtime):
    if runtime is not None and runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(RUNTIMES)}. Received: {runtime!r}")
    for name in RUNTIMES if runtime is None else [runtime]:
        module, interpreter = RUNTIMES[name]
        try:
            return name, operator.attrgetter(interpreter)(importlib.import_module(module))
        except ImportError:
            continue
    missing = "No TFLite runtime is" if runtime is None else f"{runtime} is not"
    raise ImportError(f"{missing} installed; pip install ai-edge-litert.")


def _frontend(metadata):
    if metadata is None or not metadata.frontend:
        frontend = FrontendConfig()
        if metadata and metadata.sample_rate not in (None, frontend.sample_rate):
            raise ValueError(
                f"it hears {metadata.sample_rate} Hz, and files without soundzoo's own metadata "
                f"are taken for networks of {frontend.sample_rate} Hz"
            )
        return frontend
    return FrontendConfig.from_dict(metadata.frontend)


def _labels(labels, metadata, classes, name):
    if labels is None and metadata is not None:
        labels = list(zip(metadata.labels, metadata.mids, strict=True))
    labels = list(labels) if isinstance(labels, Iterator) else labels
    if labels is None or not len(labels):
        raise ValueError(
            f"{name} does not name its {classes} scores; pass labels=[...], a name for each."
        )
    labels = as_labels(labels)
    if len(labels) != classes:
        raise ValueError(f"{name} gives {classes} scores. Received {len(labels)} labels.")
    return labels


def _describe(tensors):
    return " and ".join(
        f"{np.dtype(tensor['dtype']).name} {tensor['shape_signature'].tolist()}"
        for tensor in tensors
    )
