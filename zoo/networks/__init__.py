"""The paper's five architectures, as builders in the manner of `keras.applications`."""

from collections import UserDict

from frontend.lazy import lazy_names

# Name of each architecture, which is its module's, too, and of its builder.
_BUILDERS = {
    "alexnet": "AlexNet",
    "fully_connected": "FullyConnected",
    "inception_v3": "InceptionV3",
    "resnet50": "ResNet50",
    "vgg": "VGG",
}

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {module: [builder] for module, builder in _BUILDERS.items()},
    present=["ARCHITECTURES"],
)


class _Architectures(UserDict):
    """Imports a builder, and Keras with it, when it is asked for: the names alone cost nothing."""

    def __getitem__(self, name):
        builder = self.data[name]
        return __getattr__(builder) if isinstance(builder, str) else builder


ARCHITECTURES = _Architectures(_BUILDERS)
"""Name of each architecture and its builder."""
