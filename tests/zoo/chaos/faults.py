"""What happens to a command: functions that its process calls before the command runs."""

import os
import resource
import signal
import sys
import time

_CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def count_changes(path):
    """Writes a byte to a file before each change of the file system that Python makes."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    _before_changes(lambda: os.write(file, b"."))


def kill_before(change):
    """SIGKILL before the change of this number."""
    left = change

    def count():
        nonlocal left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    _before_changes(count)


def _before_changes(call):
    def hear(event, arguments):
        if event in _CHANGES or (event == "open" and arguments[2] & _TO_WRITE):
            call()

    sys.addaudithook(hear)


def limit_files(size):
    """No file grows beyond so many bytes, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def turn_clock_back():
    """It is a day earlier at each look."""
    now = time.time()

    def earlier():
        nonlocal now
        now -= 24 * 3600
        return now

    time.time = earlier
    time.time_ns = lambda: int(earlier() * 1e9)
