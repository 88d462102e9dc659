"""Files that appear complete or not at all."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

# It can be asked for only by setting it, which at another time would disturb other threads.
_UMASK = os.umask(0)
os.umask(_UMASK)


@contextlib.contextmanager
def write_atomically(path):
    """Opens a binary file that takes its place at `path` when the block ends without an error.

    It can be read, too. An error, or the end of the process, leaves what was at `path` before. A
    link is followed, and what is no regular file (a device, a pipe) is written to directly.

    Raises:
        OSError: `path` cannot be written; `check_writable` says so beforehand.
    """
    check_writable(path)
    path = Path(path).resolve()
    if path.exists() and not path.is_file():
        with open(path, "wb") as file:
            yield file
        return
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with open(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o666 & ~_UMASK)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def sha256(path):
    """The SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_writable(path):
    """Raises OSError, with a word on `path`, if a file cannot be written there."""
    path = Path(path)
    folder = path.resolve().parent
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory; name a file.")
    if not folder.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {folder}.")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{path} cannot be written: the folder {folder} is read-only.")
