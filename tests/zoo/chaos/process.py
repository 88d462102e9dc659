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
        scratch: folder for what it prints.
        fault: function that the process calls first, of `fault_arguments`; it can be pickled.
    """

    def __init__(self, arguments, scratch, fault=None, *fault_arguments):
        self._streams = [scratch / f"{os.urandom(4).hex()}.{end}" for end in ("out", "err")]
        self._process = _CONTEXT.Process(
            target=_run, args=(list(map(str, arguments)), self._streams, fault, fault_arguments)
        )
        self._started = time.perf_counter()
        self._process.start()

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
        # None where it was killed before it opened them.
        printed = [path.read_text() if path.exists() else "" for path in self._streams]
        return Ended(self._process.exitcode, *printed, seconds)


def _run(arguments, streams, fault, fault_arguments):
    for path, descriptor in zip(streams, (1, 2), strict=True):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, descriptor)
        os.close(file)
    if fault is not None:
        fault(*fault_arguments)
    from zoo.cli import command

    sys.argv = ["soundzoo", *arguments]
    command()
