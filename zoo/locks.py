"""Locks on folders, by which processes know of each other. No clock is asked, and nothing left."""

import contextlib
import os

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


class Lock:
    """A lock on a folder, until `close` or the end of the process, however it ends.

    A context manager.

    Args:
        folder: an existing one.

    Attributes:
        certain: whether nobody else can hold it; False where the system has no such locks, or the
            file system, as some of a network.

    Raises:
        BlockingIOError: another process holds it, or another lock of this one.
        OSError: there is no such folder.
    """

    def __init__(self, folder):
        self.certain = False
        self._descriptor = None
        if fcntl is None:
            return
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.certain = True
        except BlockingIOError:
            self.close()
            raise
        except OSError:  # no such locks there
            pass

    def close(self):
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def alone_in(folder):
    """Keeps other processes that ask for the same from writing to a folder while the block runs.

    Args:
        folder: an existing one.

    Raises:
        BlockingIOError: another process is at it.
    """
    try:
        lock = Lock(folder)
    except BlockingIOError:
        raise BlockingIOError(
            f"Another process is writing to {folder}; wait for its end, or name another place."
        ) from None
    with lock:
        yield
