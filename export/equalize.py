"""Gives the channels between a network's layers like ranges, before int8 has one for them all."""

import keras
import numpy as np
import numpy.typing as npt

_BATCH = 32
_QUIETEST = 1e-3  # Of the loudest channel: what calibration did not hear must not overflow later.

# What gives a channel times a factor where it gets the channel times this factor.
_PASSING = (
    keras.layers.Activation,
    keras.layers.AveragePooling2D,
    keras.layers.BatchNormalization,  # with its statistics and offset times the factor
    keras.layers.Dropout,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Identity,
    keras.layers.MaxPooling2D,
    keras.layers.ReLU,
    keras.layers.ZeroPadding2D,
)


def equalize_channels(network: keras.Model, patches: npt.NDArray[np.float32]) -> keras.Model:
    """Scales what one layer hands to the next so that its channels have like ranges.

    int8 has one range for all channels of a layer's output, and leaves two or three steps of a
    channel that is a hundredth of the loudest; in YAMNet's last layers half of the channels are.
    Where nothing but ReLU, batch norm, pooling and padding is between two layers with kernels, the
    first may give its channels times a factor, and the second take them so (Nagel et al., 2019).
    The factor is SmoothQuant's (Xiao et al., 2023, alpha = 1/2), which shares the spread of the
    ranges between a channel and the weights that read it; a depthwise kernel takes all of it, as it
    has a scale for each channel.

    Args:
        network: `keras.Model`; it stays as it is.
        patches: log-mel patches to calibrate on, float32 `[patches, 96, 64]`.

    Returns:
        `keras.Model`, a copy that computes the same, up to rounding.
    """
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    chains = [chain for layer in copy.layers if (chain := _chain_before(layer))]
    if not chains:
        return copy
    peaks = _channel_peaks(copy, [chain[-2] for chain in chains], patches)
    for chain in chains:
        first, *between, last = chain
        factor = 1 / _above(peaks[chain[-2].name])
        if not isinstance(last, keras.layers.DepthwiseConv2D):
            factor = np.sqrt(factor * _above(_weights_by_input(last)))
        _multiply(first, factor)
        for layer in between:
            if isinstance(layer, keras.layers.BatchNormalization):
                _multiply(layer, factor)
        last.kernel.assign(last.kernel / factor[:, np.newaxis])
    return copy


def _chain_before(last):
    """The layers from one with a kernel to the next, all included; none where there is no such way.

    Nothing else may read what they hand on.
    """
    if not _is_convolution(last):
        return []
    chain = [last]
    while (layer := _only_source(chain[0])) is not None:
        chain.insert(0, layer)
        if _is_convolution(layer):
            return chain if _passes_factors(layer) else []
        if not isinstance(layer, _PASSING) or not _passes_factors(layer):
            return []
    return []


def _only_source(layer):
    """The one layer that a layer reads, if each is used once, and nothing else reads it."""
    if len(layer._inbound_nodes) != 1:
        return None
    parents = layer._inbound_nodes[0].parent_nodes
    if len(parents) != 1:
        return None
    source = parents[0].operation
    once = len(source._inbound_nodes) == len(source._outbound_nodes) == 1
    return source if once else None


def _is_convolution(layer):
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    return isinstance(layer, kinds) and getattr(layer, "groups", 1) == 1


def _passes_factors(layer):
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and layer.threshold == 0
    if isinstance(layer, keras.layers.BatchNormalization):
        return layer.axis in (-1, len(layer.input.shape) - 1)
    functions = (keras.activations.linear, keras.activations.relu)
    return getattr(layer, "activation", keras.activations.linear) in functions


def _channel_peaks(network, layers, patches):
    """The largest magnitude of each channel of what layers give, float32 `[channels]` by name."""
    outputs = keras.Model(network.input, {layer.name: layer.output for layer in layers})
    peaks = {layer.name: np.zeros(layer.output.shape[-1], "float32") for layer in layers}
    for start in range(0, len(patches), _BATCH):
        found = outputs(patches[start : start + _BATCH], training=False)
        for name, output in found.items():
            axes = tuple(range(output.ndim - 1))
            peaks[name] = np.maximum(peaks[name], np.abs(output).max(axes))
    return peaks


def _weights_by_input(layer):
    """The largest magnitude among the weights that read each channel, float32 `[channels]`."""
    kernel = np.abs(layer.kernel.numpy())
    return kernel.reshape(-1, *kernel.shape[-2:]).max((0, 2))


def _above(peaks):
    return np.maximum(peaks, max(_QUIETEST * peaks.max(), np.finfo("float32").tiny))


def _multiply(layer, factor):
    """Makes a layer give its channels times a factor each; batch norm, of inputs times the same."""
    if isinstance(layer, keras.layers.BatchNormalization):
        scaled = [layer.moving_mean, layer.beta]
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        layer.kernel.assign(layer.kernel * factor.reshape(layer.kernel.shape[-2:]))
        scaled = [layer.bias]
    else:
        scaled = [layer.kernel, layer.bias]
    for weights in scaled:
        if weights is not None:
            weights.assign(weights * factor)
