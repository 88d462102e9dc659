"""What PyTorch computes, in NumPy, for the networks that tests make up: float64, one clip; and the
files that it writes."""

import collections
import io
import pickle
import struct
import sys
import types
import zipfile
from unittest import mock

import numpy as np


def made_up(shapes, seed=0):
    """Arrays of names and shapes, as a trained network might have them: float32."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, shape in shapes.items():
        if name.endswith("running_var"):
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            base = 1 if name.endswith("weight") else 0
            values = base + rng.normal(0, 0.2, shape)
        else:
            values = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        arrays[name] = values.astype(np.float32)
    return arrays


def norm_shapes(name, units):
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (units,) for part in parts}


def conv2d(x, kernel, stride=1):
    """`[in, ., .]` -> `[out, ., .]`; padding (k - 1) // 2. One input a unit: depthwise."""
    around = (kernel.shape[-1] - 1) // 2
    x = np.pad(x, [(0, 0), (around, around), (around, around)])
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    if kernel.shape[1] == 1 and len(x) == len(kernel) > 1:
        return np.einsum("chwij,cij->chw", windows, kernel[:, 0])
    return np.einsum("chwij,ocij->ohw", windows, kernel, optimize=True)


def norm(x, arrays, name, epsilon):
    """Batch norm of `[units, ., .]`."""
    parts = ("weight", "bias", "running_mean", "running_var")
    weight, bias, mean, variance = (
        arrays[f"{name}.{part}"].astype(float)[:, np.newaxis, np.newaxis] for part in parts
    )
    return (x - mean) / np.sqrt(variance + epsilon) * weight + bias


def average_pool(x, size):
    """Of `[units, ., .]`; what does not fill a window is left out."""
    units, height, width = x.shape
    x = x[:, : height // size * size, : width // size * size]
    return x.reshape(units, height // size, size, width // size, size).mean(axis=(2, 4))


def linear(x, arrays, name):
    return arrays[f"{name}.weight"].astype(float) @ x + arrays[f"{name}.bias"]


def save(path, state, older=False):
    """Writes arrays, or what holds them, as `torch.save` does, in either of its layouts."""
    storages = {}
    pickled = io.BytesIO()
    with mock.patch.dict(sys.modules, torch=_TORCH, **{"torch._utils": _TORCH_UTILS}):
        _Pickler(pickled, storages, older).dump(state)
    if older:
        content = b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001))
        content += pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2)
        content += pickled.getvalue() + pickle.dumps(list(storages), 2)
        for array in storages.values():
            content += struct.pack("<q", array.size) + array.tobytes()
        path.write_bytes(content)
        return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", "little")
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
        archive.writestr("archive/version", "3\n")


def ordered(arrays):
    """A `state_dict`, which has an attribute beside its items."""
    state = collections.OrderedDict(arrays)
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state


_TORCH, _TORCH_UTILS = types.ModuleType("torch"), types.ModuleType("torch._utils")
_STORAGES = {
    np.dtype("f4"): "FloatStorage",
    np.dtype("i8"): "LongStorage",
    np.dtype("f2"): "HalfStorage",
}


def _rebuild_tensor_v2():
    """Of PyTorch; here it is a name alone."""


_rebuild_tensor_v2.__module__ = "torch._utils"
_TORCH_UTILS._rebuild_tensor_v2 = _rebuild_tensor_v2
for _name in _STORAGES.values():
    setattr(_TORCH, _name, type(_name, (), {"__module__": "torch"}))


class _Storage:
    def __init__(self, array):
        self.array = array


class _Pickler(pickle.Pickler):
    def __init__(self, file, storages, older):
        super().__init__(file, 2)
        self.storages, self.older = storages, older

    def persistent_id(self, obj):
        if not isinstance(obj, _Storage):
            return None
        key = str(len(self.storages))
        self.storages[key] = obj.array
        kind = getattr(_TORCH, _STORAGES[obj.array.dtype])
        view = (None,) if self.older else ()
        return ("storage", kind, key, "cpu", obj.array.size, *view)

    def reducer_override(self, obj):
        if type(obj) is not np.ndarray:
            return NotImplemented
        # A transposed array is a view with strides of its own, as a tensor is.
        base = obj if obj.base is None else obj.base
        strides = tuple(stride // obj.itemsize for stride in obj.strides)
        arguments = (_Storage(base), 0, obj.shape, strides, False, collections.OrderedDict())
        return _rebuild_tensor_v2, arguments
