"""YAMNet: the released SavedModel, or what others wrapped around it, and `yamnet.h5`."""

from zoo import presets
from zoo.classifier import AudioClassifier
from zoo.convert.arrays import set_weights
from zoo.labels import as_labels
from zoo.networks.mobilenet_v1 import PAIRS

KNOWN = "YAMNet (SavedModel, yamnet.h5)"
CLASSES = ("assets/yamnet_class_map.csv", "yamnet_class_map.csv")
CREDIT = "YAMNet, by M. Plakal and D. Ellis of Google; Apache License 2.0."

_NUMBERED = "layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""Name of a variable in a SavedModel: Keras numbers the layers in the order of their stack."""
_FIRST = _NUMBERED.format(0, "kernel")
_NAMED = "layer1/conv/kernel:0"


def matches(arrays):
    """Whether arrays are of YAMNet, in either form."""
    return _NAMED in arrays or bool(arrays.ending(_FIRST))


def convert(arrays, labels):
    """The `AudioClassifier` of the arrays; labels: a list of `Label`, or None for the released."""
    names = _layer_names()
    if _NAMED in arrays:
        names = [f"{name}/{{}}:0" for name in names]
    else:
        before = arrays.ending(_FIRST)[0].removesuffix(_FIRST)
        arrays.keep(before + "layer_with_weights-")
        names = [before + _NUMBERED.format(number, "{}") for number in range(len(names))]
    labels = arrays.labels(labels or _released_labels(), names[-1].format("bias"))
    classifier = AudioClassifier("mobilenet_v1", labels, name="yamnet")
    layers = [layer for layer in classifier.network.layers if layer.weights]
    for layer, name in zip(layers, names, strict=True):
        parts = [weight.name for weight in layer.weights]
        if layer.name.endswith("_depthwise_conv"):
            parts = ["depthwise_kernel"]  # as Keras 2 called it
        values = {name.format(part): arrays.take(name.format(part)) for part in parts}
        set_weights(arrays, layer, values)
    return classifier


def _layer_names():
    """The layers with weights in `yamnet.h5`, in the order of ours."""
    convolutions = ["layer1/conv"]
    for number in range(2, len(PAIRS) + 2):
        convolutions += [f"layer{number}/depthwise_conv", f"layer{number}/pointwise_conv"]
    return [name for conv in convolutions for name in (conv, f"{conv}/bn")] + ["dense"]


def _released_labels():
    """YAMNet's classes, which its preset in the package names."""
    folder = presets.find("yamnet")
    return as_labels(presets.read_config(folder)["classifier"]["labels"])
