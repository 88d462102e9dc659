"""`soundzoo classify` and `embed` as jobs: any number of sound files to Parquet tables."""

import dataclasses
import functools
import hashlib
import json
import os
import posixpath
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.utils.shared import Shared

from frontend.types import StrPath
from zoo.beam import job, places
from zoo.errors import reason
from zoo.json_text import parse_object
from zoo.pipeline import FileResult
from zoo.row_file import import_pyarrow, write_parquet
from zoo.search import LeftOut, find_sounds, listed_files

FILES_PER_PART = 512
"""A minute or so of work on short files, and few enough that long ones are shared out."""

ROWS, FAILED, WARNED, RUN = "rows", "failed", "warnings", "run.json"


@dataclasses.dataclass
class Listing:
    """Paths of sound files, found anew by each iteration, so that no process holds them all.

    Attributes:
        names: of files and directories, which are searched as `zoo.search.find_sounds` does; and
            patterns (`*`, `?`, `[...]`) and URLs that Beam knows.
        lists: of files that name a path a line, or of tables with a column `file`.
    """

    names: Sequence[str] = ()
    lists: Sequence[str] = ()

    def __iter__(self) -> Iterator[str]:
        without, any_found = [], bool(self.lists)
        for name in self.names:
            found = _search(name)
            if (first := next(found, None)) is None:
                without.append(name)
                continue
            any_found = True
            yield first
            yield from found
        for name in self.lists:
            with places.local_copy(name) as path:
                yield from listed_files(path, posixpath.dirname(name))
        if any_found:  # a name without sounds cannot be heard, and is counted so
            yield from without

    def left_out(self) -> Iterator[LeftOut]:
        """What else than sound lies in the directories."""
        for name in filter(os.path.isdir, self.names):
            yield from find_sounds(name).left_out


def _search(name):
    """An iterator of the paths that a name stands for."""
    if os.path.isdir(name):
        return map(str, find_sounds(name).files)
    if not os.path.exists(name) and (places.is_remote(name) or set(name) & set("*?[")):
        return iter(places.search(name))
    return iter([name])


def score(
    files: Iterable[str],
    folder: StrPath,
    load: Callable[[], Any],
    run: Callable[..., Iterator[FileResult]],
    columns: Mapping[str, type],
    rows_of: Callable[[FileResult], Iterable[Mapping[str, Any]]],
    *,
    identity: Mapping[str, Any],
    files_per_part: int = FILES_PER_PART,
    runner: str = "DirectRunner",
    options: Sequence[str] = (),
) -> dict[str, int]:
    """Runs sound files through a classifier by a Beam job, and writes rows of what it says.

    The folder gets `rows/000000.parquet` and on, each the table of so many files;
    `failed/000000.parquet` with the columns `file` and `reason`, where some of these could not be
    heard; `warnings/000000.parquet` with `file` and `warning`, where they are damaged, silent or
    cancel out; and `run.json`, by which a later run knows whose they are.

    It is a DoFn of ours and not `RunInference`, which is for batches of examples: a classifier
    makes batches of patches of many files itself, reads ahead, and gives results file by file,
    where `RunInference` would hold those of a batch.

    Args:
        files: that can be iterated over more than once, as `Listing`, and is given to a worker.
        folder: path or URL that all workers can write to.
        load: function that gives a classifier. A worker calls it once.
        run: function of a classifier, paths and `open_file`, as `AudioClassifier.score_files`.
        columns: types of a row's columns by their names, as for `zoo.row_file.RowFile`. All rows
            have `file` before them.
        rows_of: function of a `FileResult` that gives its rows.
        identity: what makes the rows what they are, JSON types by name.
        files_per_part: whose rows make one file.
        runner: of Beam.
        options: Beam's own, as on a command line.

    Returns:
        dict of how many `files` there are, `failures` among them and `warnings` of them, and whole
        `seconds_of_sound` of those that this run heard.

    Raises:
        FileExistsError: the folder holds what another run wrote.
        ImportError: pyarrow is not installed.
        ValueError: there are no files, or the folder's `run.json` is damaged.
        OSError: a list cannot be read, or the folder cannot be written.
        JobError: the job came to no end.
    """
    import_pyarrow()
    digest, count = hashlib.sha256(), 0
    for path in files:
        count += 1
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
    if not count:
        raise ValueError("No sound files are found; name some, a pattern, or a list.")
    _claim(folder, {"files": digest.hexdigest(), "files_per_part": files_per_part, **identity})
    parts = functools.partial(_parts, files, files_per_part)
    work = _Score(os.fspath(folder), load, run, dict(columns), rows_of)
    counts = job.run_parts(parts, work, runner=runner, options=options)
    each = range(len(range(0, count, files_per_part)))
    _check_written(folder, each)
    return {
        job.FILES: count,
        job.FAILURES: _count(folder, FAILED, each),
        job.WARNINGS: _count(folder, WARNED, each),
        job.SECONDS: counts[job.SECONDS],
    }


