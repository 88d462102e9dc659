"""What the five architectures share: arguments, width, convolution with batch norm, classifier."""

import functools
import inspect

import keras
from keras import layers

from zoo.networks.batch_norm import FusedBatchNormalization

PATCH_SHAPE = (96, 64)
"""Frames and mel bins of the log-mel patch that every network reads."""

PAPER_CLASSES = 3087
"""Labels in the paper's comparison of the architectures."""

_ARGUMENTS_DOC = """

    Args:
        classes: number of scores. 3087 are the paper's.
        include_top: end in the classifier; without it the model gives the embedding, the layer
            before the classifier.
        weights: path of a `.weights.h5` file that a network of the same arguments saved, or None
            for random weights.
        width: scales the units of every layer, to a multiple of 8. 1.0 is the paper's network.
        bottleneck: units of a linear layer before the classifier (the paper tried 128), or None.
        classifier_activation: activation of the scores; None gives logits.
        name: the model's name.

    Returns:
        A functional `keras.Model`: log-mel patches `[batch, 96, 64]` -> scores `[batch, classes]`
        (float32 under every dtype policy), or embeddings `[batch, units]` without the top.

    Raises:
        ValueError: an argument is out of range, or the weights are of another network.
    """


def architecture(name):
    """Turns a body, from feature map `[B, 96, 64, 1]` and width to embedding `[B, D]`, into the
    public builder of that architecture, with the arguments that all of them have."""

    def decorate(body):
        default_name = name

        def builder(
            *,
            classes=PAPER_CLASSES,
            include_top=True,
            weights=None,
            width=1.0,
            bottleneck=None,
            classifier_activation="sigmoid",
            name=default_name,
        ):
            _check_number("width", width, (int, float))
            _check_number("classes", classes, int)
            if bottleneck is not None:
                _check_number("bottleneck", bottleneck, int)
            patch = keras.Input(PATCH_SHAPE, name="patch")
            outputs = body(layers.Reshape((*PATCH_SHAPE, 1), name="channel")(patch), width)
            if bottleneck is not None:
                outputs = layers.Dense(bottleneck, name="bottleneck")(outputs)
            if include_top:
                # float32 under every dtype policy: half precision rounds scores to coarse steps.
                outputs = layers.Dense(classes, name="logits", dtype="float32")(outputs)
                outputs = layers.Activation(classifier_activation, name="scores", dtype="float32")(
                    outputs
                )
            model = keras.Model(patch, outputs, name=name)
            if weights is not None:
                model.load_weights(weights)
            return model

        functools.update_wrapper(builder, body)
        builder.__signature__ = inspect.signature(builder, follow_wrapped=False)
        builder.__doc__ = "\n\n".join(map(inspect.cleandoc, (body.__doc__, _ARGUMENTS_DOC)))
        return builder

    return decorate


def scaled(units, width):
    """`units` times `width`, to the nearest multiple of 8 (8 at least); unchanged at width 1."""
    return max(8, 8 * round(units * width / 8)) if width != 1 else units


def conv_bn(x, filters, kernel_size, *, name, strides=1, padding="same", relu=True):
    """Convolution, batch norm and, unless turned off, ReLU. Batch norm brings the bias."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = FusedBatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def dense_relu(x, units, *, name):
    """Fully connected layer with ReLU."""
    return layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(x)


def _check_number(argument, value, types):
    if isinstance(value, bool) or not isinstance(value, types) or not 0 < value < float("inf"):
        kind = "whole number" if types is int else "number"
        raise ValueError(f"{argument} must be a {kind} above 0. Received: {value!r}")
