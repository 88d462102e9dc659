"""ESC-50 and ESC-10: five folds of environmental sounds."""

from pathlib import Path

from zoo.data.manifest import file_fault, read_header, read_rows, row_fault
from zoo.data.records import Clip, Skipped, Source, clip_id

TABLE = Path("meta", "esc50.csv")


def is_esc_table(path):
    """Whether a CSV file has the columns of an ESC data set: a category and a fold."""
    return {"category", "fold"} <= set(read_header(path))


def read_esc(path, *, esc10=False):
    """Reads ESC-50 or ESC-10; folds are the splits "1" to "5", categories the labels.

    Args:
        path: `meta/esc50.csv` of the official layout, whose sounds are in `audio` beside `meta`; or
            a CSV file of `file` (relative to it), `category` and `fold`.
        esc10: of the official table, only the clips of ESC-10.

    Raises:
        OSError: the table cannot be read.
        ValueError: it is no CSV file, or lacks a column.
    """
    path = Path(path)
    columns = read_header(path)
    official = "filename" in columns
    name = "filename" if official else "file"
    wanted = [name, "category", "fold"] + ["esc10"] * (esc10 and official)
    if not set(wanted) <= set(columns):
        raise ValueError(
            f"{path} has the columns {', '.join(columns)}; it needs {', '.join(wanted)}."
        )
    folder = path.parent.parent / "audio" if official else path.parent
    clips, skipped = [], []
    for line, row in read_rows(path):
        if esc10 and official and row["esc10"].lower() != "true":
            continue
        file, labels = folder / row[name], (row["category"],)
        reason = row_fault(line, row, row[name], row["category"], row["fold"]) or file_fault(file)
        if reason:
            skipped.append(Skipped(clip_id(row[name]), str(file), reason))
        else:
            clips.append(Clip(clip_id(row[name]), file, labels, row["fold"]))
    return Source(clips, [], skipped)
