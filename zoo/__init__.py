"""Sound classifiers: the paper's five networks on raw sound, with pretrained weights."""

import os
from typing import TYPE_CHECKING

# oneDNN's convolutions train ResNet-50 twice as fast on CPUs on which TensorFlow does not turn them
# on by itself (measured on an AMD EPYC of 2021). TensorFlow asks once, when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from frontend.lazy import lazy_names
from zoo import keras_import
from zoo._version import __version__ as __version__

if TYPE_CHECKING:
    from zoo.classifier import AudioClassifier as AudioClassifier
    from zoo.labels import Label as Label
    from zoo.labels import Prediction as Prediction
    from zoo.listener import Timeline as Timeline
    from zoo.networks.alexnet import AlexNet as AlexNet
    from zoo.networks.fully_connected import FullyConnected as FullyConnected
    from zoo.networks.inception_v3 import InceptionV3 as InceptionV3
    from zoo.networks.resnet50 import ResNet50 as ResNet50
    from zoo.networks.vgg import VGG as VGG
    from zoo.presets import list_presets as list_presets
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "classifier": ["AudioClassifier"],
            "labels": ["Label", "Prediction"],
            "listener": ["Timeline"],
            "networks": ["VGG", "AlexNet", "FullyConnected", "InceptionV3", "ResNet50"],
            "presets": ["list_presets"],
        },
        present=["__version__", "list_models"],
    )

keras_import.follow_with("zoo.classifier")


def list_models() -> list[str]:
    """Names of the architectures, sorted; `AudioClassifier` takes them.

    >>> list_models()
    ['alexnet', 'fully_connected', 'inception_v3', 'resnet50', 'vgg']
    """
    from zoo.networks import ARCHITECTURES

    return sorted(ARCHITECTURES)
