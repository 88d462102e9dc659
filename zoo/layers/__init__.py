"""What the networks are built of: ours by name, and all of Keras' layers.

They are imported when they are used, so that what only names the networks needs no Keras.
"""

import importlib

_OURS = {
    "FusedBatchNormalization": "batch_norm",
    "conv_bn": "blocks",
    "dense_relu": "blocks",
    "mean_and_max": "blocks",
    "norm_mel": "blocks",
    "norm_relu": "blocks",
}


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = f"{__name__}.{_OURS[name]}" if name in _OURS else "keras.layers"
    return getattr(importlib.import_module(module), name)
