"""Trains in a process of its own: on several logical CPUs, or as one of several workers. Prints a
line at each step; the end's weights are the folder's `final-INDEX.npz`."""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.zoo.training.conftest import SMALL
from zoo.architecture import register_architecture
from zoo.data import open_prepared
from zoo.layers import conv_bn
from zoo.training import TrainConfig, train
from zoo.training.cluster import read_cluster


def smooth(x, width):
    """Batch norm without ReLU: where a ReLU switches, a last bit becomes a gradient's first one."""
    x = conv_bn(x, 8, 5, strides=4, relu=False, name="first")
    x = conv_bn(keras.ops.tanh(x), 8, 5, strides=4, relu=False, name="second")
    return keras.layers.GlobalAveragePooling2D()(keras.ops.tanh(x))


class Steps(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("step", int(self.model.optimizer.iterations.numpy()), flush=True)


def main(task):
    register_architecture("smooth", source="ours")(smooth)
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * task["devices"]
    tf.config.set_logical_device_configuration(cpu, logical)
    if task["devices"] > 1:
        devices = [f"CPU:{number}" for number in range(task["devices"])]
        strategy = tf.distribute.MirroredStrategy(devices)
    else:
        strategy = None
    folder = Path(task["folder"])
    classifier = train(
        open_prepared(task["data"]),
        folder,
        TrainConfig.from_dict({**SMALL, **task["options"]}),
        strategy=strategy,
        callbacks=[Steps()],
    )
    cluster = read_cluster()
    worker = cluster["task"]["index"] if cluster else 0
    np.savez(folder / f"final-{worker}.npz", *(v.numpy() for v in classifier.network.variables))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
