"""The progress bar of all commands: on stderr, on a terminal only, gone when it is done."""

import contextlib
import sys

from rich.console import Console
from rich.progress import Progress


def progress_bar(*columns):
    """A `rich.progress.Progress` of these columns, or of rich's usual ones."""
    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextlib.contextmanager
def counting(total, description):
    """A function that is told how many more of a total are done, and shows it."""
    with progress_bar() as bar:
        task = bar.add_task(description, total=total)
        yield lambda more: bar.advance(task, more)


@contextlib.contextmanager
def tracking():
    """A function of an iterable, its length and a word on it, that gives the same items and shows
    how many of them are done."""
    with progress_bar() as bar:

        def track(items, length, description):
            return bar.track(items, total=length, description=description)

        yield track
