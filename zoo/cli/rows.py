"""Results of many files as rows of a table: a row a file, or a row a patch."""

import hashlib

from zoo.cli.model import checksum
from zoo.cli.output import one_line
from zoo.row_file import RowFile

ROWS = ("files", "patches")

_FILE = {"file": str, "seconds": float, "silent": bool, "error": str}
_PATCH = {"file": str, "start_seconds": float, "end_seconds": float, "error": str}


class ResultTable:
    """A `zoo.row_file.RowFile` of results.

    Its columns are the file, when or how long, why it could not be heard, and the scores: of the
    labels that were named a column each, otherwise the best ones as label_1, score_1, label_2 ...
    """

    def __init__(self, paths, classifier, selection, options):
        self.selection, self.kind = selection, options.rows
        frontend = classifier.frontend
        self.patch_seconds = frontend.patch_frames * frontend.hop_seconds
        self.file = RowFile(options.output, self._columns(), _identity(paths, options))

    def write(self, result):
        """Writes the rows of a `zoo.FileResult`."""
        if result.error is not None:
            row = {"file": result.file, "error": one_line(result.error)}
            self.file.write([row], failed=True)
        elif self.kind == "files":
            about = {"file": result.file, "seconds": result.seconds, "silent": result.silent}
            self.file.write([about | self._scores(result.mean)])
        else:
            self.file.write(
                {
                    "file": result.file,
                    "start_seconds": round(float(start), 3),
                    "end_seconds": self._end(start, result.seconds),
                    **self._scores(scores),
                }
                for start, scores in zip(result.start_seconds, result.rows, strict=True)
            )

    def _end(self, start, seconds):
        return round(min(float(start) + self.patch_seconds, seconds), 3)  # the last is padded

    def _columns(self):
        about = _FILE if self.kind == "files" else _PATCH
        if self.selection.named is not None:
            clash = about.keys() & set(self.selection.named)
            if clash:
                raise ValueError(f"The label {clash.pop()!r} is a column of another meaning.")
            return about | dict.fromkeys(self.selection.named, float)
        return about | {
            f"{name}_{place + 1}": kind
            for place in range(self.selection.top)
            for name, kind in (("label", str), ("score", float))
        }

    def _scores(self, scores):
        if self.selection.named is not None:
            named = self.selection.scores(scores)
            return {name: _rounded(score) for name, score in named.items()}
        cells = {}
        for place, prediction in enumerate(self.selection.best(scores), start=1):
            cells |= {
                f"label_{place}": prediction.label,
                f"score_{place}": _rounded(prediction.score),
            }
        return cells


def _rounded(score):
    return round(score, 6)  # a float32 has no more, and rounds otherwise from batch to batch


def _identity(paths, options):
    """What the same run must have in common to go on."""
    names = "\0".join(paths).encode("utf-8", "surrogateescape")
    return {
        "files": hashlib.sha256(names).hexdigest(),
        "--model": checksum(options.model),
        **{
            f"--{name}": getattr(options, name)
            for name in ("hop", "rows", "top", "labels", "threshold")
        },
    }
