"""UrbanSound8K: ten folds of excerpts from recordings of the street."""

from pathlib import Path

from zoo.data.records import Clip, Skipped, Source, clip_id
from zoo.data.tables import file_fault

TABLES = [Path("metadata", "UrbanSound8K.csv"), Path("UrbanSound8K.csv")]
"""Where the table lies: in the official layout, and in copies that have it beside the folds."""


def is_urbansound_table(table):
    """Whether a table has UrbanSound8K's columns."""
    return {"slice_file_name", "fold", "class"} <= set(table.columns)


def read_urbansound(table):
    """Reads UrbanSound8K; folds are the splits "1" to "10", and clips of one recording of Freesound
    have one source.

    Args:
        table: `Table`, the official `metadata/UrbanSound8K.csv`, whose sounds are in `fold1` to
            `fold10` below `audio` beside `metadata`; or a copy beside `audio` or the folds.

    Raises:
        OSError: the table cannot be read.
        ValueError: there are no folds.
    """
    folder = _folds(Path(table.path).parent)
    clips, skipped = [], []
    for line, row in table.rows(files="slice_file_name"):
        name, label, fold = row["slice_file_name"], row["class"], row["fold"]
        file = folder / f"fold{fold}" / name
        reason = table.row_fault(line, row, file=name, label=label, split=fold) or file_fault(file)
        if reason:
            skipped.append(Skipped(clip_id(name), str(file), reason))
        else:
            clips.append(Clip(clip_id(name), file, (label,), fold, row.get("fsid", "")))
    return Source(clips, [], skipped)


def _folds(beside):
    """The folder of `fold1` and the others."""
    folders = (beside.parent / "audio", beside / "audio", beside)
    for folder in folders:
        if any(folder.glob("fold[0-9]*")):
            return folder
    raise ValueError(
        f"UrbanSound8K's sounds lie in folders fold1 to fold10; there are none in "
        f"{', '.join(map(str, folders))}."
    )
