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
from zoo.pipeline import FileResult
from zoo.row_file import import_pyarrow, write_parquet
from zoo.search import LeftOut, find_sounds, listed_files

FILES_PER_PART = 512
"""A minute or so of work on short files, and few enough that long ones are shared out."""

ROWS, FAILED, RUN = "rows", "failed", "run.json"


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
        for name in self.names:
            if os.path.isdir(name):
                yield from map(str, find_sounds(name).files)
            elif not os.path.exists(name) and (places.is_remote(name) or set(name) & set("*?[")):
                yield from places.search(name)
            else:
                yield name
        for name in self.lists:
            with places.local_copy(name) as path:
                yield from listed_files(path, posixpath.dirname(name))

    def left_out(self) -> Iterator[LeftOut]:
        """What else than sound lies in the directories."""
        for name in filter(os.path.isdir, self.names):
            yield from find_sounds(name).left_out


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
    heard; and `run.json`, by which a later run knows whose they are.

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
        dict of how many `files` there are, `failures` among them, and whole `seconds_of_sound` of
        those that this run heard.

    Raises:
        FileExistsError: the folder holds what another run wrote.
        ImportError: pyarrow is not installed.
        ValueError: there are no files.
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
    parts = functools.partial(job.cut, files, files_per_part)
    work = _Score(os.fspath(folder), load, run, dict(columns), rows_of)
    counts = job.run_parts(parts, work, runner=runner, options=options)
    return {
        job.FILES: count,
        job.FAILURES: _failures(folder, len(range(0, count, files_per_part))),
        job.SECONDS: counts[job.SECONDS],
    }


class _Score(beam.DoFn):
    """Writes what a part's files give, unless it is there: failures first, then the rows."""

    def __init__(self, folder, load, run, columns, rows_of):
        self._folder, self._load, self._run = folder, load, run
        self._columns, self._rows_of = columns, rows_of
        self._shared = Shared()

    def setup(self):
        # One for all threads of a process.
        self._classifier = self._shared.acquire(self._load)
        self._tally = job.Tally()

    def process(self, part):
        number, files = part
        rows, failed = _places(self._folder, number)
        if places.size(rows) is not None:
            self._tally.add(job.BEFORE, len(files))
            return
        failures, seconds = [], [0.0]

        def heard():
            for result in self._run(self._classifier, files, open_file=places.open_sound):
                seconds.append(result.seconds)
                if result.error is not None:
                    reason = getattr(result.error, "strerror", None) or str(result.error)
                    failures.append({"file": result.file, "reason": reason})
                    continue
                for row in self._rows_of(result):
                    yield {"file": result.file, **row}

        with tempfile.TemporaryFile() as table:
            write_parquet(table, {"file": str, **self._columns}, heard())
            if failures:
                with places.write(failed) as file:
                    write_parquet(file, {"file": str, "reason": str}, failures)
            table.seek(0)
            with places.write(rows) as file:
                while block := table.read(1 << 20):
                    file.write(block)
        self._tally.add(job.FILES, len(files))
        self._tally.add(job.FAILURES, len(failures))
        self._tally.add(job.SECONDS, sum(seconds))


def _claim(folder, identity):
    """Makes the folder this run's; FileExistsError if it is another's."""
    place = places.join(folder, RUN)
    found = places.read(place)
    if found is None:
        for name in (ROWS, FAILED):
            places.make_folder(places.join(folder, name))
        with places.write(place) as file:
            file.write(json.dumps(identity).encode())
        return
    found = json.loads(found)
    differ = [name for name in {**identity, **found} if identity.get(name) != found.get(name)]
    if differ:
        raise FileExistsError(
            f"{folder} is of a run that differs in: {', '.join(differ)}. Repeat that one to its "
            "end, name another folder, or remove it."
        )


def _failures(folder, parts):
    """How many files could not be heard; OSError if a part is missing."""
    _, parquet = import_pyarrow()
    total = 0
    for number in range(parts):
        rows, failed = _places(folder, number)
        if places.size(rows) is None:
            raise job.JobError(f"{rows} was not written: the files changed while the job ran.")
        if places.size(failed) is not None:
            with places.local_copy(failed) as path:
                total += parquet.read_metadata(path).num_rows
    return total


def _places(folder, number):
    return [places.join(folder, name, f"{number:06d}.parquet") for name in (ROWS, FAILED)]
