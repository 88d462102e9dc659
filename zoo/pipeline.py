"""Many recordings to rows of scores or embeddings: threads read ahead, the network runs batches.

Batches hold patches of as many recordings as it takes to fill them. Results come in the order of
the recordings. A few of them are read at a time and a few batches wait, so that memory grows
neither with their number nor with their length.
"""

import collections
import contextlib
import dataclasses
import itertools
import os
import queue
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from frontend.audio import sound_blocks
from frontend.config import FrontendConfig
from frontend.patches import waveform_patches
from frontend.sound_warnings import SoundWarning
from frontend.types import Sound

BATCH = 32
"""Patches, whose waveforms take 2 MB: from there on a batch's patches take no less time."""

_BATCH_SAMPLES = 32 * 15600
"""Of the paper's patches. A batch of longer ones has fewer."""

_AHEAD = 8
"""Recordings that are read, or have been, before their turn."""

_PIECES = 4
"""Batches of one recording that wait."""

_READER = "soundzoo reader"
"""What a thread that reads is called."""

_PATIENCE = 1
"""Seconds for a thread that reads to end in."""

_BAD_SOUND = (OSError, ValueError, ImportError)

OpenFile = Callable[[Any], contextlib.AbstractContextManager[Any]]


@dataclasses.dataclass(eq=False)
class FileResult:
    """What came of one recording.

    Attributes:
        file: the recording, as it was given.
        mean: float32 `[classes]` or `[units]`, the mean of the rows of its patches; None after an
            error.
        rows: float32 `[patches, classes]` or `[patches, units]`, where they were asked for; None
            otherwise and after an error.
        start_seconds: float64 `[patches]`, the start of each patch, in s, where there are rows.
        seconds: of sound that was read.
        patches: how many.
        silent: all its samples are 0, or so near that they count as 0.
        warnings: list of `frontend.SoundWarning`.
        error: why it cannot be heard, an OSError, ValueError or ImportError; or None.
    """

    file: Any
    mean: Any = None  # no unions with None: who has looked at `error` knows
    rows: Any = None
    start_seconds: Any = None
    seconds: float = 0.0
    patches: int = 0
    silent: bool = True
    warnings: list[SoundWarning] = dataclasses.field(default_factory=list)
    error: Exception | None = None


def run_files(
    files: Iterable[Sound],
    frontend: FrontendConfig,
    run: Callable[[npt.NDArray[np.float32]], Any],
    *,
    keep_rows: bool = False,
    sample_rate: float | None = None,
    open_file: OpenFile = contextlib.nullcontext,
    patches_before: int = 0,
) -> Iterator[FileResult]:
    """Runs a function on all patches of recordings.

    Args:
        files: recordings, files or waveforms, as `AudioClassifier.classify` takes them.
        frontend: says how they are cut into patches.
        run: function of waveforms, float32 `[patches, frontend.patch_samples]`, that gives a row
            for each patch and may run in several threads at once.
        keep_rows: give each patch's row, too, and not only their mean.
        sample_rate: of waveforms, in Hz.
        open_file: function of one of `files` that gives a context manager of what is to be read
            instead of it. It runs in the thread that reads.
        patches_before: of recordings before these, in a run that goes on: batches are those of the
            whole run, and so are the last bits of what matrix products make of a patch, which
            depend on its place in a batch and on the batch's size.

    Yields:
        A `FileResult` for each recording, in their order.
    """
    total, kept = np.float64(0), []
    for result, rows in _rows(files, frontend, run, sample_rate, open_file, patches_before):
        if rows is not None:
            total = total + rows.sum(axis=0, dtype=np.float64)
            if keep_rows:
                kept.append(rows)
            continue
        if result.error is None:
            result.mean = (total / result.patches).astype(np.float32)
            if keep_rows:
                result.rows = np.concatenate(kept)
                result.start_seconds = frontend.patch_starts(result.patches)
        elif not isinstance(result.error, _BAD_SOUND):
            raise result.error
        else:
            result.silent = False
        yield result
        total, kept = np.float64(0), []


def unwrapped(result: FileResult) -> FileResult:
    """The result, as a call for one recording gives it: its warnings given, its error raised."""
    for warning in result.warnings:
        warnings.warn(warning, stacklevel=2)
    if result.error is not None:
        raise result.error
    return result


