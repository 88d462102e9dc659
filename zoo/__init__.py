"""Sound classifiers: the paper's five networks and MobileNet V1 on raw sound, pretrained."""

import os
import sys

# oneDNN's convolutions train ResNet-50 twice as fast on CPUs on which TensorFlow does not turn them
# on by itself (measured on an AMD EPYC of 2021). TensorFlow asks once, when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from frontend.lazy import lazy_names
from zoo import networks
from zoo._version import __version__  # noqa: F401, in __all__

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "architecture": ["Architecture", "PaperFigures", "register_architecture"],
        "classifier": ["AudioClassifier"],
        "feature_maps": ["features"],
        "labels": ["Label", "Prediction"],
        "listener": ["Timeline"],
        "networks": networks.__all__,
        "presets": ["list_presets"],
    },
    present=["__version__", "list_models"],
)

# `keras.saving.load_model` knows the classes that were imported. Keras itself takes seconds.
if sys.modules.get("keras"):
    import zoo.classifier  # noqa: F401


def list_models() -> list[str]:
    """Names of the architectures, sorted; `AudioClassifier` takes them.

    >>> list_models()
    ['alexnet', 'fully_connected', 'inception_v3', 'mobilenet_v1', 'resnet50', 'vgg']
    """
    from zoo.architecture import architecture_names

    return architecture_names()
