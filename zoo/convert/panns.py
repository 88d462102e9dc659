"""PANNs: Cnn14 and MobileNetV1 of Kong et al."""

import dataclasses
from pathlib import Path

import numpy as np

from frontend.mel import mel_matrix
from zoo.architecture import find_architecture
from zoo.classifier import AudioClassifier
from zoo.convert.arrays import set_from_pytorch
from zoo.networks.cnn14 import BLOCKS
from zoo.networks.mobilenet_v1 import PAIRS

KNOWN = "PANNs' Cnn14, Cnn14_16k and MobileNetV1 (.pth)"
CLASSES = ("class_labels_indices.csv",)
CREDIT = (
    "PANNs, by Q. Kong et al. (PANNs: large-scale pretrained audio neural networks for audio "
    "pattern recognition, 2020); the code is under the MIT License, and the licence of the weights "
    "stands where they are published, Zenodo's record 3987831."
)

_MEL = "logmel_extractor.melW"
_STFT = "spectrogram_extractor.stft.conv_real.weight"
_HEARD = {512: (16000, 8000), 1024: (32000, 14000)}
"""Sample rate and highest frequency, in Hz, of the front ends, by the samples of their windows."""


_OTHER_NETWORK = "DecisionLevel"
"""In the names of networks that have Cnn14's arrays, and classify before they pool over time."""


def matches(arrays):
    """Whether arrays are of such a network."""
    return _names(arrays) is not None and "fc_audioset.weight" in arrays and _MEL in arrays


def convert(arrays, labels):
    """The `AudioClassifier` of the arrays; labels: a list of `Label`, or None."""
    if _OTHER_NETWORK in Path(arrays.path).name:
        raise ValueError(
            f"{arrays.path} is of a network that pools after it classifies, of which its arrays "
            f"say nothing: {KNOWN} can be converted."
        )
    architecture, names, units = _names(arrays)
    classifier = AudioClassifier(
        architecture,
        arrays.labels(labels, "fc_audioset.bias"),
        width=arrays.units("fc1.bias") / units,
        frontend=_frontend(arrays, architecture),
        name=architecture,
    )
    for layer, name in names.items():
        set_from_pytorch(arrays, classifier.network.get_layer(layer), name)
    arrays.drop(".num_batches_tracked", "conv_real.weight", "conv_imag.weight")
    return classifier


def _names(arrays):
    """The architecture, the modules by its layers, and its units at width 1; None for others."""
    ends = {"mel_bn": "bn0", "hidden": "fc1", "logits": "fc_audioset"}
    if "conv_block6.conv2.weight" in arrays:
        names = {}
        for block in range(1, len(BLOCKS) + 1):
            for number in (1, 2):
                names[f"conv{block}_{number}_conv"] = f"conv_block{block}.conv{number}"
                names[f"conv{block}_{number}_bn"] = f"conv_block{block}.bn{number}"
        return "cnn14", {**names, **ends}, BLOCKS[-1]
    if "features.13.4.weight" in arrays and "features.14.0.weight" not in arrays:
        names = {"stem_conv": "features.0.0", "stem_bn": "features.0.2"}
        for number in range(1, len(PAIRS) + 1):
            places = {
                "depthwise_conv": 0,
                "depthwise_bn": 2,
                "pointwise_conv": 4,
                "pointwise_bn": 5,
            }
            for layer, place in places.items():
                names[f"pair{number}_{layer}"] = f"features.{number}.{place}"
        return "mobilenet_v1_panns", {**names, **ends}, 1024
    return None


def _frontend(arrays, architecture):
    """The front end, whose mel filters the source has, too, so that they can be compared."""
    *_, samples = arrays.shape(_STFT) or (1,)
    if samples not in _HEARD:
        raise ValueError(f"{arrays.path} has windows of {samples} samples, not of 512 or 1024.")
    rate, highest = _HEARD[samples]
    frontend = dataclasses.replace(
        find_architecture(architecture).frontend,
        sample_rate=rate,
        fft_length=samples,
        mel_max_hz=highest,
    )
    filters = arrays.take(_MEL)
    wanted = mel_matrix(frontend)
    if filters.shape != wanted.shape or not np.allclose(filters, wanted, atol=1e-5):
        raise ValueError(f"{arrays.path} has other mel filters than PANNs of {rate} Hz.")
    return frontend
