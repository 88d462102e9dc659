"""Packages that import their modules when a name of theirs is first used."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]], present: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a package needs to offer names of modules that are not imported yet (PEP 562).

    TensorFlow takes seconds and hundreds of megabytes to import, and who reads a sound file or
    runs an exported one needs none of it.

    Args:
        package: the package's `__name__`.
        modules: dict of a module's name within the package and the names that it defines.
        present: names that the package defines itself.

    Returns:
        The package's `__getattr__`, `__dir__` and `__all__`. The first raises ModuleNotFoundError,
        with what to install, where a name's module needs another package that is missing.
    """
    places = {name: f"{package}.{module}" for module, names in modules.items() for name in names}
    everything = sorted([*places, *present])

    def get(name):
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            return getattr(importlib.import_module(places[name]), name)
        except ModuleNotFoundError as error:
            missing = error.name.partition(".")[0]
            message = f"{package}.{name} needs {missing}, which `pip install soundzoo` installs."
            raise ModuleNotFoundError(message, name=missing) from error

    return get, lambda: everything, everything
