"""Sound classifiers: the paper's five networks on raw sound, with pretrained weights."""

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
