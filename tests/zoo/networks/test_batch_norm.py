"""The fused batch norm is the stock layer, in value and in gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.networks.batch_norm import FusedBatchNormalization


def inputs(dtype="float32"):
    return tf.cast(np.random.default_rng(0).normal(2, 3, size=(4, 6, 5, 7)), dtype)


def step(layer, x):
    """Output, gradient of the input and of the parameters, and the moving statistics."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(y, "float32") ** 3)
    gradients = tape.gradient(loss, [x, *[v.value for v in layer.trainable_variables]])
    return [y, *gradients, *[v.value for v in layer.non_trainable_variables]]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.05)])
def test_equals_the_stock_layer_in_training(dtype, tolerance):
    x = inputs(dtype.removeprefix("mixed_"))
    fused = step(FusedBatchNormalization(dtype=dtype, momentum=0.9), x)
    stock = step(keras.layers.BatchNormalization(dtype=dtype, momentum=0.9), x)
    for ours, theirs in zip(fused, stock, strict=True):
        assert ours.dtype == theirs.dtype
        scale = float(tf.reduce_max(tf.abs(tf.cast(theirs, "float32"))))
        np.testing.assert_allclose(
            tf.cast(ours, "float32"), tf.cast(theirs, "float32"), atol=tolerance * scale
        )


def test_trains_in_one_fused_operation():
    layer = FusedBatchNormalization()

    @tf.function
    def train(x):
        return layer(x, training=True)

    graph = train.get_concrete_function(inputs()).graph
    assert "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize("arguments", [{"scale": False}, {"center": False}, {"axis": 1}])
def test_other_arguments_work_as_in_the_stock_layer(arguments):
    x = inputs()
    np.testing.assert_allclose(
        FusedBatchNormalization(**arguments)(x, training=True),
        keras.layers.BatchNormalization(**arguments)(x, training=True),
        atol=1e-5,
    )


def test_frozen_layer_keeps_its_statistics():
    layer = FusedBatchNormalization()
    layer.build((None, 6, 5, 7))
    layer.trainable = False
    before = [variable.numpy().copy() for variable in layer.variables]
    layer(inputs(), training=True)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_config_round_trip():
    layer = FusedBatchNormalization(momentum=0.5, epsilon=0.1)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is FusedBatchNormalization
    assert again.get_config() == layer.get_config()
