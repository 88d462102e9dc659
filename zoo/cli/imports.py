"""What Keras and TensorFlow import beside themselves, of which no command makes use."""

import importlib.abc
import sys

_UNUSED = {"jax", "matplotlib", "pandas", "scipy", "sklearn"}
_IMPORTERS = {"keras", "tensorflow"}


def spare_imports():
    """Has Keras and TensorFlow not find libraries that they import wherever these are installed.

    For wrappers, conversions and pictures of their own, which take them half of their import. Who
    else imports these libraries finds them.
    """
    sys.meta_path.insert(0, _Spare())


class _Spare(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in _UNUSED and _importer() in _IMPORTERS:
            raise ModuleNotFoundError(f"{name} is of no use here", name=name)
        return None


def _importer():
    """The package whose code imports, below the frames of the import system and this module."""
    frame = sys._getframe(2)
    while frame and frame.f_globals.get("__name__", "").startswith("importlib."):
        frame = frame.f_back
    return frame and frame.f_globals.get("__name__", "").partition(".")[0]
