"""ESC-50 and ESC-10: five folds of environmental sounds."""

from pathlib import Path

from zoo.data.records import Clip, Skipped, Source, clip_id
from zoo.data.tables import file_fault, slashed

TABLE = Path("meta", "esc50.csv")


def is_esc_table(table):
    """Whether a table has the columns of an ESC data set: a category and a fold."""
    return {"category", "fold"} <= set(table.columns)


def read_esc(table, *, esc10=False):
    """Reads ESC-50 or ESC-10; folds are the splits "1" to "5", categories the labels.

    Args:
        table: `Table`: `meta/esc50.csv` of the official layout, whose sounds are in `audio` beside
            `meta`; or one of `file` (relative to it), `category` and `fold`.
        esc10: of the official table, only the clips of ESC-10.

    Raises:
        OSError: the table cannot be read.
        ValueError: it lacks a column.
    """
    path = Path(table.path)
    official = "filename" in table.columns
    name = "filename" if official else "file"
    wanted = [name, "category", "fold"] + ["esc10"] * (esc10 and official)
    if not set(wanted) <= set(table.columns):
        raise ValueError(
            f"{path} has the columns {', '.join(table.columns)}; it needs {', '.join(wanted)}."
        )
    folder = path.parent.parent / "audio" if official else path.parent
    clips, skipped = [], []
    for line, row in table.rows(files=name):
        if esc10 and official and row["esc10"].lower() != "true":
            continue
        file_name, label, fold = slashed(folder, row[name]), row["category"], row["fold"]
        file = folder / file_name
        reason = table.row_fault(line, row, file=file_name, label=label, split=fold) or file_fault(
            file
        )
        if reason:
            skipped.append(Skipped(clip_id(file_name), str(file), reason))
        else:
            clips.append(Clip(clip_id(file_name), file, (label,), fold))
    return Source(clips, [], skipped)
