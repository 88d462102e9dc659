"""AudioSet: lists of segments over a folder of clips named by YouTube id."""

import re
from collections import Counter, defaultdict
from pathlib import Path

from zoo.data.classes import read_class_list
from zoo.data.records import TEST, TRAIN, Clip, Skipped, Source
from zoo.search import LeftOut, find_sounds

SEGMENTS = "*_segments.csv"
CLASSES = "class_labels_indices.csv"

# A row is id, start and end in seconds, and the mids of the labels. The official files quote the
# mids as one cell; in the form in which they circulate, spreadsheets have quoted each again, spread
# them over cells and filled the rest with commas. What the mids look like serves for both.
_ROW = re.compile(r'\s*"?([\w-]+)"?\s*,\s*(\d+\.?\d*|\.\d+)\s*,\s*[\d.]+\s*,(.*)')
_MID = re.compile(r"/[a-z]/\w+")

# What a clip's file is called, without its suffix, by those who download them. Ids have eleven
# characters, of which the first may be Y or -, and any may be _.
_CLIP = re.compile(r"Y?([\w-]{11})(?:_(\d+(?:\.\d+)?)(?:[_-]\d+(?:\.\d+)?)?)?", re.ASCII)


def read_audioset(segments, folder):
    """Reads lists of segments.

    The id of a clip is its YouTube id. Its file is named ID, ID_START, ID_START_END or
    ID_START-END, with or without a Y before it and with any suffix of a sound file, where START and
    END are seconds (30, 30.0, 30.000 or 000030) or milliseconds. Segments without a file are
    skipped; files of other names, and of other segments, are left out. The segments of
    `eval_segments.csv` are the split "test", those of all other lists "train".

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
    found = find_sounds(folder)
    files = defaultdict(list)  # of an id, with the start that the name says, or None
    for file in found.files:
        if name := _CLIP.fullmatch(file.stem):
            files[name[1]].append((file, name[2] and float(name[2])))
    clips, skipped = [], []
    for path in segments:
        split = TEST if Path(path).name.startswith("eval") else TRAIN
        for line, text in _lines(path):
            row = _ROW.fullmatch(text)
            mids = _MID.findall(row[3]) if row else []
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
            labels_of_clip = tuple(dict.fromkeys(names[mid] for mid in mids))
            of_id, start = files.get(row[1], ()), float(row[2])
            of_segment = [file for file, named in of_id if _is_start(named, start)]
            # More than one file is for the reader of all sources to refuse.
            clips += [Clip(row[1], file, labels_of_clip, split) for file in of_segment]
            if not of_segment:
                other = ", but of another start" * bool(of_id)
                reason = f"there is no sound file of this id below {folder}{other}"
                skipped.append(Skipped(row[1], str(path), reason))
    return Source(clips, labels, skipped, [*_unlisted(found.files, clips), *_no_tables(found)])


def _lines(path):
    with open(path, encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip() and not line.startswith("#"):
                    yield number, line.strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not text in UTF-8: {error}.") from None


def _is_start(named, start):
    """Whether a file's name means a segment's start, in seconds: by none at all, to the second, or
    by milliseconds."""
    return named is None or abs(named - start) < 1 or abs(named - 1000 * start) < 1


def _unlisted(files, clips):
    """Sound files that no segment is about, as what is left out."""
    listed = {clip.path for clip in clips}
    others = [file for file in files if file not in listed]
    counts = Counter((str(file.parent), file.suffix.lower()) for file in others)
    return [
        LeftOut(count, f"{suffix} that no segment names", folder)
        for (folder, suffix), count in sorted(counts.items())
    ]


def _no_tables(found):
    """What else is left out; lists of segments lie beside their clips."""
    return [entry for entry in found.left_out if entry.what != ".csv"]
