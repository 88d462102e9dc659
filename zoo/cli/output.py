"""What the commands print: tables for people, JSON for programs, one line for what went wrong."""

import argparse
import contextlib
import json
import os
import sys
import warnings

from frontend.sound_warnings import SoundWarning
from zoo.errors import one_line


def add_command(commands, name, run, summary, example):
    """Adds a subcommand whose `--help` ends in an example; `run(options)` gives the exit status."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, parser=parser)
    return parser


def check_overwrite(path, overwrite):
    """Refuses to begin work whose result is not to replace what is there."""
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"{path} exists; pass --overwrite to replace it.")


class TableWriter:
    """Prints a table row by row, in columns as wide as they are said to be; without rows, nothing.

    Args:
        columns: name of each column and the width of its widest cell. The cells of a column of
            negative width are aligned right.
    """

    def __init__(self, **columns):
        self.widths = [
            max(abs(width), len(name)) * (-1 if width < 0 else 1) for name, width in columns.items()
        ]
        self._head = [name.replace("_", " ") for name in columns]

    def row(self, *cells):
        if self._head:
            names, self._head = self._head, None
            self.row(*names)
            self.row(*("-" * abs(width) for width in self.widths))
        cells = [" ".join(str(cell).splitlines()) for cell in cells]  # names may hold any character
        line = "  ".join(
            cell.rjust(-width) if width < 0 else cell.ljust(width)
            for cell, width in zip(cells, self.widths, strict=True)
        )
        print(line.rstrip(), flush=True)


def figure(value):
    """A figure as tables show it; None, which is undefined, as a dash."""
    return "-" if value is None else f"{value:.3f}"


def print_json(value):
    """Prints one JSON document."""
    print(_json(value, indent=1))


def _json(value, **options):
    # Elsewhere letters that the terminal lacks become escapes of Python's, which JSON has not.
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(value, ensure_ascii=not is_unicode, allow_nan=False, **options)


class JsonArray:
    """Prints a JSON array entry by entry, so that nothing said is lost if a long run is cut."""

    def __enter__(self):
        self.separator = "[\n"
        return self

    def write(self, entry):
        print(self.separator + _json(entry), end="", flush=True)
        self.separator = ",\n"

    def __exit__(self, *_):
        print("\n]" if self.separator == ",\n" else "[]")


def complain(error):
    """Prints an error, or a sentence, to stderr as one line."""
    print(f"soundzoo: {one_line(error)}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def warnings_in_a_line():
    """Prints warnings as errors are, while the block runs."""

    def show(message, *_, **__):
        complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", SoundWarning)
        warnings.showwarning = show
        yield
