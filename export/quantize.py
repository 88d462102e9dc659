"""How the networks of TFLite files are quantised, and what int8 is calibrated on."""

import functools
import math
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from frontend import FrontendConfig, LogMelSpectrogram, sound_blocks, waveform_patches
from frontend.audio import SUFFIXES
from frontend.types import Sound

QUANTIZATIONS = ("none", "float16", "dynamic", "int8")

_LARGEST_INT8 = 127
_FEWEST_DYNAMIC = 1024  # The converter keeps smaller kernels in float32.
_TINY = 1e-30

# Of calibration's patches, and times the median: what is beyond both is cut off at int8's ranges.
# Of sounds of the street half of the patches may be far beyond (ours).
_USUAL_SHARE, _USUAL_PEAK = 0.25, 3

# The recordings in examples/, to which this is a link.
_EXAMPLES = Path(__file__).parent / "examples"


def quantize_by(
    converter: tf.lite.TFLiteConverter,
    quantize: str,
    patches: Iterable[npt.NDArray[np.float32]] = (),
) -> None:
    """Sets up a `tf.lite.TFLiteConverter` of a network.

    Args:
        converter: of a model of one input, log-mel patches.
        quantize: one of `QUANTIZATIONS`.
        patches: for int8, log-mel patches to calibrate on, float32 `[patches, 96, 64]`.
    """
    if quantize == "none":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # tflite-runtime 2.14 knows one scale for all of a dense layer's weights, and no more.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.representative_dataset = lambda: ([patch[np.newaxis]] for patch in patches)
        # Only these: what cannot be int8 is an error, not a float operation.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def round_kernels(network: keras.Model, quantize: str) -> keras.Model:
    """Rounds kernels to 8 bits so that the sum of each unit's weights stays as it was.

    What a kernel reads is seldom around 0: log-mel patches are far below where it is quiet, ReLUs
    give nothing below. There errors of weights that are rounded one by one do not cancel, and
    resnet50_w025_opensounds would agree with its float32 self on the best label of fewer clips. In
    int8 the first kernel is enough: in the others the ranges of the activations count for more.

    Args:
        network: `keras.Model`; it stays as it is.
        quantize: one of `QUANTIZATIONS`. "int8": the first kernel is rounded; "dynamic": all that
            the converter will round; otherwise none is.

    Returns:
        `keras.Model`, a copy with kernels that the converter's own rounding leaves as they are.
    """
    if quantize not in ("dynamic", "int8"):
        return network
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    layers = [layer for layer in copy.layers if hasattr(layer, "kernel")]
    if quantize == "int8":
        layers = layers[:1]
    for layer in layers:
        if quantize == "int8" or math.prod(layer.kernel.shape) >= _FEWEST_DYNAMIC:
            layer.kernel.assign(_rounded_kernel(layer))
    return copy


def _rounded_kernel(layer):
    kernel = layer.kernel.numpy()
    # A depthwise kernel's units are all that its channels have, not its last axis.
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    units = math.prod(kernel.shape[2:]) if depthwise else kernel.shape[-1]
    weights = kernel.reshape(-1, units)
    return _round(weights, dense=kernel.ndim == 2).reshape(kernel.shape)


def _round(weights, dense):
    """Weights `[inputs, units]`, rounded."""
    # The converter has one scale for each unit of a convolution, and one for a dense layer.
    largest = np.abs(weights).max(axis=None if dense else 0)
    steps = weights / np.maximum(largest, _TINY) * _LARGEST_INT8
    rounded = np.round(steps)
    lost = steps - rounded
    for unit, total in enumerate(np.round(lost.sum(axis=0)).astype(int)):
        # Those that rounding moved furthest, the one way or the other, go to the next step instead.
        sign = np.sign(total)
        moved = np.argsort(-sign * lost[:, unit], kind="stable")[: abs(total)]
        rounded[moved, unit] += sign
    return rounded / _LARGEST_INT8 * largest


