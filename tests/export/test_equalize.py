import keras
import numpy as np
import pytest

from export.equalize import equalize_channels
from zoo import layers
from zoo.networks import MobileNetV1, ResNet50

PATCH = (96, 64)


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).normal(-2, 2, (40, *PATCH)).astype("float32")


def unlike(network):
    """The network, whose channels have unlike ranges after each batch norm, as trained ones do."""
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            channels = layer.moving_variance.shape
            layer.moving_variance.assign(10 ** rng.uniform(-1, 3, channels))
            layer.moving_mean.assign(rng.normal(0, 0.1, channels))
            layer.beta.assign(rng.normal(0, 0.1, channels))
    return network


def mapped(build):
    """A network of a convolution and what a function builds on its map, `[12, 8, 4]`."""
    patch = keras.Input(PATCH)
    x = keras.layers.Reshape((96, 64, 1))(patch)
    x = keras.layers.Conv2D(4, 8, strides=8, name="first")(x)
    return keras.Model(patch, build(x))


def spread(network, name, patches):
    """How far apart the largest values of a layer's channels are: the largest by the median."""
    layer = keras.Model(network.input, network.get_layer(name).output)
    peaks = np.abs(layer.predict(patches, verbose=0)).max((0, 1, 2))
    return peaks.max() / np.median(peaks)


@pytest.mark.parametrize("build", [MobileNetV1, ResNet50])
def test_computes_the_same(build, patches):
    network = unlike(build(classes=3, width=0.1))
    before = network.get_weights()
    scores = network.predict(patches, verbose=0)
    found = equalize_channels(network, patches).predict(patches, verbose=0)
    np.testing.assert_allclose(found, scores, atol=1e-5)
    for weights, same in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, same)


def test_gives_channels_like_ranges(patches):
    network = unlike(MobileNetV1(classes=3, width=0.1))
    equal = equalize_channels(network, patches)
    # All of it into a depthwise kernel, and half of it into one that sums over channels.
    assert spread(network, "pair5_pointwise_relu", patches) > 5
    assert spread(equal, "pair5_pointwise_relu", patches) < 1.5
    there, here = (spread(each, "pair5_depthwise_relu", patches) for each in (network, equal))
    assert here < 0.7 * there


def two_readers(x):
    return keras.layers.Add()([layers.Conv2D(3, 1)(x), layers.Conv2D(3, 1)(x)])


def read_twice_by_one(x):
    shared = layers.Conv2D(4, 1)
    return shared(shared(x))


def inner(x):
    model = keras.Sequential([keras.Input(x.shape[1:]), layers.Conv2D(3, 1)])
    return keras.layers.Add()([model(x), layers.Conv2D(3, 1)(x)])


@pytest.mark.parametrize(
    "build",
    [
        two_readers,
        read_twice_by_one,
        inner,
        lambda x: layers.Conv2D(3, 1)(layers.ReLU(max_value=6)(x)),
        lambda x: layers.Conv2D(3, 1)(layers.Activation("hard_swish")(x)),
        lambda x: layers.Conv2D(3, 1)(layers.BatchNormalization(axis=2)(x)),
        lambda x: layers.Conv2D(3, 1)(layers.Reshape((8, 12, 4))(x)),
        lambda x: layers.Conv2D(4, 1, groups=2)(x),
        lambda x: layers.Dense(3)(layers.Flatten()(x)),
    ],
)
def test_leaves_what_no_factor_passes(build, patches):
    network = mapped(build)
    for weights, same in zip(
        network.get_weights(), equalize_channels(network, patches).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weights, same)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: layers.Conv2D(3, 1)(layers.MaxPooling2D()(layers.ZeroPadding2D()(x))),
        lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2)(layers.AveragePooling2D(2)(x)),
        lambda x: layers.Conv2D(3, 1)(layers.DepthwiseConv2D(3, depth_multiplier=2)(x)),
        lambda x: layers.Conv2D(3, 1)(layers.BatchNormalization(center=False)(x)),
        lambda x: layers.Conv2D(3, 1)(layers.ReLU(negative_slope=0.1)(x)),
    ],
)
def test_passes_factors_on(build, patches):
    network = mapped(build)
    first = network.get_layer("first")
    first.kernel.assign(first.kernel * np.array([0.01, 1, 3, 0]))  # the last is never heard
    equal = equalize_channels(network, patches)
    assert not np.array_equal(first.kernel, equal.get_layer("first").kernel)
    expected = network.predict(patches, verbose=0)
    np.testing.assert_allclose(
        equal.predict(patches, verbose=0), expected, atol=1e-5 * abs(expected).max()
    )


def test_a_network_of_zeros_stays(patches):
    network = mapped(lambda x: layers.Conv2D(3, 1, kernel_initializer="zeros")(x))
    network.get_layer("first").kernel.assign(np.zeros((8, 8, 1, 4)))
    assert not equalize_channels(network, patches).predict(patches, verbose=0).any()
