"""Commands in processes of their own, so that something can happen to them.

They are forked from a server that has imported TensorFlow and has run nothing of it: a process is
there in a hundredth of the time that the import takes.
"""

import multiprocessing
import os
import sys
import time
from typing import NamedTuple

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [__name__, "tensorflow", "export", "zoo.cli", "zoo.cli.train_report"]
    + [f"zoo.{package}" for package in ("convert", "data", "evaluation", "training")]
)

_PIPE_BYTES = 1 << 16  # that Linux keeps; a command that prints more hangs


class Ended(NamedTuple):
    """How a process ended: its exit status, negative for a signal, and what it printed."""

    status: int
    output: str
    errors: str
    seconds: float


class Command:
    """A `soundzoo` command that runs.

    Args:
        arguments: of the command.
        fault: function that the process calls first, of `fault_arguments`; it can be pickled.
    """

    def __init__(self, arguments, fault=None, *fault_arguments):
        # Not files, which faults may keep from growing.
        self._printed, streams = zip(*(_CONTEXT.Pipe(duplex=False) for _ in "12"), strict=True)
        self._process = _CONTEXT.Process(
            target=_run, args=(list(map(str, arguments)), streams, fault, fault_arguments)
        )
        self._started = time.perf_counter()
        self._process.start()
        for stream in streams:
            stream.close()

    def wait_until(self, seconds):
        """Waits for that moment, or for the end."""
        self._process.join(max(0, seconds - (time.perf_counter() - self._started)))

    def kill_after(self, seconds):
        """SIGKILL at that moment, if it comes before the end."""
        self.wait_until(seconds)
        self._process.kill()
        return self.end()

    def end(self):
        """Waits; gives how it `Ended`."""
        self._process.join(300)
        assert self._process.exitcode is not None, "hangs"
        seconds = time.perf_counter() - self._started
        return Ended(self._process.exitcode, *map(_read, self._printed), seconds)


def _read(pipe):
    """What a pipe holds; a process that survives its parent does not keep us waiting for more."""
    os.set_blocking(pipe.fileno(), False)
    with pipe:
        try:
            return os.read(pipe.fileno(), _PIPE_BYTES).decode()
        except BlockingIOError:
            return ""


def _run(arguments, streams, fault, fault_arguments):
    for stream, descriptor, name in zip(streams, (1, 2), ("stdout", "stderr"), strict=True):
        os.dup2(stream.fileno(), descriptor)
        stream.close()
        # The stream that was forked may seek.
        setattr(sys, name, os.fdopen(descriptor, "w", closefd=False))
    if fault is not None:
        fault(*fault_arguments)
    from zoo.cli import command

    sys.argv = ["soundzoo", *arguments]
    command()
