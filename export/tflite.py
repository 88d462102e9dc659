"""Exports a classifier as a TFLite file, raw sound in, that any TFLite runtime runs.

The file is joined from three parts, each converted on its own: the front end, always in float32,
the network's body, quantised as asked, and what makes scores of its embeddings. Quantised as a
whole, a model hears badly: int8 leaves nothing of the log-mel spectrogram's quiet bins, 8-bit
weights hit the mel matrix, too, and the logits of hundreds of classes, most of them far below 0,
would have steps of half a unit.
"""

import math
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

import zoo
from export.fidelity import warn_of_other_labels
from export.join import join
from export.metadata import add_metadata
from export.operators import check_builtin
from export.quantize import (
    QUANTIZATIONS,
    calibration_patches,
    quantize_by,
    round_kernels,
    without_outliers,
)
from export.saved_model import check_classifier, save_module
from frontend import log_mel_patches
from frontend.types import Sound, StrPath
from zoo import AudioClassifier, head
from zoo.files import check_writable, write_atomically

INPUTS = ("window", "any")
OUTPUTS = ("scores", "embeddings")
"""Of a file, in order. MediaPipe wants the scores; it takes what comes after for a second head."""

_SMALL = 1 << 16
"""Weights of a variable that is converted as a constant; those of larger ones would be copied again
and again, which takes memory and time (ours)."""


def export_tflite(
    classifier: AudioClassifier,
    path: StrPath,
    *,
    quantize: Literal["none", "float16", "dynamic", "int8"] = "none",
    input: Literal["window", "any"] = "window",
    calibration: Iterable[Sound] | None = None,
    with_embedding: bool = False,
    license: str = "",
    overwrite: bool = False,
) -> None:
    """Writes a classifier as a TFLite file of builtin operations, with metadata.

    Its input is `waveform`, float32, mono, in -1..1, at `classifier.frontend.sample_rate` (16 kHz),
    its output `scores`, float32 `[1, classes]`, NaN where the waveform is not finite. The front
    end, logits and scores are float32 in every file, and so are all outputs.

    Args:
        classifier: an `AudioClassifier` in float32.
        path: the file. It appears complete or not at all.
        quantize: how the network computes and is stored:

            * "none": in float32
            * "float16": in float32, stored in half the size
            * "dynamic": 8-bit weights; activations are rounded to 8 bits as they come
            * "int8": 8-bit weights and, up to the embeddings, activations, of ranges that
              calibration finds
        input: "window": one patch, `[1, 15600]` for most. "any": `[1, samples]`, any
            number, which the interpreter is told by `resize_tensor_input`; scores are the mean of
            the patches', which are all computed at once.
        calibration: for int8, list of sound files (paths or binary file objects) and of mono
            waveforms at the front end's rate, like those that the model will hear; some hundred
            are plenty. By default a few example recordings, with a warning.
        with_embedding: the file has a second output, `embeddings`, float32 `[patches, units]`: the
            layer before the classifier, for `TFLiteClassifier.embed`.
        license: of the model, for the metadata.
        overwrite: replace the file that is there.

    Raises:
        FileExistsError: the path exists, and `overwrite` is not set.
        OSError: the file cannot be written, or a calibration clip not be read.
        ValueError: an argument is wrong, no calibration clip is as long as a patch, or the
            conversion needs operations that plain TFLite runtimes lack. Nothing is written.

    Example:

    >>> import tempfile, zoo
    >>> clf = zoo.AudioClassifier("fully_connected", labels=["Cat", "Dog"], width=0.1)
    >>> export_tflite(clf, tempfile.mkdtemp() + "/pets.tflite", quantize="dynamic")
    """
    check_classifier(classifier)
    _check_choice("quantize", quantize, QUANTIZATIONS)
    _check_choice("input", input, INPUTS)
    _check_float32(classifier.network)
    if calibration is not None and quantize != "int8":
        raise ValueError(f"calibration is for quantize='int8'. Received quantize={quantize!r}.")
    if Path(path).exists() and not overwrite:
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it.")
    check_writable(path)
    patches = calibration_patches(calibration, classifier.frontend) if quantize == "int8" else ()
    # A window is a patch, however short the sound in it.
    frontend = classifier.frontend.in_patches() if input == "window" else classifier.frontend
    model = _convert_parts(classifier, frontend, quantize, input, with_embedding, patches)
    check_builtin(model)
    model = add_metadata(
        model,
        name=classifier.name,
        description=(
            f"Names what is heard: {classifier.architecture} at width {classifier.width:g}, "
            f"{len(classifier.labels)} labels, quantize={quantize}, input={input}."
        ),
        labels=[label.name for label in classifier.labels],
        mids=[label.mid for label in classifier.labels],
        license=license,
        version=zoo.__version__,
        sample_rate=frontend.sample_rate,
        frontend=frontend.to_dict(),
    )
    with write_atomically(path) as file:
        file.write(model)


