"""The `soundzoo` command: `soundzoo --help`, or `python -m zoo --help`."""

import argparse
import os
import re
import signal
import sys

from zoo import __version__
from zoo.cli import (
    beam,
    classify,
    convert,
    describe,
    embed,
    evaluate,
    events,
    export,
    prepare,
    reproduce,
    teach,
    train,
)
from zoo.cli.imports import spare_imports
from zoo.cli.output import complain, warnings_in_a_line
from zoo.cli.stderr import silence_tensorflow
from zoo.errors import nearest
from zoo.training.signals import Stopped

_EXAMPLE = "example:\n  soundzoo classify examples/ --top 3"


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument as every other bad input: one line, exit status 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def command():
    """The process `soundzoo`: `main` without TensorFlow's own lines and needless imports."""
    silence_tensorflow()
    spare_imports()
    sys.exit(main())


def main(arguments=None):
    """Runs one command; returns its exit status, 2 on bad input."""
    parser = _Parser(
        prog="soundzoo",
        description="Sound classifiers: raw sound in, labels out.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"soundzoo {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        describe.add_list,
        describe.add_summary,
        classify.add_classify,
        events.add_events,
        embed.add_embed,
        prepare.add_prepare,
        teach.add_teach,
        train.add_train,
        evaluate.add_evaluate,
        convert.add_convert,
        export.add_export,
        reproduce.add_reproduce,
    ):
        add(commands)
    arguments, beam_options = beam.split_options(sys.argv[1:] if arguments is None else arguments)
    options, unknown = parser.parse_known_args(arguments)
    options.beam_options = beam_options
    if unknown:
        options.parser.error(_unrecognized(unknown, options.parser.format_usage()))
    # As after `>&-`: what is said there is for nobody, and is no reason to fail.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file's name need not be text
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings_in_a_line():
            status = options.run(options)
        sys.stdout.flush()
        return status
    except (ImportError, ValueError, OSError, FloatingPointError, MemoryError) as error:
        # The reader of a pipe may have gone, as `head` does: not worth a word.
        if not isinstance(error, BrokenPipeError):
            complain(error)
        _drop_unwritten_output()
        return 2
    except Stopped as stopped:
        complain(f"{stopped} The same command goes on from there.")
        # A worker that ends because another one was told to has not finished either.
        return 128 + (stopped.signal or signal.SIGTERM)
    except KeyboardInterrupt:
        return 130


def _unrecognized(arguments, usage):
    """The sentence on arguments that a command does not have, with the nearest flag that it has."""
    flags = re.findall(r"--[\w-]+", usage)
    near = nearest(arguments[0].split("=")[0], flags, cutoff=0.6)
    hint = f"; did you mean {near}?" if near else ""
    return f"unrecognized arguments: {' '.join(arguments)}{hint}"


def _drop_unwritten_output():
    """Keeps the interpreter from failing once more on output that could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
