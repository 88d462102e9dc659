"""Architectures: a record of each network, and the register of all of them."""

import contextlib
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NamedTuple

from frontend.config import FrontendConfig
from frontend.types import StrPath
from zoo import layers
from zoo.errors import one_line
from zoo.head import add_head

PAPER_CLASSES = 3087
"""Labels in the paper's comparison of the architectures."""

_TOO_LARGE = 2**31
"""Of a layer's size: initializers and shapes beyond it are of more than floats and int64 hold."""


class PaperFigures(NamedTuple):
    """What the paper prints for one network at 3087 classes: `weights` and `multiplies`."""

    weights: str
    multiplies: str


@dataclass(frozen=True)
class Architecture:
    """A network that the zoo can build.

    Attributes:
        name: by which `AudioClassifier` and the command line know it.
        builder: function of keyword arguments, which its docstring tells of, that gives a
            functional `keras.Model`: log-mel patches `[batch, frames, mel_bins]` -> scores
            `[batch, classes]`.
        frontend: the `FrontendConfig` that it listens through unless another is given.
        source: who described it.
        paper: `PaperFigures`, where Hershey et al. have the network; or None.
    """

    name: str
    builder: Callable[..., Any]
    frontend: FrontendConfig
    source: str
    paper: PaperFigures | None = None


_ARCHITECTURES: dict[str, Architecture] = {}


def register_architecture(
    name: str,
    *,
    source: str,
    frontend: FrontendConfig | None = None,
    paper: PaperFigures | None = None,
) -> Callable[[Callable[[Any, float], Any]], Callable[..., Any]]:
    """Makes a network of the zoo of a function that stacks its layers.

    The function takes a feature map `[batch, frames, mel_bins, 1]` and a width, and gives the
    embedding `[batch, units]`. In its place comes a builder with the arguments that all networks
    have: classes, input shape, width, bottleneck, activation. From then on the name stands for
    the network everywhere: in `AudioClassifier`, `TrainConfig`, presets, exports.

    A preset of a network of yours loads where the network has been registered, so keep it in a
    module that is imported there. A name that is registered again, as in a notebook, stands for
    the newer network.

    Args:
        name: of the network, in lower case.
        source: who described it.
        frontend: the front end that it listens through; the paper's by default.
        paper: what the paper prints, if it has the network.

    Returns:
        A decorator.

    Raises:
        ValueError: the name is not an identifier in lower case, or is one of the package's.

    Example:

    >>> import keras
    >>> @register_architecture("one_convolution", source="an example")
    ... def OneConvolution(x, width):
    ...     x = keras.layers.Conv2D(int(64 * width), 3, activation="relu")(x)
    ...     return keras.layers.GlobalAveragePooling2D()(x)
    >>> OneConvolution(classes=10, width=0.5).output_shape
    (None, 10)
    >>> find_architecture("one_convolution").builder is OneConvolution
    True
    """
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        raise ValueError(f"name must be an identifier in lower case. Received: {name!r}")

    def decorate(body):
        known = _ARCHITECTURES.get(name)
        if known and known.builder.__module__.startswith("zoo.networks."):
            raise ValueError(f"{name!r} is a network of the package; choose another name.")
        wanted = frontend or FrontendConfig()
        builder = _builder(body, name, wanted.patch_shape)
        _ARCHITECTURES[name] = Architecture(name, builder, wanted, source, paper)
        return builder

    return decorate


def architecture_names() -> list[str]:
    """Names of all architectures that are registered, sorted."""
    return sorted(_ARCHITECTURES)


def find_architecture(name: str) -> Architecture:
    """The architecture of a name; ValueError, with the names that there are, if there is none."""
    if not isinstance(name, str) or name not in _ARCHITECTURES:
        from zoo.presets import list_presets  # here, because who names a network needs none

        hint = ""
        if name in list_presets():
            hint = " It is a preset: soundzoo train --init, and from_preset, take it."
        raise ValueError(
            f"There is no architecture {name!r}; there are {', '.join(architecture_names())}.{hint}"
        )
    return _ARCHITECTURES[name]


def scaled(units: int, width: float) -> int:
    """`units` times `width`, to the nearest multiple of 8 (8 at least); unchanged at width 1."""
    return max(8, 8 * round(units * width / 8)) if width != 1 else units


