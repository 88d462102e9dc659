"""Weights from elsewhere: what a file declares is checked before any of it is read.

HDF5 believes a file: it reserves memory for whatever shape stands there, inflates a chunk for as
long as it goes on, and follows links to other files of the machine.
"""

import contextlib
import math
import operator
import zlib
from collections import Counter

import numpy as np

_BFLOAT16 = np.dtype("V2")  # as Keras writes it
_DEFLATE, _SHUFFLE = 1, 2  # HDF5's numbers of filters
_MOST_DEFLATED = 1032  # numbers of which one is stored, at most (zlib's technical details)
_SPARE = 1 << 16  # numbers that a network has and need not be given, such as seeds of dropout
_NO_HDF5 = "is not an HDF5 file, or is damaged"
_FILTERS: tuple[list[int], ...] = ([], [_DEFLATE], [_SHUFFLE, _DEFLATE])


def check_weights(path, network):
    """Refuses a file of weights that holds other arrays than a network's, or more of them.

    What reads the file then needs no more memory than the network itself, and says what is missing.

    Args:
        path: of an HDF5 file, as `keras.Model.save_weights` writes it.
        network: a built `keras.Model`.

    Raises:
        ValueError: the file is not HDF5, its arrays are not of the shapes of the weights or not
            numbers, it refers to other files, or its chunks are not what their array needs. The
            message goes on from the file's name.
    """
    import h5py  # here, because what lists presets needs none of it

    allowed = Counter(tuple(variable.shape) for variable in network.variables)

    # What is wrong is returned, which ends the visit: exceptions do not pass through HDF5 in order.
    def fault(name, link):
        if not isinstance(link, h5py.HardLink):
            return f"refers to something elsewhere by {name!r}"
        item = file[name]
        if not isinstance(item, h5py.Dataset):
            return None
        allowed[item.shape] -= 1
        if allowed[item.shape] < 0:
            return f"holds weights of another network: {item.shape} in {name!r}"
        return _fault_of_array(path, name, item)

    try:
        with h5py.File(path, "r") as file:
            # Places in the file would count from behind the block.
            found = "begins with a block of its own" if file.userblock_size else None
            found = found or file.visititems_links(fault)
    except (OSError, RuntimeError, KeyError, SystemError):
        found = _NO_HDF5
    if found:
        raise ValueError(found)


def count_numbers(path):
    """How many numbers a file of weights can hold, whatever shapes it declares.

    Raises:
        ValueError: the file is not HDF5. The message goes on from the file's name.
    """
    import h5py

    counts = []

    def count(_, item):
        if isinstance(item, h5py.Dataset):
            stored = item.id.get_storage_size() * _MOST_DEFLATED // max(item.dtype.itemsize, 1)
            counts.append(min(item.size or 0, stored))

    try:
        with h5py.File(path, "r") as file:
            file.visititems(count)
    except (OSError, RuntimeError, KeyError, SystemError, TypeError, ValueError):
        raise ValueError(_NO_HDF5) from None
    return sum(counts)


@contextlib.contextmanager
def at_most(numbers):
    """Refuses networks that are built of more weights, before it reserves memory for them.

    Raises:
        ValueError: there are more.
    """
    import tensorflow as tf

    left, elsewhere = numbers + _SPARE, tf.Graph()

    def create(next_creator, **options):
        nonlocal left
        with elsewhere.as_default():  # where nothing is computed
            initial = options["initial_value"]
            left -= math.prod((initial() if callable(initial) else initial).shape)
        if left < 0:
            raise ValueError(f"its network has more weights than the {numbers} that are beside it")
        return next_creator(**options)

    with tf.variable_creator_scope(create):
        yield


def _fault_of_array(path, name, array):
    numbers = array.dtype.kind in "iuf" or array.dtype == _BFLOAT16
    if not numbers or array.dtype.itemsize > 8:
        return f"holds {array.dtype} in {name!r}, where numbers are expected"
    if array.is_virtual or array.external:
        return f"refers to something elsewhere by {name!r}"
    if array.chunks and not _chunks_fit(path, array):
        return f"holds chunks of another size than they should be in {name!r}"
    return None


def _chunks_fit(path, array):
    created = array.id.get_create_plist()
    filters = [created.get_filter(index)[0] for index in range(created.get_nfilters())]
    size = math.prod(array.chunks) * array.dtype.itemsize
    if filters not in _FILTERS or any(map(operator.gt, array.chunks, array.shape)):
        return False
    with open(path, "rb") as file:  # HDF5 would inflate what it reads

        def differs(chunk):
            file.seek(chunk.byte_offset)
            content = file.read(chunk.size)
            return chunk.filter_mask or not _is_whole(content, _DEFLATE in filters, size) or None

        return array.id.chunk_iter(differs) is None


def _is_whole(chunk, deflated, size):
    if not deflated:
        return len(chunk) == size
    inflater = zlib.decompressobj()
    try:
        return len(inflater.decompress(chunk, size + 1)) == size and inflater.eof
    except zlib.error:
        return False