def _parts(files, size):
    """`job.cut`, with paths as bytes: Beam sends text in UTF-8, which a path need not be."""
    for number, part in job.cut(files, size):
        yield number, [os.fsencode(path) for path in part]


class _Score(beam.DoFn):
    """Writes what a part's files give, unless it is there: the rows last."""

    def __init__(self, folder, load, run, columns, rows_of):
        self._folder, self._load, self._run = folder, load, run
        self._columns, self._rows_of = columns, rows_of
        self._shared = Shared()

    def setup(self):
        # One for all threads of a process.
        self._classifier = self._shared.acquire(self._load)
        self._tally = job.Tally()

    def process(self, part):
        number, paths = part
        files = [os.fsdecode(path) for path in paths]
        rows = _place(self._folder, ROWS, number)
        if places.size(rows) is not None:
            self._tally.add(job.BEFORE, len(files))
            return
        failures, warned, seconds = [], [], [0.0]

        def heard():
            for result in self._run(self._classifier, files, open_file=places.open_sound):
                seconds.append(result.seconds)
                warned.extend({"file": result.file, "warning": str(w)} for w in result.warnings)
                if result.error is not None:
                    failures.append({"file": result.file, "reason": reason(result.error)})
                    continue
                for row in self._rows_of(result):
                    yield {"file": result.file, **row}

        with tempfile.TemporaryFile() as table:
            write_parquet(table, {"file": str, **self._columns}, heard())
            for name, of, found in ((FAILED, "reason", failures), (WARNED, "warning", warned)):
                if found:
                    with places.write(_place(self._folder, name, number)) as file:
                        write_parquet(file, {"file": str, of: str}, found)
            table.seek(0)
            with places.write(rows) as file:
                while block := table.read(1 << 20):
                    file.write(block)
        self._tally.add(job.FILES, len(files))
        self._tally.add(job.FAILURES, len(failures))
        self._tally.add(job.WARNINGS, len(warned))
        self._tally.add(job.SECONDS, sum(seconds))


def _claim(folder, identity):
    """Makes the folder this run's; FileExistsError if it is another's, ValueError if none knows
    whose."""
    place = places.join(folder, RUN)
    found = places.read(place)
    if found is not None:
        _check_identity(folder, place, found, identity)
    for name in (ROWS, FAILED, WARNED):
        places.make_folder(places.join(folder, name))
    if found is None:
        with places.write(place) as file:
            file.write(json.dumps(identity).encode())


def _check_identity(folder, place, text, identity):
    try:
        found = parse_object(text)
    except ValueError as error:
        raise ValueError(
            f"{place} is damaged ({error}), so that nobody knows whose rows these are; remove "
            f"{folder}, or name another."
        ) from None
    differ = [name for name in {**identity, **found} if identity.get(name) != found.get(name)]
    if differ:
        raise FileExistsError(
            f"{folder} is of a run that differs in: {', '.join(differ)}. Repeat that one to its "
            "end, name another folder, or remove it."
        )


def _check_written(folder, parts):
    """`job.JobError` if a part is missing."""
    for rows in (_place(folder, ROWS, number) for number in parts):
        if places.size(rows) is None:
            raise job.JobError(f"{rows} was not written: the files changed while the job ran.")


def _count(folder, name, parts):
    """Rows of the parts' tables of a name; where there is nothing to say, there is none."""
    _, parquet = import_pyarrow()
    total = 0
    for place in (_place(folder, name, number) for number in parts):
        if places.size(place) is not None:
            with places.local_copy(place) as path:
                total += parquet.read_metadata(path).num_rows
    return total


def _place(folder, name, number):
    return places.join(folder, name, f"{number:06d}.parquet")
