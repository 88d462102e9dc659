"""EfficientAT: MobileNetV3s that transformers taught AudioSet."""

import re
from pathlib import Path

from zoo.classifier import AudioClassifier
from zoo.convert.arrays import set_from_pytorch
from zoo.networks.mobilenet_v3 import BLOCKS

KNOWN = "EfficientAT's mn04_as to mn40_as (.pt, .pth, .npz)"
CLASSES = ("class_labels_indices.csv",)
CREDIT = (
    "EfficientAT, by F. Schmid, K. Koutini and G. Widmer (Efficient large-scale audio tagging via "
    "transformer-to-CNN knowledge distillation, ICASSP 2023); MIT License."
)

_HIDDEN, _LOGITS = "classifier.2", "classifier.5"
_PARTS = {
    "expand": ("expand_conv", "expand_bn"),
    "depthwise": ("depthwise_conv", "depthwise_bn"),
    "excite": ("excite_squeeze", "excite_share"),
    "project": ("project_conv", "project_bn"),
}
"""What a block consists of, in order, and the layers of each part; not every block has all."""

_OTHER_FRONT_END = re.compile(r"_as_(hop_\d+|mels_\d+)")
"""In the names of networks that were trained on another hop or on other mel bins, with the same
arrays."""


def matches(arrays):
    """Whether arrays are of such a network."""
    return f"{_LOGITS}.weight" in arrays and "features.15.block.0.0.weight" in arrays


def convert(arrays, labels):
    """The `AudioClassifier` of the arrays; labels: a list of `Label`, or None."""
    if other := _OTHER_FRONT_END.search(Path(arrays.path).name):
        raise ValueError(
            f"{arrays.path} is of a network that hears other patches ({other[1]}), of which its "
            "arrays say nothing: mn04_as to mn40_as can be converted."
        )
    width = arrays.units(f"{_HIDDEN}.bias") / 1280
    name = f"mn{round(10 * width):02d}_as"
    labels = arrays.labels(labels, f"{_LOGITS}.bias")
    classifier = AudioClassifier("mobilenet_v3", labels, width=width, name=name)
    for layer, source in _names(classifier.network).items():
        set_from_pytorch(arrays, classifier.network.get_layer(layer), source, mel_first=True)
    arrays.drop(".num_batches_tracked")
    return classifier


def _names(network):
    """The modules of the source by the layers that get their weights."""
    layers = {layer.name for layer in network.layers}
    names = {"stem_conv": "features.0.0", "stem_bn": "features.0.1"}
    for number in range(1, len(BLOCKS) + 1):
        place = 0
        for part, (first, second) in _PARTS.items():
            if f"block{number}_{first}" not in layers:
                continue
            module = f"features.{number}.block.{place}"
            ends = ("conc_se_layers.0.fc1", "conc_se_layers.0.fc2") if part == "excite" else "01"
            names[f"block{number}_{first}"] = f"{module}.{ends[0]}"
            names[f"block{number}_{second}"] = f"{module}.{ends[1]}"
            place += 1
    return {
        **names,
        "last_conv": "features.16.0",
        "last_bn": "features.16.1",
        "hidden": _HIDDEN,
        "logits": _LOGITS,
    }
