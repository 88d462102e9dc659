"""Arrays of a file that `torch.save` wrote, without PyTorch and without running what it says.

Such a file is a pickle, which may call any function by name, beside the bytes of its tensors. Here
only the names that a `state_dict` needs mean anything, and they mean what stands in this file.
There are two layouts: a zip archive, since PyTorch 1.6, and before it pickles and bytes in a row.
"""

import collections
import io
import math
import pickle
import pickletools
import struct
import zipfile
from dataclasses import dataclass

import numpy as np

from zoo.errors import one_line

_MAGIC = 0x1950A86A20F9469CFC6C  # of the older layout
_STATE = "model"
"""Under which PANNs keep the arrays, beside what training needs."""

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class _Fixed:
    """What a pickle can name but not change."""

    def __setstate__(self, _):
        raise ValueError("changes what its tensors are made by")


@dataclass(frozen=True)
class _Storage(_Fixed):
    """Bytes of tensors, not read yet: their key in the file, and what they are."""

    key: str
    dtype: str
    numbers: int

    @property
    def size(self):
        return self.numbers * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class _Tensor(_Fixed):
    """A view on a storage, whose arguments are those of PyTorch's function for it."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, content):
        shape, strides = self.shape, self.strides
        whole = [self.offset, *shape, *strides]
        if len(shape) != len(strides) or not all(type(n) is int and n >= 0 for n in whole):
            raise ValueError("has a tensor of no shape")
        last = self.offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        # No more numbers than there are: a stride of 0 could repeat one of them without end.
        if math.prod(shape) > self.storage.numbers or (
            math.prod(shape) and last >= self.storage.numbers
        ):
            raise ValueError("has a tensor that reaches over its bytes")
        numbers = np.frombuffer(content, self.storage.dtype)[self.offset :]
        steps = [stride * numbers.itemsize for stride in strides]
        return np.lib.stride_tricks.as_strided(numbers, shape, steps).copy()


class _Ignored:
    """Stands for objects that training left in the file and that nothing here reads."""

    def __init__(self, *_):
        pass

    def __setstate__(self, _):
        pass


class _RebuildTensor(_Fixed):
    def __call__(self, storage, offset, shape, strides, *_):
        return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _RebuildParameter(_Fixed):
    def __call__(self, tensor, *_):
        return tensor


_NAMES = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _RebuildTensor(),
    ("torch._utils", "_rebuild_parameter"): _RebuildParameter(),
    **{("torch", name): kind for name, kind in _DTYPES.items()},
    ("_codecs", "encode"): _Ignored,
    **{
        (f"numpy{module}", name): _Ignored
        for module, name in [
            ("", "ndarray"),
            ("", "dtype"),
            (".core.multiarray", "_reconstruct"),
            (".core.multiarray", "scalar"),
            ("._core.multiarray", "_reconstruct"),
            ("._core.multiarray", "scalar"),
        ]
    },
}
"""All that a file may name, and what it means here."""


_NUMBERS = {"PUT", "BINPUT", "LONG_BINPUT"}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file)
        self.storages = {}
        self._file = file

    def load(self):
        # A pickle numbers what it refers to again as it comes, and memory is reserved up to the
        # largest number.
        start = self._file.tell()
        for count, (opcode, number, _) in enumerate(pickletools.genops(self._file)):
            if opcode.name in _NUMBERS and number > count:
                raise ValueError("refers to more than it holds")
        self._file.seek(start)
        return super().load()

    def find_class(self, module, name):
        if (module, name) not in _NAMES:
            raise ValueError(f"wants to run {module}.{name}, which no weights need")
        return _NAMES[module, name]

    def persistent_load(self, saved):
        kind, dtype, key, _, numbers, *view = saved
        if kind != "storage" or dtype not in _DTYPES.values() or any(view):
            raise ValueError("refers to bytes in a way that is not known")
        if type(key) is not str or type(numbers) is not int or numbers < 0:
            raise ValueError("has bytes of no length")
        self.storages[key] = storage = _Storage(key, dtype, numbers)
        return storage


def read_pytorch(path):
    """The arrays of a `state_dict`, by name, in a file or under "model" in it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, of another kind, or names what no weights need.
    """
    with open(path, "rb") as file:
        # In memory no more can be read than there is, whatever a length in it says.
        return _read(path, io.BytesIO(file.read()))


def _read(path, file):
    try:
        tensors, contents = (_read_zip if zipfile.is_zipfile(file) else _read_row)(file)
        return {
            name: tensor.array(contents[tensor.storage.key]) for name, tensor in tensors.items()
        }
    except ValueError as error:
        raise ValueError(f"{path} is no file of PyTorch weights: it {one_line(error)}.") from None
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to ask for
        reason = one_line(f"{type(error).__name__}: {error}")
        raise ValueError(f"{path} is damaged, or no file of PyTorch weights: {reason}.") from None


def _read_zip(file):
    with zipfile.ZipFile(file) as archive:
        entries = {name.partition("/")[2]: name for name in archive.namelist()}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("is compressed, as PyTorch's files are not")
        if "data.pkl" not in entries:
            raise ValueError("has no data.pkl in its archive")
        if "byteorder" in entries and archive.read(entries["byteorder"]) != b"little":
            raise ValueError("is from a machine of another byte order")
        tensors = _state(_Unpickler(io.BytesIO(archive.read(entries["data.pkl"]))).load())
        contents = {}
        for storage in {tensor.storage for tensor in tensors.values()}:
            entry = archive.getinfo(entries.get(f"data/{storage.key}", "no such entry"))
            if entry.file_size != storage.size:
                raise ValueError(f"has not the {storage.size} bytes that its tensors need")
            contents[storage.key] = archive.read(entry)
        return tensors, contents


def _read_row(file):
    file.seek(0)
    if _Unpickler(file).load() != _MAGIC:
        raise ValueError("does not begin as one")
    _Unpickler(file).load()  # the version
    if not _Unpickler(file).load()["little_endian"]:
        raise ValueError("is from a machine of another byte order")
    everything = _Unpickler(file)
    tensors = _state(everything.load())
    contents = {}
    for key in _Unpickler(file).load():
        storage = everything.storages[key]
        if struct.unpack("<q", file.read(8)) != (storage.numbers,):
            raise ValueError(f"has not the {storage.size} bytes that its tensors need")
        contents[key] = file.read(storage.size)
        if len(contents[key]) != storage.size:
            raise ValueError("is cut short")
    return tensors, contents


def _state(loaded):
    """The tensors of a `state_dict`."""
    state = loaded.get(_STATE, loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict):
        raise ValueError("holds no state_dict")
    tensors = {name: value for name, value in state.items() if isinstance(value, _Tensor)}
    if not tensors or not all(isinstance(tensor.storage, _Storage) for tensor in tensors.values()):
        raise ValueError("holds no tensors by name")
    return {str(name): tensor for name, tensor in tensors.items()}
