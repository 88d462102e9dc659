"""Weights and multiplies of networks, counted from the built model."""

import math

import keras
from keras import layers


def count_weights(network: keras.Model) -> int:
    """Weights and biases of the convolutions and dense layers of `network`, without batch norm."""
    return sum(layer.count_params() for layer in _counted(network))


def count_multiplies(network: keras.Model) -> int:
    """Multiplications with the weights of `network` for one patch (multiply-accumulates)."""
    return sum(_positions(layer) * math.prod(layer.kernel.shape) for layer in _counted(network))


def final_map(network: keras.Model) -> tuple[int, int] | None:
    """(time, mel) of the last feature map, the one that is pooled or flattened; None if
    `network` has no convolution."""
    maps = [layer.output.shape for layer in network.layers if len(layer.output.shape) == 4]
    return tuple(maps[-1][1:3]) if len(maps) > 1 else None


def _counted(network):
    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
    return [layer for layer in network.layers if isinstance(layer, kinds)]


def _positions(layer):
    """How often a layer's kernel is applied: at every pixel of a convolution's output."""
    return math.prod(layer.output.shape[1:-1])
