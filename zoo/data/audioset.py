"""AudioSet: lists of segments over a folder of clips named by YouTube id."""

import re
from collections import defaultdict
from pathlib import Path

from zoo.data.classes import read_class_list
from zoo.data.folder import sound_files
from zoo.data.records import TEST, TRAIN, Clip, Skipped, Source

SEGMENTS = "*_segments.csv"
CLASSES = "class_labels_indices.csv"

# A row is id, start and end in seconds, and the mids of the labels. The official files quote the
# mids as one cell; in the form in which they circulate, spreadsheets have quoted each again, spread
# them over cells and filled the rest with commas. What the mids look like serves for both.
_ROW = re.compile(r'\s*"?([\w-]+)"?\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*,(.*)')
_MID = re.compile(r"/[a-z]/\w+")


def read_audioset(segments, folder):
    """Reads lists of segments.

    The id of a clip is its YouTube id, its file is named ID, YID, ID_START_END or YID_START_END
    with any suffix of a sound file, where START and END are seconds (10, 10.0 or 10.000) or
    milliseconds. Segments without a file are skipped. The segments of `eval_segments.csv` are the
    split "test", those of all other lists "train".

    Args:
        segments: paths of `*_segments.csv` files; `class_labels_indices.csv` lies beside the first.
        folder: where the clips are, at any depth.

    Raises:
        OSError: a file cannot be read.
        ValueError: a list is not UTF-8, or names a class that the class list does not have.
    """
    class_list = Path(segments[0]).parent / CLASSES
    labels = read_class_list(class_list)
    names = {label.mid: label.name for label in labels}
    files = defaultdict(list)
    for file in sound_files(folder):
        files[file.stem].append(file)
    clips, skipped = [], []
    for path in segments:
        split = TEST if Path(path).name.startswith("eval") else TRAIN
        for line, text in _lines(path):
            row = _ROW.fullmatch(text)
            mids = _MID.findall(row[4]) if row else []
            if not mids:
                reason = f"line {line} is not a segment: {text[:80]}"
                skipped.append(Skipped("", str(path), reason))
                continue
            unknown = [mid for mid in mids if mid not in names]
            if unknown:
                raise ValueError(
                    f"{path} has the label {unknown[0]} at line {line}, which {class_list} does "
                    "not list."
                )
            found = [file for name in _file_names(row) for file in files.get(name, ())]
            labels_of_clip = tuple(dict.fromkeys(names[mid] for mid in mids))
            # More than one file is for the reader of all sources to refuse.
            clips += [Clip(row[1], file, labels_of_clip, split) for file in found]
            if not found:
                reason = f"there is no sound file of this id below {folder}"
                skipped.append(Skipped(row[1], str(path), reason))
    return Source(clips, labels, skipped)


def _lines(path):
    with open(path, encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip() and not line.startswith("#"):
                    yield number, line.strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not text in UTF-8: {error}.") from None


def _file_names(row):
    """Names, without suffix, that the file of a segment may have."""
    start, end = float(row[2]), float(row[3])
    times = {
        f"_{start:g}_{end:g}",
        f"_{start:.1f}_{end:.1f}",
        f"_{start:.3f}_{end:.3f}",
        f"_{1000 * start:.0f}_{1000 * end:.0f}",
    }
    return sorted(prefix + row[1] + time for prefix in ("", "Y") for time in {"", *times})
