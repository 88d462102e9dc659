"""Sound classifiers: the paper's five networks and others on raw sound, pretrained."""

import os
import sys
from typing import TYPE_CHECKING

# oneDNN's convolutions train ResNet-50 twice as fast on CPUs on which TensorFlow does not turn them
# on by itself (measured on an AMD EPYC of 2021). TensorFlow asks once, when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from frontend.lazy import lazy_names
from zoo import networks
from zoo._version import __version__ as __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from zoo.architecture import Architecture as Architecture
    from zoo.architecture import PaperFigures as PaperFigures
    from zoo.architecture import register_architecture as register_architecture
    from zoo.calibration import Calibration as Calibration
    from zoo.classifier import AudioClassifier as AudioClassifier
    from zoo.events import Event as Event
    from zoo.feature_maps import features as features
    from zoo.hubs import upload_preset as upload_preset
    from zoo.labels import Label as Label
    from zoo.labels import Prediction as Prediction
    from zoo.listener import Timeline as Timeline
    from zoo.pipeline import FileResult as FileResult
    from zoo.presets import list_presets as list_presets

    # The builders of the networks, which have no list beside their files.
    def __getattr__(name: str) -> Callable[..., Any]: ...
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "architecture": ["Architecture", "PaperFigures", "register_architecture"],
            "calibration": ["Calibration"],
            "classifier": ["AudioClassifier"],
            "events": ["Event"],
            "feature_maps": ["features"],
            "hubs": ["upload_preset"],
            "labels": ["Label", "Prediction"],
            "listener": ["Timeline"],
            "networks": networks.__all__,
            "pipeline": ["FileResult"],
            "presets": ["list_presets"],
        },
        present=["__version__", "list_models"],
    )

# `keras.saving.load_model` knows the classes that were imported. Keras itself takes seconds.
if sys.modules.get("keras"):
    import zoo.classifier  # noqa: F401


def list_models() -> list[str]:
    """Names of the architectures, sorted; `AudioClassifier` takes them.

    >>> list_models()[:3]
    ['alexnet', 'cnn14', 'fully_connected']
    """
    from zoo.architecture import architecture_names

    return architecture_names()
