"""The sound files that a command is given, read behind a progress bar."""

import contextlib
import os
import sys
from pathlib import Path

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from zoo.cli.found import tell_left_out
from zoo.cli.output import complain
from zoo.cli.progress import progress_bar
from zoo.search import find_sounds

STDIN = "-"


def add_arguments(parser):
    """Adds the arguments that name sound files."""
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="sound file, directory of them, or - for stdin"
    )
    parser.add_argument(
        "--from-list", metavar="FILE", help="file that names one path a line, or - for stdin"
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
        source = sys.stdin.fileno() if options.from_list == STDIN else options.from_list
        # Names need not be text: what does not decode comes through to the file system as it is.
        with open(
            source,
            encoding="utf-8-sig",
            errors="surrogateescape",
            closefd=options.from_list != STDIN,
        ) as file:
            named += filter(None, map(str.strip, file))
    if not named:
        raise ValueError("No sound files are named; name some, or pass --from-list FILE.")
    return [path for name in named for path in _search(name)]


def hear(paths, listen):
    """Runs `listen` on each sound file in turn; one that cannot be heard is reported on stderr.

    Args:
        paths: what `sound_files` gave.
        listen: function of a binary file that raises ValueError or OSError on bad sound.

    Yields:
        Each path and what `listen` returned for it, or None after an error.
    """
    name = TextColumn("{task.description}", markup=False)
    with progress_bar(name, BarColumn(), TimeRemainingColumn()) as bar:
        # In bytes read, so that one long file moves the bar as many short ones do.
        task = bar.add_task("", total=sum(map(_size, paths)))
        done = 0
        for path in paths:
            bar.update(task, description=Path(path).name, completed=done)
            try:
                with _open(path, bar, task) as file:
                    heard = listen(file)
            except (ValueError, OSError, ImportError) as error:
                complain(error)
                heard = None
            done += _size(path)
            yield path, heard


def _search(name):
    if not os.path.isdir(name):
        return [name]
    found = find_sounds(name)
    tell_left_out(found.left_out)
    return list(map(str, found.files)) or [name]


def _size(path):
    return os.path.getsize(path) if os.path.isfile(path) else 0


def _open(path, bar, task):
    if path == STDIN:
        return contextlib.nullcontext(sys.stdin.buffer)
    if os.path.isdir(path):
        raise ValueError(f"{path} holds no sound files.")
    return bar.open(path, "rb", task_id=task, total=bar.tasks[0].total)