_ARGUMENTS_DOC = """

    Args:
        classes: number of scores. 3087 are the paper's.
        input_shape: frames and mel bins of a patch. Networks that end in a global pool take others
            than this default, and None for any number of frames.
        include_top: end in the classifier; without it the model gives the embedding, the layer
            before the classifier.
        weights: path of a `.weights.h5` file that a network of the same arguments saved, or None
            for random weights.
        width: scales the units of every layer, to a multiple of 8. 1.0 is the published network.
        bottleneck: units of a linear layer before the classifier (the paper tried 128), or None.
        classifier_activation: activation of the scores; None gives logits.
        name: the model's name.

    Returns:
        A functional `keras.Model`: log-mel patches `[batch, frames, mel_bins]` -> scores
        `[batch, classes]` (float32 under every dtype policy), or embeddings `[batch, units]`
        without the top.

    Raises:
        ValueError: an argument is out of range, the network does not take patches of this shape,
            or the weights are of another network.
        MemoryError: there is not enough for a network of these sizes.
    """


def _builder(body, name, default_shape):
    """The public builder of a network's body, with the arguments that all of them have."""
    default_name = name

    def builder(
        *,
        classes: int = PAPER_CLASSES,
        input_shape: tuple[int | None, int] = default_shape,
        include_top: bool = True,
        weights: StrPath | None = None,
        width: float = 1.0,
        bottleneck: int | None = None,
        classifier_activation: str | None = "sigmoid",
        name: str = default_name,
    ) -> Any:
        import keras

        width = _checked_number("width", width, Real)
        classes = _checked_number("classes", classes, Integral)
        if bottleneck is not None:
            bottleneck = _checked_number("bottleneck", bottleneck, Integral)
        patch = keras.Input(_checked_shape(input_shape), name="patch")
        frames, mel_bins = patch.shape[1:]
        with _memory_for(default_name):
            x = layers.Reshape((frames or -1, mel_bins, 1), name="channel")(patch)
            if patch.shape[1:] == default_shape:
                x = body(x, width)
            else:
                x = _on_other_shape(body, x, width, default_name, default_shape)
            if bottleneck is not None:
                x = layers.Dense(bottleneck, name="bottleneck")(x)
            outputs = add_head(x, classes if include_top else None, classifier_activation)
        model = keras.Model(patch, outputs, name=name)
        if weights is not None:
            model.load_weights(weights)
        return model

    named = ("__module__", "__name__", "__qualname__", "__doc__")
    functools.update_wrapper(builder, body, assigned=named)
    builder.__signature__ = inspect.signature(builder, follow_wrapped=False)
    builder.__doc__ = "\n\n".join(map(inspect.cleandoc, (body.__doc__ or "", _ARGUMENTS_DOC)))
    return builder


@contextlib.contextmanager
def _memory_for(name):
    """Says in a sentence, a MemoryError, that a network's sizes are more than can be."""
    import tensorflow as tf

    try:
        yield
    except (tf.errors.ResourceExhaustedError, tf.errors.InvalidArgumentError) as error:
        reason = one_line(error.message).rpartition("}} ")[2]
        raise MemoryError(
            f"There is not enough memory for {name} of this width and so many classes; pass "
            f"smaller ones ({reason})."
        ) from None


def _on_other_shape(body, x, width, name, default_shape):
    """The embedding of patches of another shape, if the network takes them."""
    import keras

    received = f"Received patches of {x.shape[1] or 'any'} x {x.shape[2]}."
    try:
        embedding = body(x, width)
    except ValueError as error:
        raise ValueError(f"{name} needs larger patches ({error}). {received}") from None
    if any(isinstance(layer, layers.Flatten) for layer in keras.Model(x, embedding).layers):
        raise ValueError(
            f"{name} flattens its last feature map, so it reads patches of {default_shape[0]} "
            f"frames x {default_shape[1]} mel bins alone. {received}"
        )
    return embedding


def _checked_shape(shape):
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else ()
    if len(sizes) != 2:
        raise ValueError(f"input_shape must be (frames, mel_bins). Received: {shape!r}")
    for size in sizes[sizes[:1] == (None,) :]:
        _checked_number("input_shape", size, Integral)
    return sizes


def _checked_number(argument, value, kind):
    """The number as Python's own int or float, which Keras wants, whosever it is."""
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value < _TOO_LARGE:
        words = "whole number" if kind is Integral else "number"
        raise ValueError(
            f"{argument} must be a {words} above 0 and below 2^31. Received: {value!r}"
        )
    return int(value) if kind is Integral else float(value)
