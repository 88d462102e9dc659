"""Tables of many files' results, which are written to a file that grows with each of them."""

import functools
import hashlib

from zoo.cli import sounds
from zoo.cli.model import checksum
from zoo.cli.output import complain
from zoo.errors import one_line
from zoo.files import sha256
from zoo.row_file import RowFile


def add_output(parser, rows):
    """Adds `--output` to a parser or a group; `rows` says what has a row."""
    parser.add_argument(
        "--output",
        metavar="FILE",
        help=f"write a table instead, .csv, .jsonl or .parquet: {rows}; stopped, the same command "
        "goes on",
    )


def write_table(paths, run, columns, rows_of, options, settings):
    """Runs sound files through a classifier and writes rows to `--output`.

    Args:
        paths: what `sounds.sound_files` gave.
        run: as for `sounds.hear`.
        columns: as for `RowFile`, between "file" and "error", which all tables have.
        rows_of: function of a `zoo.FileResult` that gives its rows, dicts of these columns.
        options: of the command.
        settings: names of the options without which the rows would be others.

    Returns:
        The exit status.
    """
    names = "\0".join(paths).encode("utf-8", "surrogateescape")
    run_options = {"files": hashlib.sha256(names).hexdigest(), **identity(options, settings)}
    with RowFile(options.output, {"file": str, **columns, "error": str}, run_options) as table:
        if table.done:
            complain(f"{table.done} of {len(paths)} files were done before")
        run = functools.partial(run, patches_before=table.patches)
        for result in sounds.hear(paths[table.done :], run):
            failed = result.error is not None
            rows = [{"error": one_line(result.error)}] if failed else rows_of(result)
            rows = ({"file": result.file, **row} for row in rows)
            table.write(rows, failed=failed, patches=result.patches)
        table.finish()
    failed = f", {table.failed} of which could not be heard" if table.failed else ""
    print(f"{options.output}: {table.done} files{failed}")
    return 2 if table.failed else 0


def identity(options, settings):
    """What makes the rows of a table what they are: the model, and these options, by name."""
    values = {f"--{name.replace('_', '-')}": getattr(options, name) for name in settings}
    if values.get("--thresholds"):
        values["--thresholds"] = sha256(values["--thresholds"])  # its name may stay as it changes
    return {"--model": checksum(options.model), **values}


def rounded(score):
    """A score as tables have it: a float32 says no more."""
    return round(float(score), 6)
