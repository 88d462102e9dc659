"""Feature maps of a classifier's network, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from zoo.classifier import AudioClassifier


def features(classifier: AudioClassifier, names: Sequence[str]) -> keras.Model:
    """Feature maps of a classifier's network as a Keras model.

    Its weights are the classifier's own. A name is that of a layer, or of what several layers of
    the network begin with: "stage2" is what the second stage of ResNet-50 gives, its last layer.

    Args:
        classifier: an `AudioClassifier`.
        names: of the feature maps; `embedding` is what the head reads.

    Returns:
        `keras.Model`: log-mel patches `[batch, frames, mel_bins]` -> dict of a tensor
        `[batch, time, mel, units]`, or `[batch, units]`, for each name.

    Raises:
        ValueError: no names, or the network has no such layers; the message says which it has.

    Example:

    >>> import zoo
    >>> clf = zoo.AudioClassifier("resnet50", labels=["Cat", "Dog"], width=0.25)
    >>> maps = features(clf, ["stage2", "stage4"])
    >>> {name: tensor.shape[1:] for name, tensor in maps.output.items()}
    {'stage2': (24, 16, 128), 'stage4': (6, 4, 512)}
    """
    network = classifier.network
    if isinstance(names, str) or not names:
        raise ValueError(f"names must be a list of names of layers. Received: {names!r}")
    return keras.Model(network.input, {name: _last(network, name).output for name in names})


def _last(network, name):
    """The last layer of a name, or of those whose names begin with it and an underscore."""
    found = [
        layer for layer in network.layers if layer.name == name or layer.name.startswith(f"{name}_")
    ]
    if not found:
        beginnings = dict.fromkeys(layer.name.partition("_")[0] for layer in network.layers)
        raise ValueError(
            f"The network has no layers {name!r}; names begin with {', '.join(beginnings)}."
        )
    return found[-1]
