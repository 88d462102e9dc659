"""A manifest, the table `file, label[;label...], split`."""

from pathlib import Path

from zoo.data.records import TRAIN, Clip, Skipped, Source, clip_id, name_splits
from zoo.data.tables import file_fault, slashed

# The first is what a column is called here, the others are what other data sets call it.
FILE = ("file", "filename", "file_name", "filepath", "file_path", "path")
LABEL = ("label", "labels", "class", "category")


def read_manifest(table, *, unlabelled=False):
    """Reads a table with a header, one row a clip; `Table` says what tables are.

    Columns, in any case: `file` (or `filename`, `path`), relative to the manifest; `label` (or
    `labels`, `class`, `category`), several joined by `;`; and, if there are such, `split`, whose
    usual names are understood and others kept, and `source`, what the clip was cut from. Other
    columns are ignored. Rows that lack something, and files that do not exist, are skipped.

    Args:
        table: `Table`.
        unlabelled: rows without a label are clips without labels, and not skipped.

    Raises:
        OSError: the manifest cannot be read.
        ValueError: it lacks a column, or has two splits that mean one.
    """
    file_column, label_column = table.column(*FILE), table.column(*LABEL)
    if not file_column or not label_column:
        raise ValueError(
            f"{table} has the columns {', '.join(table.columns)}; a manifest needs file and label, "
            "and may have split and source."
        )
    folder = Path(table.path).parent
    clips, skipped = [], []
    for line, row in table.rows(files=file_column):
        name = slashed(folder, row[file_column])
        file = folder / name
        labels = tuple(dict.fromkeys(filter(None, map(str.strip, row[label_column].split(";")))))
        split = row.get("split", TRAIN)
        reason = table.row_fault(
            line, row, file=name, label=labels or unlabelled, split=split
        ) or file_fault(file)
        if reason:
            skipped.append(Skipped(clip_id(name), str(file), reason))
        else:
            clips.append(Clip(clip_id(name), file, labels, split, row.get("source", "")))
    splits = name_splits({clip.split for clip in clips}, table)
    return Source([clip._replace(split=splits[clip.split]) for clip in clips], [], skipped)
