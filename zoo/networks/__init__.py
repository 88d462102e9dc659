"""The networks of the zoo, one to a file: what lies in this folder is in the register.

A file takes Keras' layers from `zoo.layers`, which costs nothing until a network is built.
"""

import importlib
import pkgutil

from zoo.architecture import architecture_names, find_architecture

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)

# Each builder under its own name, as `VGG`.
_BUILDERS = [find_architecture(name).builder for name in architecture_names()]
globals().update({builder.__name__: builder for builder in _BUILDERS})
__all__ = sorted(builder.__name__ for builder in _BUILDERS)


def __dir__():
    return __all__