def _convert_parts(classifier, frontend, quantize, input, with_embedding, patches):
    network = classifier.network
    samples, count = (frontend.patch_samples, 1) if input == "window" else (None, None)
    waveform = tf.TensorSpec([1, samples], tf.float32, name="waveform")
    log_mel = tf.TensorSpec([count, *frontend.input_shape], tf.float32, name="log_mel")
    to_patches = log_mel_patches(frontend)
    body = round_kernels(head.backbone(network), quantize)
    embedding = tf.TensorSpec([count, body.output_shape[-1]], tf.float32, name="embedding")
    # Few multiplies, whose results are the scores: floats go in and come out, by 8-bit weights.
    last = "dynamic" if quantize == "int8" else quantize
    to_logits, to_scores = round_kernels(head.classifier(network), last), head.scores(network)

    def begin(waveform):
        patches = to_patches(waveform)
        frames = log_mel.shape[1] or tf.shape(patches)[2]
        return {"log_mel": tf.reshape(patches, [-1, frames, log_mel.shape[2]])}

    def embed(log_mel):
        return {"embedding": body(log_mel, training=False)}

    def end(waveform, embedding):
        logits = to_logits(embedding, training=False)
        scores = tf.reduce_mean(to_scores(logits), axis=0, keepdims=True)
        # By the waveform: on CPUs without AVX-512, XNNPACK's logarithm of NaN is a number.
        results = {"scores": head.nan_where_not_finite(scores, waveform)}
        if with_embedding:
            results["embeddings"] = head.nan_where_not_finite(embedding, waveform)
        return results

    usual = without_outliers(body, patches) if quantize == "int8" else ()
    converted = _convert(embed, [log_mel], body, quantize, usual)
    if quantize == "int8":
        warn_of_other_labels(converted, network, to_logits, patches)
    parts = [
        _convert(begin, [waveform]),
        converted,
        _convert(end, [waveform, embedding], to_logits, last),
    ]
    return join(parts, outputs=OUTPUTS if with_embedding else OUTPUTS[:1])


def _convert(function, inputs, network=None, quantize="none", patches=()):
    """A function of tensors to a dict of tensors, as bytes of a .tflite file.

    Small variables of the Keras network that it calls, if any, are constants in it: to save and
    load hundreds of variables takes longer than to convert what they belong to.
    """
    small, large = [], []
    for variable in [] if network is None else network.variables:
        (small if math.prod(variable.shape) <= _SMALL else large).append(variable)
    values = [(variable, variable.value.numpy()) for variable in small]

    def frozen(*tensors):
        with keras.StatelessScope([(variable, tf.constant(value)) for variable, value in values]):
            return function(*tensors)

    module = tf.Module()
    module.run = tf.function(frozen, input_signature=inputs, autograph=False)
    module.large = [variable.value for variable in large]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*Warning: tf.lite.Interpreter is deprecated")
        save_module(module, folder, module.run)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        quantize_by(converter, quantize, patches)
        return converter.convert()


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}. Received: {value!r}")


def _check_float32(network):
    if any(getattr(layer, "quantization_mode", None) for layer in network.layers):
        raise ValueError(
            "The classifier's layers are quantised by Keras, which TFLite cannot convert. Export "
            "it as it was before: quantize='int8' and the like quantise the file."
        )
    others = {layer.compute_dtype for layer in network.layers} - {"float32"}
    if others:
        raise ValueError(
            f"The classifier computes in {', '.join(sorted(others))}, which TFLite cannot. Make it "
            "under the dtype policy float32, from its preset or by set_weights."
        )
