"""The targets, by subject; to import one is to enter its targets.

They import our packages within functions, for the sake of what counts which code runs.
"""

from tests.fuzz.targets import models, settings, sound, tables, training, weights

__all__ = ["models", "settings", "sound", "tables", "training", "weights"]
