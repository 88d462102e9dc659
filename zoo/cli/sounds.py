"""The sound files that a command is given, read behind a progress bar."""

import contextlib
import os
import sys

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from zoo.cli.found import tell_left_out
from zoo.cli.output import complain
from zoo.cli.progress import progress_bar
from zoo.search import check_file, find_sounds, listed_files

STDIN = "-"


def add_arguments(parser):
    """Adds the arguments that name sound files."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="sound file, directory of them, or - for stdin"
    )
    parser.add_argument(
        "--from-list",
        metavar="FILE",
        help="file that names one path a line, or table with a column file, or - for stdin",
    )


def sound_files(options):
    """Paths that the arguments name, with directories searched for sound files.

    What else lies in the directories is told on stderr.

    Raises:
        ValueError: nothing is named.
        OSError: the list cannot be read.
    """
    named = list(options.files)
    if options.from_list:
        from_stdin = options.from_list == STDIN
        named += listed_files(_stdin().fileno() if from_stdin else options.from_list)
    if not named:
        raise ValueError("No sound files are named; name some, or pass --from-list FILE.")
    return [path for name in named for path in _search(name)]


def hear(paths, run):
    """Runs sound files through a classifier behind a progress bar.

    What is to be said of them goes to stderr as their results come.

    Args:
        paths: what `sound_files` gave.
        run: `classifier.score_files` or `embed_files`, or like them.

    Yields:
        A `zoo.FileResult` for each path, in their order.
    """
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with progress_bar(*columns) as bar:
        # In bytes read, so that one long file moves the bar as many short ones do.
        task = bar.add_task("", total=sum(map(_size, paths)))
        seconds = 0.0
        results = run(paths, open_file=lambda path: _open(path, bar, task))
        for number, result in enumerate(results, start=1):
            seconds += result.seconds
            progress = f"{number} of {len(paths)} files, {seconds / 3600:.1f} h of sound"
            bar.update(task, description=progress)
            for warning in result.warnings:
                complain(f"warning: {warning}")
            if result.error is not None:
                complain(result.error)
            yield result


def _search(name):
    if not os.path.isdir(name):
        return [name]
    found = find_sounds(name)
    tell_left_out(found.left_out)
    return list(map(str, found.files)) or [name]


def _stdin():
    if sys.stdin is None:  # as after `<&-`
        raise OSError("Standard input is closed.")
    return sys.stdin


def check_one(paths, flag, options):
    """Refuses a flag that takes one file where there are more, or where `--output` is, too."""
    received = None
    if options.output:
        received = "--output"
    elif STDIN in paths:
        received = "standard input"
    elif len(paths) != 1:
        received = f"{len(paths)} files"
    if received:
        raise ValueError(f"--{flag} takes one file and no --output. Received: {received}")


def _size(path):
    return os.path.getsize(path) if os.path.isfile(path) else 0


@contextlib.contextmanager
def _open(path, bar, task):
    if path == STDIN:
        # Without its buffer, whose lock a read that never ends would hold at the process's end.
        buffer = _stdin().buffer
        yield getattr(buffer, "raw", buffer)
    else:
        check_file(path)
        with open(path, "rb") as file:
            watched = _Watched(file, lambda size: bar.advance(task, size))
            try:
                yield watched
            finally:  # what decoding had no need of, or did not come to
                bar.advance(task, _size(path) - watched.furthest)


class _Watched:
    """A binary file that tells of bytes when they are read for the first time."""

    def __init__(self, file, tell):
        self.file, self.tell_of, self.furthest = file, tell, 0

    def __getattr__(self, name):
        return getattr(self.file, name)

    def read(self, size=-1):
        content = self.file.read(size)
        self._note()
        return content

    def readinto(self, buffer):
        size = self.file.readinto(buffer)
        self._note()
        return size

    def _note(self):
        if self.file.seekable() and (position := self.file.tell()) > self.furthest:
            self.tell_of(position - self.furthest)
            self.furthest = position
