"""FSD50K: sounds of Freesound under AudioSet's classes."""

from pathlib import Path

from zoo.data.records import TEST, Clip, Skipped, Source, name_splits
from zoo.data.tables import Table, file_fault
from zoo.labels import Label

TABLES = [Path("FSD50K.ground_truth", name) for name in ("dev.csv", "eval.csv")]


def is_fsd50k_table(table):
    """Whether a table has FSD50K's columns."""
    return {"fname", "labels", "mids"} <= set(table.columns)


def read_fsd50k(tables):
    """Reads FSD50K; `dev.csv` has the splits "train" and "validation", `eval.csv` is "test".

    The id of a clip is its number on Freesound.

    Args:
        tables: paths of `dev.csv`, `eval.csv` or both, whose sounds are in `FSD50K.dev_audio` and
            `FSD50K.eval_audio` beside the tables' folder.

    Raises:
        OSError: a table cannot be read.
        ValueError: a table has another name, or lacks a column.
    """
    clips, labels, skipped = [], {}, []
    for path in tables:
        if path.stem not in ("dev", "eval"):
            raise ValueError(f"FSD50K's tables are dev.csv and eval.csv. Received: {path}")
        table = Table(path)
        if not is_fsd50k_table(table):
            raise ValueError(
                f"{path} has the columns {', '.join(table.columns)}; FSD50K's tables have fname, "
                "labels and mids."
            )
        folder = path.parent.parent / f"FSD50K.{path.stem}_audio"
        for line, row in table.rows():
            names, mids = row["labels"].split(","), row["mids"].split(",")
            file = folder / f"{row['fname']}.wav"
            split = row.get("split", TEST)
            reason = table.row_fault(
                line, row, file=row["fname"], label=row["labels"], split=split
            ) or file_fault(file)
            if not reason and len(names) != len(mids):
                reason = f"line {line} has {len(names)} labels and {len(mids)} mids"
            if reason:
                skipped.append(Skipped(row["fname"], str(file), reason))
            else:
                clips.append(Clip(row["fname"], file, tuple(names), split))
                labels |= dict(zip(names, mids, strict=True))
    splits = name_splits({clip.split for clip in clips}, tables[0].parent)
    clips = [clip._replace(split=splits[clip.split]) for clip in clips]
    return Source(clips, [Label(*label) for label in sorted(labels.items())], skipped)
