"""The progress bar of all commands: on stderr, on a terminal only, gone when it is done."""

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
