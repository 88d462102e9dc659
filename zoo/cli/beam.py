"""`--runner`: a command's work as an Apache Beam job."""

import functools
from pathlib import Path

from zoo.cli import sounds
from zoo.cli.found import tell_left_out
from zoo.cli.model import load
from zoo.cli.table import identity
from zoo.row_file import FORMATS

SEPARATOR = "--"
"""Between a command's arguments and Beam's own options."""


def add_runner(parser, output):
    """Adds `--runner`; `output` says what the command writes then."""
    parser.add_argument(
        "--runner",
        metavar="NAME",
        help=f"run as an Apache Beam job, on DirectRunner, FlinkRunner, DataflowRunner...: {output}"
        f"; Beam's own options follow after {SEPARATOR} (docs/scale.md)",
    )


def split_options(arguments):
    """The arguments, and Beam's options after them, if there is a `--runner`."""
    if SEPARATOR in arguments:
        place = arguments.index(SEPARATOR)
        if any(argument.partition("=")[0] == "--runner" for argument in arguments[:place]):
            return arguments[:place], arguments[place + 1 :]
    return arguments, []


def check(options, others):
    """Raises ValueError for what a job has no use for: `others`, names of options, and stdin."""
    for name in others:
        if getattr(options, name):
            raise ValueError(f"--{name.replace('_', '-')} does not go with --runner.")
    if sounds.STDIN in (*options.files, options.from_list):
        raise ValueError("A job does not read stdin; name files, patterns or a list.")
    if not options.output or Path(options.output).suffix.lower() in (*FORMATS, ".npz"):
        raise ValueError(
            f"A job writes a folder of Parquet files: --output DIR. Received: {options.output}"
        )


def write_tables(options, run, columns, rows_of, settings):
    """Does by a Beam job what `table.write_table` does, and writes the folder `--output`.

    Args:
        options: of the command.
        run: as for `zoo.beam.score`.
        columns, rows_of, settings: as for `write_table`.

    Returns:
        The exit status.
    """
    from zoo import beam  # here, because it is an extra

    listing = beam.Listing(options.files, [options.from_list] if options.from_list else [])
    tell_left_out(listing.left_out())
    counts = beam.score(
        listing,
        options.output,
        functools.partial(load, options.model, getattr(options, "calibrated", False)),
        run,
        columns,
        rows_of,
        identity=identity(options, settings),
        runner=options.runner,
        options=options.beam_options,
    )
    failed = f", {counts['failures']} of which could not be heard" if counts["failures"] else ""
    hours = counts["seconds_of_sound"] / 3600
    print(f"{options.output}: {counts['files']} files{failed}; {hours:.2f} h heard in this run")
    if counts["warnings"]:
        print(f"{counts['warnings']} warnings are in {options.output}/warnings.")
    return 2 if counts["failures"] else 0
