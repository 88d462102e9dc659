"""Keeps what TensorFlow tells of itself out of the terminal."""

import contextlib
import os
import re
import signal
import sys

_CHATTER = re.compile(
    rb"[IW]\d{4} \d\d:\d\d:\d+\.\d+ "  # absl's information and warnings
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] "  # the same up to TensorFlow 2.18
    rb"|WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|To enable the following instructions: .* rebuild TensorFlow"
    rb"|INFO: (Initialized|Created) TensorFlow Lite"
    # Two errors that are none: there is no driver of CUDA, and the converter knows an attribute
    # that the runtime of the same wheel does not.
    rb"|E\d{4} .* failed call to cuInit: .*UNKNOWN ERROR \(303\)"
    rb"|E\d{4} .* NodeDef mentions attribute \w+ which is not in the op definition"
)
"""What begins a line that is not shown. Errors have an E or an F, and are."""


def silence_tensorflow() -> None:
    """Sends what is written to file descriptor 2 through a process that leaves out `_CHATTER`.

    No setting of TensorFlow 2.21 stops the lines that its libraries write while they are loaded.
    A process rather than a thread, so that the last words before a crash get through. `sys.stderr`
    goes to the terminal directly, as progress bars want it. Call it before TensorFlow is imported:
    it forks. Does nothing where there is no fork.
    """
    if not hasattr(os, "fork") or sys.stderr is None:  # as where it was closed
        return
    terminal = os.dup(2)
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.close(writable)
        _pass_on(readable, terminal)
    os.close(readable)
    os.dup2(writable, 2)
    os.close(writable)
    sys.stderr = os.fdopen(
        terminal, "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors
    )


def _pass_on(readable, terminal):
    """The other process: lives until nothing can be written any more."""
    for ended_by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended_by, signal.SIG_IGN)  # they are for the command, which still may speak
    for unused in {0, 1, 2} - {readable, terminal}:
        with contextlib.suppress(OSError):
            os.close(unused)
    try:
        with os.fdopen(readable, "rb") as lines:
            for line in lines:
                if not _CHATTER.match(line):
                    os.write(terminal, line)
    finally:
        os._exit(0)
