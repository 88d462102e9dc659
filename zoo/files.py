"""Files that appear complete or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path


@contextlib.contextmanager
def write_atomically(path):
    """Opens a binary file that takes its place at `path` when the block ends without an error.

    An error, or the end of the process, leaves what was at `path` before.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    path = Path(path)
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(descriptor, "wb") as file:
            yield file
        os.chmod(scratch, 0o666 & ~_umask())
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
