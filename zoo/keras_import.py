"""Classes that Keras knows as soon as it is imported, and that do not import it before."""

import contextlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder


def follow_with(module):
    """Imports a module now, if Keras has been imported, or else right after Keras is.

    `keras.saving.load_model` finds a class by a name that is registered when the class's module is
    imported. So `import zoo` is enough to load a classifier, and does not itself import Keras.
    """
    if "keras" in sys.modules:
        importlib.import_module(module)
    else:
        sys.meta_path.insert(0, _KerasFinder(module))


class _KerasFinder(MetaPathFinder):
    """Finds Keras where the other finders do, and has the import go on to the module."""

    def __init__(self, module):
        self.module = module
        self.searching = False

    def find_spec(self, name, path=None, target=None):
        if name != "keras" or self.searching:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            self._extend(spec.loader)
        return spec

    def _extend(self, loader):
        execute = loader.exec_module

        def execute_and_follow(keras):
            execute(keras)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            # Where a module of ours is what imports Keras, it is not ready for others to import.
            with contextlib.suppress(ImportError):
                importlib.import_module(self.module)

        loader.exec_module = execute_and_follow
