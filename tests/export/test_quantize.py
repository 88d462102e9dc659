import keras
import numpy as np
import pytest

from export.quantize import round_kernels, without_outliers
from zoo.networks import ResNet50


@pytest.fixture(params=["resnet50", "depthwise", "dense"])
def network(request):
    keras.utils.set_random_seed(0)
    if request.param == "resnet50":
        return ResNet50(classes=3, width=0.02)
    patch = keras.Input((96, 64))
    if request.param == "depthwise":
        x = keras.layers.Reshape((12, 8, 64))(patch)
        return keras.Model(patch, keras.layers.DepthwiseConv2D(5, depth_multiplier=2)(x))
    return keras.Model(patch, keras.layers.Dense(8)(keras.layers.Flatten()(patch)))


def first_kernel(network):
    """The first kernel, `[inputs, units]`, and the axes over which one scale holds."""
    layer = next(layer for layer in network.layers if hasattr(layer, "kernel"))
    kernel = layer.kernel.numpy()
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return kernel.reshape(5 * 5, 64 * 2), 0
    return kernel.reshape(-1, kernel.shape[-1]), 0 if kernel.ndim == 4 else None


def test_rounds_the_first_kernel_and_keeps_its_sums(network):
    (exact, axis), (rounded, _) = (
        first_kernel(network),
        first_kernel(round_kernels(network, "int8")),
    )
    step = np.abs(exact).max(axis=axis) / 127
    # The converter finds the same steps, and rounds to what is there.
    np.testing.assert_allclose(np.abs(rounded).max(axis=axis), 127 * step, rtol=1e-5)
    steps = rounded / step
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.abs((rounded - exact) / step).max() < 1.001
    plainly = np.round(exact / step) * step
    sums = exact.sum(axis=0)
    assert np.abs((rounded.sum(axis=0) - sums) / step).max() < 0.51
    assert np.abs((plainly.sum(axis=0) - sums) / step).max() > 1


def test_leaves_the_network_and_the_other_weights_as_they_are(network):
    before = network.get_weights()
    after = round_kernels(network, "int8").get_weights()
    for weight, same in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)
    for weight, same in zip(before[1:], after[1:], strict=True):
        np.testing.assert_array_equal(weight, same)


def test_takes_a_kernel_of_zeros():
    patch = keras.Input((96, 64))
    zeros = keras.layers.Dense(2, kernel_initializer="zeros")
    network = keras.Model(patch, zeros(keras.layers.Flatten()(patch)))
    assert not first_kernel(round_kernels(network, "int8"))[0].any()


def test_rounds_every_kernel_that_will_be_dynamic(network):
    after = {layer.name: layer for layer in round_kernels(network, "dynamic").layers}
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            same = np.array_equal(layer.kernel, after[layer.name].kernel)
            assert same == (layer.kernel.numpy().size < 1024)


@pytest.mark.parametrize("quantize", ["none", "float16"])
def test_rounds_nothing_that_stays_float(network, quantize):
    assert round_kernels(network, quantize) is network


@pytest.mark.parametrize("outliers", [8, 18])
def test_leaves_out_what_goes_far_beyond_the_usual(network, outliers):
    rng = np.random.default_rng(0)
    patches = rng.normal(0, 0.1, (40, 96, 64)).astype("float32")
    loud = rng.choice(40, outliers, replace=False)
    patches[loud] *= 30
    kept = without_outliers(network, patches)
    np.testing.assert_array_equal(kept, np.delete(patches, loud, axis=0))


def test_outliers_of_layers_that_are_models_give_lists_or_are_called_twice():
    patch = keras.Input((96, 64))
    shared = keras.layers.Dense(64)
    inner = keras.Sequential([keras.Input((96, 64)), keras.layers.Dense(4)])
    sequence, _ = keras.layers.GRU(2, return_sequences=True, return_state=True)(
        inner(shared(shared(patch)))
    )
    network = keras.Model(patch, keras.layers.Flatten()(sequence))
    patches = np.ones((10, 96, 64), "float32")
    patches[3] *= 100
    kept = without_outliers(keras.models.clone_model(network), patches)
    np.testing.assert_array_equal(kept, np.delete(patches, 3, axis=0))


@pytest.mark.parametrize("loudness", [(0, 0, 0), (1, 2, 1)])
def test_patches_that_are_much_alike_are_all_usual(network, loudness):
    patches = np.array(loudness, "float32")[:, np.newaxis, np.newaxis] * np.ones((96, 64))
    np.testing.assert_array_equal(without_outliers(network, patches), patches)
