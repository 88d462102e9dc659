"""The fused batch norm is the stock layer, in value and in gradient, on one device or many."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.batch_norm import FusedBatchNormalization


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


# As in the paper's networks; as in YAMNet's MobileNet; as before a layer with a bias.
WITH_AND_WITHOUT = [{}, {"scale": False, "epsilon": 1e-4}, {"center": False}]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.05)])
@pytest.mark.parametrize("arguments", WITH_AND_WITHOUT, ids=str)
def test_equals_the_stock_layer_in_training(arguments, dtype, tolerance):
    x = inputs(dtype.removeprefix("mixed_"))
    fused = step(FusedBatchNormalization(dtype=dtype, momentum=0.9, **arguments), x)
    stock = step(keras.layers.BatchNormalization(dtype=dtype, momentum=0.9, **arguments), x)
    for ours, theirs in zip(fused, stock, strict=True):
        assert ours.dtype == theirs.dtype
        scale = float(tf.reduce_max(tf.abs(tf.cast(theirs, "float32"))))
        np.testing.assert_allclose(
            tf.cast(ours, "float32"), tf.cast(theirs, "float32"), atol=tolerance * scale
        )


@pytest.mark.parametrize("arguments", WITH_AND_WITHOUT, ids=str)
def test_trains_in_one_fused_operation(arguments):
    layer = FusedBatchNormalization(**arguments)

    @tf.function
    def train(x):
        return layer(x, training=True)

    graph = train.get_concrete_function(inputs()).graph
    assert "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize("arguments", [{"scale": False, "center": False}, {"axis": 1}])
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


# TensorFlow is told of its devices before it starts, and a process runs one strategy only: each
# test with replicas is a process of its own.
REPLICAS = """
import json

import keras
import numpy as np
import tensorflow as tf

import zoo
from zoo.layers.batch_norm import FusedBatchNormalization

cpu = tf.config.list_physical_devices("CPU")[0]


def mirrored():
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def train(strategy, make, x, dtype="float32"):
    # The outputs and the gradient of the inputs, of the replicas at hand; the gradients of the
    # weights, summed over the replicas; the moving statistics.
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(dtype)
    with strategy.scope():
        model = make()
    share = len(x) // strategy.num_replicas_in_sync

    def part(context):
        first = context.replica_id_in_sync_group * share
        return tf.cast(x[first : first + share], model.compute_dtype)

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=True)
            loss = tf.reduce_sum(tf.cast(y, "float32") ** 3)
        gradient, *gradients = tape.gradient(loss, [x, *[v.value for v in variables]])
        replica = tf.distribute.get_replica_context()
        return y, gradient, [replica.all_reduce("SUM", g) for g in gradients]

    def copies(value):
        return [np.asarray(v, "float32") for v in strategy.experimental_local_results(value)]

    variables = model.trainable_variables
    parts = strategy.experimental_distribute_values_from_function(part)
    y, gradient, gradients = tf.function(lambda: strategy.run(step, (parts,)))()
    moving = [copies(v.value) for v in model.non_trainable_variables if "moving" in v.name]
    assert moving and all((copy == each[0]).all() for each in moving for copy in each)
    same = [copies(g)[0] for g in gradients] + [each[0] for each in moving]
    return [np.concatenate(copies(y)), np.concatenate(copies(gradient)), *same]


def apart(found, expected):
    # The largest difference, as a part of the largest value of its array.
    pairs = list(zip(found, expected, strict=True))
    assert all(a.shape == b.shape for a, b in pairs)
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def layer(cls, **arguments):
    layer = cls(momentum=0.9, **arguments)
    layer.build((None, 6, 5, 7))
    if layer.scale:
        layer.gamma.assign(np.linspace(0.5, 2, 7))
    if layer.center:
        layer.beta.assign(np.linspace(-1, 1, 7))
    return layer


