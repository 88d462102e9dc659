"""Checkpoints: files that hold all of a run's state, appear whole or not at all, and are checked.

A checkpoint is a NumPy archive, `step-00001400.npz`, of the variables and a JSON text with the step
and what else must be known to go on. Its last 32 bytes are the SHA-256 of what is before them.
"""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np

from zoo.array_files import read_npz
from zoo.files import remove_abandoned, write_atomically
from zoo.json_text import parse_json

KEPT = 3
"""Checkpoints that stay: the newest, and two to fall back on."""

_STATE = "state"
_OTHERS = "others/"
_CHECKSUM_BYTES = 32


def save_checkpoint(folder, step, state, variables, others=None):
    """Writes a checkpoint and removes the oldest.

    Args:
        folder: of the checkpoints.
        step: steps that were trained.
        state: what `json.dumps` takes.
        variables: dict of lists of `tf.Variable`.
        others: dict of further arrays.

    Returns:
        The checkpoint's path.

    Raises:
        OSError: it cannot be written. The checkpoints before it are as they were.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{group}/{number}": variable.numpy()
        for group, members in variables.items()
        for number, variable in enumerate(members)
    }
    arrays |= {f"{_OTHERS}{name}": array for name, array in (others or {}).items()}
    text = json.dumps({**state, "step": step})
    checkpoint = folder / f"step-{step:08d}.npz"
    with write_atomically(checkpoint) as file:
        np.savez(file, **{_STATE: np.array(text)}, **arrays)
        file.seek(0)
        checksum = hashlib.file_digest(file, "sha256").digest()
        file.write(checksum)  # at the end, up to where the digest read
    _remove_old(_newest_first(folder))
    return checkpoint


def load_checkpoint(folder):
    """Reads the newest checkpoint that is whole; warns of one that is not.

    What `save_checkpoint` had left to remove when it was killed is removed.

    Returns:
        Its path, its state, the values of the variables by name, and the further arrays; or None
        if there is no checkpoint.

    Raises:
        ValueError: there are checkpoints, and none is whole, or what is whole is none.
    """
    folder = Path(folder)
    if folder.is_dir():
        remove_abandoned(folder, ".step-")
    paths = _newest_first(folder)
    for number, path in enumerate(paths):
        content = path.read_bytes()
        archive = memoryview(content)[:-_CHECKSUM_BYTES]
        if hashlib.sha256(archive).digest() == content[-_CHECKSUM_BYTES:]:
            arrays, state = _parts(path, archive)
            others = {
                name.removeprefix(_OTHERS): arrays.pop(name)
                for name in list(arrays)
                if name.startswith(_OTHERS)
            }
            _remove_old(paths[number:])  # damaged ones stay: what is older may be all that is whole
            return path, state, arrays, others
        warnings.warn(f"{path} is damaged and is passed over.", stacklevel=2)
    if paths:
        raise ValueError(
            f"No checkpoint in {folder} can be read; remove the folder to train from the beginning."
        )
    return None


def assign_checkpoint(path, arrays, variables):
    """Gives variables the values of a checkpoint.

    Raises:
        ValueError: the checkpoint is of another network or other options.
    """
    found = {
        f"{group}/{number}": variable
        for group, members in variables.items()
        for number, variable in enumerate(members)
    }
    shapes = {name: tuple(variable.shape) for name, variable in found.items()}
    if shapes != {name: array.shape for name, array in arrays.items()}:
        raise ValueError(
            f"{path} is a checkpoint of another network: it holds {len(arrays)} arrays of "
            f"{sum(array.size for array in arrays.values()):,} numbers, and this run has "
            f"{len(shapes)} of {sum(np.prod(shape, dtype=int) for shape in shapes.values()):,}, "
            "or of other shapes. Name another run folder."
        )
    for name, variable in found.items():
        variable.assign(arrays[name])


def _parts(path, archive):
    """The arrays and the state in the bytes of a checkpoint."""
    try:
        arrays = read_npz(archive)
        text = arrays.pop(_STATE)
        state = parse_json(text.item() if text.dtype.kind == "U" and not text.ndim else "")
        if not isinstance(state, dict) or not isinstance(state.get("step"), int):
            raise ValueError("names no step")
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is no checkpoint: it {error}. Name another folder.") from None
    return arrays, state


def _newest_first(folder):
    return sorted(folder.glob("step-*.npz"), reverse=True)


def _remove_old(newest_first):
    for path in newest_first[KEPT:]:
        path.unlink(missing_ok=True)  # another worker may be first
