"""A CSV manifest, `file, label[;label...], split`, and the reading of any CSV file."""

import csv
import os
from pathlib import Path

from zoo.data.records import TRAIN, Clip, Skipped, Source, clip_id


def read_manifest(path, *, unlabelled=False):
    """Reads a CSV file with a header, one row a clip.

    Columns: `file`, relative to the manifest; `label` (or `labels`), several joined by `;`; and,
    if there is one, `split`. Other columns are ignored. Rows that lack something, and files that
    do not exist, are skipped.

    Args:
        path: of the CSV file.
        unlabelled: rows without a label are clips without labels, and not skipped.

    Raises:
        OSError: the manifest cannot be read.
        ValueError: it is no CSV file, or lacks a column.
    """
    columns = read_header(path)
    label = "label" if "label" in columns else "labels"
    if "file" not in columns or label not in columns:
        raise ValueError(
            f"{path} has the columns {', '.join(columns)}; a manifest needs file and label, and "
            "may have split."
        )
    clips, skipped = [], []
    for line, row in read_rows(path):
        file = Path(path).parent / row["file"]
        names = tuple(dict.fromkeys(filter(None, map(str.strip, row[label].split(";")))))
        split = row.get("split", TRAIN)
        named = names or unlabelled
        reason = row_fault(line, row, row["file"], named, split) or file_fault(file)
        if reason:
            skipped.append(Skipped(clip_id(row["file"]), str(file), reason))
        else:
            clips.append(Clip(clip_id(row["file"]), file, names, split))
    return Source(clips, [], skipped)


def row_fault(line, row, file, names, split):
    """Why a row cannot be used, or None."""
    if any(row[None]):
        # As of labels that hold a comma and are not quoted: what is read would be wrong.
        return f"line {line} has more cells than the header; put cells with commas in quotes"
    missing = [
        what for what, cell in (("file", file), ("label", names), ("split", split)) if not cell
    ]
    return f"line {line} names no {missing[0]}" if missing else None


def file_fault(file):
    """Why a file cannot be a clip's, or None."""
    return None if os.path.isfile(file) else f"there is no file {file}"


def read_header(path):
    """Names of a CSV file's columns; ValueError if there are none."""
    return next(_lines(path))[1]


def read_rows(path):
    """Yields the line number of each row of a CSV file, and the row.

    A row is a dict of column to text, stripped; "" where it is too short. Under None is the list
    of the cells that the header has no name for.
    """
    lines = _lines(path)
    _, columns = next(lines)
    for line, cells in lines:
        if cells:
            row = dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))
            row[None] = cells[len(columns) :]
            yield line, row


def _lines(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, skipinitialspace=True)
        try:
            for cells in lines:
                yield lines.line_num, [cell.strip() for cell in cells]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not a CSV file in UTF-8: {error}.") from None
    if not lines.line_num:
        raise ValueError(f"{path} is empty; its first line must name its columns.")
