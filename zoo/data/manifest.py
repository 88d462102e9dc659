"""A manifest, the table `file, label[;label...], split`."""

import os
from pathlib import Path

from zoo.data.records import TRAIN, Clip, Skipped, Source, clip_id, name_splits
from zoo.data.tables import Table, file_fault, slashed

# The first is what a column is called here, the others are what other data sets call it.
FILE = ("file", "filename", "file_name", "filepath", "file_path", "path")
LABEL = ("label", "labels", "class", "category", "species")


def read_manifest(table, *, unlabelled=False):
    """Reads a table with a header, one row a clip; `Table` says what tables are.

    Columns, in any case: `file` (or `filename`, `path`), relative to the manifest; `label` (or
    `labels`, `class`, `category`, `species`), several joined by `;`; and, if there are such,
    `split`, whose usual names are understood and others kept, and `source`, what the clip was cut
    from. Other columns are ignored. Rows that lack something, and files that do not exist, are
    skipped.

    Args:
        table: `Table`.
        unlabelled: rows without a label are clips without labels, and not skipped.

    Raises:
        OSError: the manifest cannot be read.
        ValueError: it lacks a column, or has two splits that mean one.
    """
    folder = Path(table.path).parent

    def locate(name):
        name = slashed(folder, name)
        return name, folder / name, file_fault(folder / name)

    clips, skipped = [], []
    for entry in manifest_entries(table, locate, unlabelled=unlabelled):
        (clips if isinstance(entry, Clip) else skipped).append(entry)
    splits = name_splits({clip.split for clip in clips}, table)
    return Source([clip._replace(split=splits[clip.split]) for clip in clips], [], skipped)


def named_files(path, folder=None):
    """Yields the paths of the files that a table names, whatever else it says of them.

    Args:
        path: of the table.
        folder: to which the names are relative, a path or URL; default: the table's.

    Raises:
        OSError: the table cannot be read.
        ValueError: it has no column of files.
    """
    table = Table(path)
    file_column = table.column(*FILE)
    if not file_column:
        raise ValueError(
            f"{table} has the columns {', '.join(table.columns)}; a table of files needs file. A "
            "list of a path a line ends in .txt."
        )
    folder = os.path.dirname(path) if folder is None else os.fspath(folder)
    for _, row in table.rows(files=file_column):
        if name := row[file_column]:
            yield name if "://" in name else os.path.join(folder, slashed(folder, name))


def manifest_entries(table, locate, *, unlabelled=False):
    """Yields, row by row, a `Clip`, with its split as it is spelt, or a `Skipped`.

    Args:
        table, unlabelled: as for `read_manifest`.
        locate: function of a file's name as the table has it, that gives the name as a path, the
            path of the file, and why it cannot be a clip's, or None.

    Raises:
        ValueError: the manifest lacks a column.
    """
    file_column, label_column = table.column(*FILE), table.column(*LABEL)
    if not file_column or not label_column:
        raise ValueError(
            f"{table} has the columns {', '.join(table.columns)}; a manifest needs file and label, "
            f"or what else these are called ({', '.join(FILE[1:])}; {', '.join(LABEL[1:])}), and "
            "may have split and source."
        )
    for line, row in table.rows(files=file_column):
        name, file, fault = locate(row[file_column])
        labels = tuple(dict.fromkeys(filter(None, map(str.strip, row[label_column].split(";")))))
        split = row.get("split", TRAIN)
        reason = (
            table.row_fault(line, row, file=name, label=labels or unlabelled, split=split) or fault
        )
        if reason:
            yield Skipped(clip_id(name), str(file), reason)
        else:
            yield Clip(clip_id(name), file, labels, split, row.get("source", ""))
