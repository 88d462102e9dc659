"""Notices what a parser does beside reading: files elsewhere, processes, connections, code."""

import contextlib
import os
import re
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# Python's audit events, and which of their arguments are paths that change.
_CHANGES = {
    "os.chmod": [0],
    "os.chown": [0],
    "os.link": [0, 1],
    "os.mkdir": [0],
    "os.remove": [0],
    "os.rename": [0, 1],
    "os.rmdir": [0],
    "os.symlink": [1],
    "os.truncate": [0],
    "os.utime": [0],
}
_NEVER = {
    "ctypes.dlopen",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pickle.find_class",  # which runs what it finds
    "pty.spawn",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
}


class Sandbox:
    """A context that gives an empty folder for one input, and watches all that happens within.

    Args:
        root: existing folder. Inputs, temporary files and what counts as home lie in it.

    Attributes:
        offences: what was done against the rules, in words.
    """

    def __init__(self, root: Path) -> None:
        self.offences: list[str] = []
        self._root = os.path.realpath(root)
        self._folder = Path(self._root, "input")
        self._elsewhere = Path(self._root, "elsewhere")
        self._temporary = Path(self._root, "temporary")
        self._watches = False
        for folder in (self._elsewhere, self._temporary):
            folder.mkdir()
        os.environ |= {"HOME": self._root, "TMPDIR": str(self._temporary)}
        os.chdir(self._elsewhere)  # where relative paths would lead
        sys.addaudithook(self._audit)

    @contextlib.contextmanager
    def unwatched(self) -> Iterator[Path]:
        """An empty folder for an input, as otherwise, while modules are imported as well."""
        self._folder.mkdir()
        try:
            yield self._folder
        finally:
            shutil.rmtree(self._folder)

    def __enter__(self) -> Path:
        self.offences = []
        self._folder.mkdir()
        self._watches = True
        return self._folder

    def __exit__(self, *_: object) -> None:
        self._watches = False
        shutil.rmtree(self._folder)
        for entry in os.listdir(self._elsewhere):  # written by what Python does not see
            self.offences.append(f"left {entry} in the working directory")
        if os.listdir(self._temporary):
            self.offences.append(f"left {os.listdir(self._temporary)} of temporary files")
            for entry in os.listdir(self._temporary):
                with contextlib.suppress(NotADirectoryError):
                    shutil.rmtree(self._temporary / entry)

    def _audit(self, event, arguments):
        if not self._watches:
            return
        if event in _NEVER:
            self.offences.append(f"{event} of {arguments[:2]!r}")
        elif event == "open":
            path, _, flags = arguments
            if flags & _WRITES:
                self._check(event, path)
        for place in _CHANGES.get(event, ()):
            self._check(event, arguments[place])
        if event == "marshal.loads" and "importlib" not in sys._getframe(1).f_code.co_filename:
            self.offences.append("unpacked code")
        if event == "exec" and arguments[0].co_filename == "<string>":
            self.offences.append("ran text as code")

    def _check(self, event, path):
        if isinstance(path, int) or path == os.devnull:
            return
        real = os.path.realpath(os.fsdecode(path))
        if not any(Path(real).is_relative_to(own) for own in (self._folder, self._temporary)):
            self.offences.append(f"{event} of {real}")


def limit_memory(more: int) -> None:
    """Lets the process have so many bytes more of addresses than it has, whatever asks for them."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + more
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def exceeds_limit(function: Callable[[], object]) -> bool:
    """Whether a function takes more addresses than `limit_memory` allows, where it may."""
    limit, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    try:
        with contextlib.suppress(Exception):
            function()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmPeak:\s*(\d+) kB", status)[1]) > limit