def _rows(files, frontend, run, sample_rate, open_file, patches_before):
    """Results and rows of their patches, in order; the rows are None when a recording is over."""
    stop = threading.Event()
    room = min(BATCH, max(1, _BATCH_SAMPLES // frontend.patch_samples))
    if frontend.whole_samples:
        room = 1  # of many lengths, and a sound's scores must not hang on its neighbours'
    threads = os.cpu_count() or 1

    def read(result, pieces):
        _read(result, pieces, stop, frontend, room, sample_rate, open_file)

    readers = _Readers(threads)
    with ThreadPoolExecutor(threads) as runners:
        try:
            waiting = collections.deque()
            before = np.zeros((patches_before % room, frontend.patch_samples), np.float32)
            pieces = itertools.chain([(None, before)], _read_ahead(files, read, readers))
            for waveforms, owners in _batches(pieces, room):
                rows = runners.submit(run, np.concatenate(waveforms)) if waveforms else None
                waiting.append((rows, owners))
                if len(waiting) > threads:
                    yield from _shared_out(*waiting.popleft())
            for rows, owners in waiting:
                yield from _shared_out(rows, owners)
        finally:
            stop.set()
            readers.shutdown()
            runners.shutdown(cancel_futures=True)


class _Readers:
    """Threads that read, for which neither the process nor who stops them waits for long.

    One may wait for ever: for a pipe that gives nothing, or for room in the queue of a recording
    whose results nobody takes any more.
    """

    def __init__(self, threads):
        self._calls = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=_READER, daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, *call):
        self._calls.put(call)

    def shutdown(self):
        """Drops the calls that have not begun, and gives the others a moment to end."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._calls.get_nowait()
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _work(self):
        while (call := self._calls.get()) is not None:
            function, *arguments = call
            function(*arguments)


def _read_ahead(files, read, readers):
    """Results and batches of waveforms, in order; these are None at the end of a recording."""
    files = iter(files)
    ahead = collections.deque()
    while True:
        for file in itertools.islice(files, _AHEAD - len(ahead)):
            result, pieces = FileResult(file), queue.Queue(_PIECES)
            readers.submit(read, result, pieces)
            ahead.append((result, pieces))
        if not ahead:
            return
        result, pieces = ahead.popleft()
        while (patches := pieces.get()) is not None:
            yield result, patches
        yield result, None


def _read(result, pieces, stop, frontend, batch, sample_rate, open_file):
    """Puts a recording's batches of waveforms into the queue, and None at their end."""

    def counted(blocks):
        for block in blocks:
            result.seconds += len(block) / frontend.sample_rate
            yield block

    def put(piece):
        while not stop.is_set():
            try:
                return pieces.put(piece, timeout=0.1)
            except queue.Full:
                continue

    try:
        with open_file(result.file) as sound:
            blocks = sound_blocks(
                sound, frontend.sample_rate, waveform_rate=sample_rate, warn=result.warnings.append
            )
            for patches in waveform_patches(counted(blocks), frontend, batch):
                if stop.is_set():
                    return
                result.patches += len(patches)
                result.silent = result.silent and not patches.any()
                put(patches)
    except Exception as error:  # whoever takes the result raises what is no fault of the sound
        result.error = error
    finally:
        put(None)


def _batches(pieces, most):
    """Lists of waveforms that make a batch, and whose they are: (result, patches or None)."""
    waveforms, owners, room = [], [], most
    for result, patches in pieces:
        if patches is None:
            owners.append((result, None))
            if not waveforms:  # what cannot be heard waits for no batch
                yield waveforms, owners
                owners = []
        while patches is not None and len(patches):
            part, patches = patches[:room], patches[room:]
            waveforms.append(part)
            owners.append((result, len(part)))
            room -= len(part)
            if not room:
                yield waveforms, owners
                waveforms, owners, room = [], [], most
    yield waveforms, owners


def _shared_out(rows, owners):
    rows = np.asarray(rows.result()) if rows else None
    start = 0
    for result, patches in owners:
        if patches is None:
            yield result, None
        else:
            if result is not None:  # but a place that recordings before these had in the batch
                yield result, rows[start : start + patches]
            start += patches
