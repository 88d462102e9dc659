"""NumPy's files from elsewhere: what they declare is checked before it is believed.

`numpy.load` reserves memory for whatever shape stands in a file, opens an archive where one array
is expected, and raises what the bytes happen to lead to.
"""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frontend.types import StrPath
from zoo.errors import one_line

_MOST_INFLATED = 1 << 31
"""Bytes of compressed arrays; the paper's largest network, with 3087 labels, is 0.25 GB."""


def read_npz(content: bytes | memoryview) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an `.npz` archive, by name; they cannot be written to.

    Args:
        content: of the file. Of a file itself `zipfile` would read as much as it says it has.

    Raises:
        ValueError: it is no such archive, is damaged, or holds objects, which could be anything,
            or arrays of other sizes than it says. The message goes on from the file's name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            inflated = sum(entry.file_size for entry in entries if entry.compress_type)
            if inflated > _MOST_INFLATED:
                raise ValueError(f"its arrays would be inflated to {inflated} bytes")
            return {
                entry.filename.removesuffix(".npy"): _array(archive.read(entry))
                for entry in entries
            }
    except Exception as error:  # of a damaged archive, whatever its bytes lead to
        raise ValueError(f"is damaged, or no npz file: {_reason(error)}") from None


def map_npy(
    path: StrPath, dtype: np.dtype[Any] | type[np.generic], dimensions: int
) -> npt.NDArray[Any]:
    """The array of an `.npy` file, which is read when it is used.

    Args:
        path: of the file.
        dtype: of the array, or a kind of them, as `numpy.floating`.
        dimensions: how many it has.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no such array, or not all of it. The message goes on from the file's
            name.
    """
    try:
        with np.errstate(over="ignore"):  # of sizes that no file has
            array = np.lib.format.open_memmap(Path(path), mode="r")
    except OSError:
        raise
    except Exception as error:  # of a damaged header, whatever its bytes lead to
        raise ValueError(f"is damaged, or no npy file: {_reason(error)}") from None
    if isinstance(dtype, np.dtype):
        fits, expected = array.dtype == dtype, str(dtype)
    else:
        fits, expected = np.issubdtype(array.dtype, dtype), dtype.__name__
    if not fits or array.ndim != dimensions:
        raise ValueError(
            f"holds {array.dtype} in {array.ndim} dimensions, and {expected} in {dimensions} is "
            "expected"
        )
    return array


def _array(content):
    """The array of an `.npy` file's bytes, which it shares."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) == (1, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, by_columns, dtype = np.lib.format.read_array_header_2_0(file)
    array = np.frombuffer(content, dtype, offset=file.tell())
    if dtype.kind == "U" and array.view(dtype.str[0] + "u4").max(initial=0) > sys.maxunicode:
        raise ValueError("it has text of letters that there are not")
    if min(shape, default=0) < 0:  # which NumPy would find out itself
        raise ValueError(f"it has an array of shape {shape}")
    return array.reshape(shape, order="F" if by_columns else "C")


def _reason(error):
    return one_line(error) or type(error).__name__
