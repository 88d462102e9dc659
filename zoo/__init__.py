"""Sound classifiers: the paper's five networks on raw sound, with pretrained weights."""

import os

# oneDNN's convolutions train ResNet-50 twice as fast on CPUs on which TensorFlow does not turn them
# on by itself (measured on an AMD EPYC of 2021). TensorFlow asks once, when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from zoo._version import __version__
from zoo.classifier import AudioClassifier, Timeline
from zoo.labels import Label, Prediction
from zoo.networks import ARCHITECTURES, VGG, AlexNet, FullyConnected, InceptionV3, ResNet50
from zoo.presets import list_presets

__all__ = [
    "VGG",
    "AlexNet",
    "AudioClassifier",
    "FullyConnected",
    "InceptionV3",
    "Label",
    "Prediction",
    "ResNet50",
    "Timeline",
    "__version__",
    "list_models",
    "list_presets",
]


def list_models():
    """Names of the architectures, sorted; `AudioClassifier` takes them.

    >>> list_models()
    ['alexnet', 'fully_connected', 'inception_v3', 'resnet50', 'vgg']
    """
    return sorted(ARCHITECTURES)
