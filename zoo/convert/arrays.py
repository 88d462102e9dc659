"""Named arrays of a file, and how they become a network's weights."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from frontend.types import StrPath
from zoo.array_files import read_npz
from zoo.convert.pytorch_file import read_pytorch
from zoo.labels import Label
from zoo.weights import check_weights

_PCA = "vggish_pca_params.npz"
"""Lies beside VGGish's checkpoint."""


class Arrays:
    """The arrays of a source by their names there. What a network takes is taken once.

    Args:
        path: where they are from, for messages.
        arrays: a dict of arrays by name.
    """

    def __init__(self, path: StrPath, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.path = os.fspath(path)
        self._arrays = dict(arrays)
        self._left = set(self._arrays)

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array; ValueError if there is none of the name."""
        return self._find(name).shape

    def units(self, name: str) -> int:
        """The length of an array that is a vector; ValueError if it is none."""
        shape = self.shape(name)
        if len(shape) != 1:
            raise ValueError(
                f"{self.path} is not the network that it resembles: {name!r} is {list(shape)}, "
                "where a vector is expected."
            )
        return shape[0]

    def labels(self, labels: list[Label] | None, name: str) -> list[Label]:
        """The labels, if they are as many as an array is long; ValueError otherwise."""
        classes = self.units(name)
        if labels is None:
            raise ValueError(
                f"{self.path} does not name its {classes} classes: put AudioSet's "
                "class_labels_indices.csv beside it, or name a list of classes by labels."
            )
        if len(labels) != classes:
            raise ValueError(f"{self.path} has {classes} classes. Received {len(labels)} labels.")
        return labels

    def take(self, name: str) -> npt.NDArray[Any]:
        """An array; ValueError if there is none of the name."""
        self._left.discard(name)
        return self._find(name)

    def ending(self, end: str) -> list[str]:
        """The names with an end, sorted."""
        return sorted(name for name in self._arrays if name.endswith(end))

    def keep(self, beginning: str) -> None:
        """Leaves out all names but those of a beginning."""
        self._left = {name for name in self._left if name.startswith(beginning)}

    def drop(self, *endings: str) -> None:
        """Leaves out what no network of ours needs, by the ends of the names."""
        self._left = {name for name in self._left if not name.endswith(endings)}

    def check_all_taken(self) -> None:
        """Raises ValueError if an array is left: the source is another network than it seemed."""
        if self._left:
            raise ValueError(
                f"{self.path} is not the network that it resembles: it has {len(self._left)} more "
                f"arrays, {min(self._left)!r} among them."
            )

    def _find(self, name):
        if name not in self._arrays:
            raise ValueError(f"{self.path} is incomplete: it has no {name!r}.")
        return self._arrays[name]


def read_arrays(path: StrPath) -> Arrays:
    """Reads the arrays of a file or folder, of whichever kind; nothing in it is executed.

    Raises:
        OSError: it cannot be read.
        ValueError: it is of no kind that is known, or damaged.
    """
    os.stat(path)  # says plainly what is missing
    path = Path(path)
    if path.is_dir():
        return Arrays(path, _read_checkpoint(path, path / "variables" / "variables"))
    if path.suffix == ".npz":
        return Arrays(path, _read_npz(path))
    if path.suffix in (".pt", ".pth"):
        return Arrays(path, read_pytorch(path))
    if path.suffix == ".h5":
        return Arrays(path, _read_h5(path))
    if path.suffix == ".ckpt":
        return Arrays(path, {**_read_checkpoint(path, path), **_read_npz(path.with_name(_PCA))})
    raise ValueError(
        f"{path} is of no kind that can be converted: a SavedModel's folder, or a file ending in "
        ".ckpt, .h5, .npz, .pt or .pth."
    )


def set_weights(arrays: Arrays, layer: keras.layers.Layer, values: Mapping[str, Any]) -> None:
    """Gives a layer its weights.

    Args:
        arrays: where they are from, for messages.
        layer: a built layer.
        values: the arrays by their names in the source, in the order of the layer's weights.

    Raises:
        ValueError: a shape differs from the layer's.
    """
    for (name, value), weight in zip(values.items(), layer.weights, strict=True):
        if tuple(value.shape) != tuple(weight.shape):
            raise ValueError(
                f"{arrays.path} is not the network that it resembles: {name!r} gives "
                f"{layer.name} {list(value.shape)}, which needs {list(weight.shape)}."
            )
    layer.set_weights([np.asarray(value, np.float32) for value in values.values()])


def set_from_pytorch(
    arrays: Arrays, layer: keras.layers.Layer, name: str, *, mel_first: bool = False
) -> None:
    """Gives a layer the weights of a module of PyTorch's.

    Args:
        arrays: of a `state_dict`.
        layer: a convolution, dense layer or batch norm.
        name: of the module.
        mel_first: whether feature maps are `[batch, units, mel, time]` there, and not `[batch,
            units, time, mel]`.
    """
    kernel = f"{name}.weight"
    if isinstance(layer, keras.layers.BatchNormalization):
        parts = ("weight", "bias", "running_mean", "running_var")
        values = {f"{name}.{part}": arrays.take(f"{name}.{part}") for part in parts}
    else:
        weights = arrays.take(kernel)
        if isinstance(layer, keras.layers.Dense):
            weights = weights.T
        else:
            # From [out, in, ., .]; a depthwise kernel has one input, and its units are channels.
            places = (3, 2) if mel_first else (2, 3)
            last = (0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (1, 0)
            weights = weights.transpose(*places, *last)
        values = {kernel: weights}
        if layer.use_bias:
            values[f"{name}.bias"] = arrays.take(f"{name}.bias")
    set_weights(arrays, layer, values)


def _read_checkpoint(path, prefix):
    """The variables in TensorFlow's checkpoint of a prefix."""
    import tensorflow as tf

    try:
        checkpoint = tf.train.load_checkpoint(str(prefix))
        kinds = checkpoint.get_variable_to_dtype_map()
        return {
            name: checkpoint.get_tensor(name) for name, kind in kinds.items() if kind.is_floating
        }
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} has no variables that TensorFlow can read: {reason}") from None


def _read_h5(path):
    """What Keras 2 wrote with `save_weights`: each array under its layer's name and its own."""
    import h5py

    from zoo.networks import MobileNetV1

    try:
        # The one network that is known in this form.
        check_weights(path, MobileNetV1(classes=521))
    except ValueError as error:
        raise ValueError(f"{path} {error}.") from None
    arrays = {}

    def read(name, item):
        if isinstance(item, h5py.Dataset):
            *layers, weight = name.split("/")
            # The layer stands twice: Keras named the array by it once more.
            arrays["/".join([*layers[len(layers) // 2 :], weight])] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(read)
    return arrays


def _read_npz(path):
    try:
        return read_npz(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} {error}.") from None
