"""What a data set or a folder turned out to hold, and what of it could not be used."""

import os

from zoo.cli.output import complain

_SHOWN = 5


def tell_left_out(left_out):
    """Says on stderr which files were not taken for sound: an iterable of `zoo.search.LeftOut`."""
    entries = list(left_out)
    for entry in entries[:_SHOWN]:
        complain(f"left out: {entry}")
    if len(entries) > _SHOWN:
        files = sum(entry.files for entry in entries)
        complain(f"left out: {files} in all, in {len({entry.folder for entry in entries})} folders")


def tell_skipped(folder, skipped):
    """Says on stderr which clips of prepared data were skipped, as index.json has them, and why."""
    for clip in skipped[:_SHOWN]:
        complain(f"skipped {clip['clip_id'] or clip['file']}: {clip['reason']}")
    if len(skipped) > _SHOWN:
        index = os.path.join(folder, "index.json")
        complain(f"skipped {len(skipped)} in all; {index} lists them")


def in_a_line(data):
    """How much prepared data hold, as text."""
    splits = ", ".join(f"{name} {of['clips']}" for name, of in data.index["splits"].items())
    return (
        f"{len(data)} clips of {len(data.labels)} classes, {data.index['hours']:.2f} h: {splits}; "
        f"{len(data.skipped)} skipped"
    )
