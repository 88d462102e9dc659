"""Weights and multiplies of the networks, counted from the built model, and the paper's figures."""

import math
from typing import NamedTuple

from keras import layers


class PaperFigures(NamedTuple):
    """What the paper prints for one network at 3087 classes: `weights` and `multiplies`."""

    weights: str
    multiplies: str


PAPER_FIGURES = {
    "fully_connected": PaperFigures("11.2M", "11.2M"),
    "alexnet": PaperFigures("37.3M", "767M"),
    "vgg": PaperFigures("62M", "2.4B"),
    "inception_v3": PaperFigures("28M", "4.7B"),
    "resnet50": PaperFigures("30M", "1.9B"),
}
"""Hershey et al., "CNN Architectures for Large-Scale Audio Classification", table 2 and text,
in the paper's order."""


def count_weights(network):
    """Weights and biases of the convolutions and dense layers of `network`, without batch norm."""
    return sum(layer.count_params() for layer in _counted(network))


def count_multiplies(network):
    """Multiplications with the weights of `network` for one patch (multiply-accumulates)."""
    return sum(_positions(layer) * math.prod(layer.kernel.shape) for layer in _counted(network))


def final_map(network):
    """(time, mel) of the last feature map, the one that is pooled or flattened; None if
    `network` has no convolution."""
    maps = [layer.output.shape for layer in network.layers if len(layer.output.shape) == 4]
    return tuple(maps[-1][1:3]) if len(maps) > 1 else None


def _counted(network):
    return [layer for layer in network.layers if isinstance(layer, (layers.Conv2D, layers.Dense))]


def _positions(layer):
    """How often a layer's kernel is applied: at every pixel of a convolution's output."""
    return math.prod(layer.output.shape[1:-1])