def without_outliers(
    network: keras.Model, patches: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The patches without those, three quarters at most, that go far beyond a layer's usual values.

    The converter's ranges hold the largest value that it meets. In YAMNet's last layers some
    patches are dozens of times as loud as most, and leave these a few steps of int8: the more clips
    such a file is calibrated on, the worse it hears. What is cut off there changes little.

    Args:
        network: `keras.Model` of patches.
        patches: log-mel patches, float32 `[patches, 96, 64]`.

    Returns:
        Those of them, in order; one at least.
    """
    # By the calls and not by `layer.output`, which is another's where a layer is a model.
    calls = [call for layer in network.layers[1:] for call in layer._inbound_nodes]
    outputs = [output for call in calls for output in call.outputs if output.dtype == "float32"]
    peaks = keras.Model(network.input, [_largest(output) for output in outputs])
    found = np.stack(predict(peaks, patches), axis=1)
    furthest = (found / np.maximum(np.median(found, axis=0), _TINY)).max(axis=1)
    return patches[furthest <= max(np.quantile(furthest, _USUAL_SHARE), _USUAL_PEAK)]


def predict(network: keras.Model, inputs: npt.NDArray[np.float32]) -> Any:
    """As `network.predict(inputs)`, which traces the network once more for a last, smaller batch.

    To trace hundreds of layers takes longer than to hear what int8 is calibrated on.

    Args:
        network: `keras.Model` of one input.
        inputs: float32 `[patches, ...]`.

    Returns:
        What the network gives, float32 `[patches, ...]`, or a list of such arrays.
    """
    batch = tf.TensorSpec([None, *inputs.shape[1:]], inputs.dtype)
    run = tf.function(
        functools.partial(network, training=False), input_signature=[batch], autograph=False
    )
    batches = [run(inputs[start : start + 32]) for start in range(0, len(inputs), 32)]
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)


def _largest(output):
    return keras.ops.max(keras.ops.abs(output), axis=tuple(range(1, len(output.shape))))


def calibration_patches(
    calibration: Iterable[Sound] | None, frontend: FrontendConfig
) -> npt.NDArray[np.float32]:
    """Log-mel patches of calibration clips.

    Args:
        calibration: list of sound files (paths or binary file objects) and of mono waveforms at
            the front end's rate, float `[samples]`; None for the example recordings.
        frontend: a `FrontendConfig`.

    Returns:
        float32 `[patches, 96, 64]`.

    Raises:
        OSError, ValueError: a clip cannot be read, there are none, or none is longer than a patch.
    """
    if calibration is None:
        calibration = _examples()
    if isinstance(calibration, (str, bytes, os.PathLike)) or not hasattr(calibration, "__iter__"):
        raise ValueError(
            "calibration must be a list of sound files or waveforms. "
            f"Received: {type(calibration).__name__}"
        )
    frontend = frontend.in_patches()  # the converter wants them of one shape
    log_mel = LogMelSpectrogram(frontend)
    patches, longest = [], 0
    for clip in calibration:
        waveform = np.concatenate(
            list(sound_blocks(clip, frontend.sample_rate, name="calibration waveform"))
        )
        longest = max(longest, len(waveform))
        for waveforms in waveform_patches([waveform], frontend):
            patches.append(log_mel(waveforms).numpy())
    if longest < frontend.patch_samples:
        raise ValueError(
            "int8 needs calibration clips, and at least one as long as a patch, "
            f"{frontend.patch_samples / frontend.sample_rate:g} s. Received {len(patches)}, the "
            f"longest of {longest / frontend.sample_rate:g} s."
        )
    return np.concatenate(patches)


def _examples():
    paths = sorted(path for path in _EXAMPLES.glob("*") if path.suffix in SUFFIXES)
    if not paths:
        raise ValueError(
            "int8 needs calibration clips: pass some hundred sound files of the kind that the "
            "model will hear."
        )
    warnings.warn(
        f"int8 is calibrated on {len(paths)} example recordings. Scores come nearer to the model's "
        "with calibration clips of your own: some hundred, of the kind that it will hear.",
        stacklevel=4,
    )
    return paths