# The halves differ much in mean and variance.
x = np.random.default_rng(0).normal(2, 3, size=(4, 6, 5, 7)).astype("float32")
x[2:] = 5 * x[2:] - 20
"""

MIRRORED = """
one, two = tf.distribute.get_strategy(), mirrored()
found = {}
for dtype in ("float32", "mixed_bfloat16"):
    ours = train(two, lambda: layer(FusedBatchNormalization), x, dtype)
    alone = train(one, lambda: layer(FusedBatchNormalization), x, dtype)
    found[dtype] = {"one device": apart(ours, alone)}
    if dtype == "float32":
        stock = train(
            two, lambda: layer(keras.layers.BatchNormalization, synchronized=True), x, dtype
        )
        found[dtype]["stock"] = apart(ours, stock)
for missing in ({"scale": False, "epsilon": 1e-4}, {"center": False}):
    ours = train(two, lambda: layer(FusedBatchNormalization, **missing), x)
    stock = train(
        two, lambda: layer(keras.layers.BatchNormalization, synchronized=True, **missing), x
    )
    found["without " + next(iter(missing))] = apart(ours, stock)
shifted = train(two, lambda: layer(FusedBatchNormalization), np.full_like(x, 7))
found["finite"] = all(bool(np.isfinite(value).all()) for value in shifted)
print(json.dumps(found))
"""

RESNET = """
from zoo.networks import resnet50


def block():
    inputs = keras.Input((6, 5, 7))
    return keras.Model(inputs, resnet50._block(inputs, 8, 1, 2, name="block"))


def network():
    return zoo.ResNet50(classes=5, width=0.05)


one, two = tf.distribute.get_strategy(), mirrored()
found = {"block": apart(train(two, block, x), train(one, block, x))}
patches = np.random.default_rng(0).normal(size=(4, 96, 64)).astype("float32")
ours, alone = train(two, network, patches), train(one, network, patches)
weights = len(network().trainable_variables)
found["outputs"] = apart(ours[:1], alone[:1])
found["moving"] = apart(ours[2 + weights :], alone[2 + weights :])
steps = [np.concatenate([g.ravel() for g in run[1 : 2 + weights]]) for run in (ours, alone)]
found["gradients"] = float(np.linalg.norm(steps[0] - steps[1]) / np.linalg.norm(steps[1]))
print(json.dumps(found))
"""

WORKERS = """
strategy = tf.distribute.MultiWorkerMirroredStrategy()
assert strategy.num_replicas_in_sync == 2
ours = train(strategy, lambda: layer(FusedBatchNormalization), x)
print(json.dumps([value.tolist() for value in ours[2:]]))
"""

WHOLE = """
alone = train(tf.distribute.get_strategy(), lambda: layer(FusedBatchNormalization), x)
print(json.dumps([value.tolist() for value in alone[2:]]))
"""


def start(script, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", REPLICAS + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment},
    )


def answer(process):
    try:
        output, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, errors[-3000:]
    return json.loads(output.splitlines()[-1])


@pytest.mark.slow
def test_two_replicas_equal_one_device_and_the_stock_synchronised_layer():
    found = answer(start(MIRRORED))
    assert found["float32"]["one device"] < 1e-5
    assert found["float32"]["stock"] < 1e-5
    assert found["without scale"] < 1e-5
    assert found["without center"] < 1e-5
    assert found["mixed_bfloat16"]["one device"] < 0.05
    assert found["finite"]


@pytest.mark.slow
def test_a_resnet_trains_on_two_replicas_as_on_one_device():
    found = answer(start(RESNET))
    assert found["block"] < 1e-5
    # 50 layers of ReLU multiply float32's rounding, up to 0.1 of the largest gradient even between
    # this layer and the stock one on one device.
    assert found["outputs"] < 1e-4
    assert found["moving"] < 1e-4
    assert found["gradients"] < 0.1


@pytest.mark.slow
def test_two_workers_equal_one_device():
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    tasks = [{"cluster": cluster, "task": {"type": "worker", "index": i}} for i in range(2)]
    workers = [start(WORKERS, TF_CONFIG=json.dumps(task)) for task in tasks]
    first, second = [answer(worker) for worker in workers]
    assert first == second
    for found, expected in zip(first, answer(start(WHOLE)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
