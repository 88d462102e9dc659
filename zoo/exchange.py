"""Two paths change places in one step, where the system has one for it."""

import ctypes
import os
import sys

_HERE = -100  # AT_FDCWD of <fcntl.h>: relative paths begin at the working directory
_EXCHANGE = 2  # RENAME_EXCHANGE of <linux/fs.h>; RENAME_SWAP of macOS' <sys/stdio.h>


def exchange(one, other):
    """Lets two paths change places, so that nobody ever finds either of them empty.

    Args:
        one: path of a file or folder.
        other: another one, on the same file system.

    Returns:
        Whether they did. They did not where the system cannot (neither Linux nor macOS), nor the
        file system (some of a network), nor where one of the two is missing.
    """
    one, other = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "linux":
            status = ctypes.CDLL(None).renameat2(_HERE, one, _HERE, other, _EXCHANGE)
        elif sys.platform == "darwin":
            status = ctypes.CDLL(None).renamex_np(one, other, _EXCHANGE)
        else:
            return False
    except AttributeError:  # a C library from before
        return False
    return status == 0
