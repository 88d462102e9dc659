"""Clips decoded into shards, each with a note of what it holds.

Whatever ends a run, a shard that has its note is finished and whole, and the others are made again.
"""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import tensorflow as tf

from frontend import audio_blocks
from zoo.data.example import (
    SAMPLE_RATE,
    checksums,
    decode_samples,
    encode_example,
    encode_samples,
)
from zoo.data.records import Skipped
from zoo.files import sha256, write_atomically

LONGEST_SECONDS = 3600
"""Of a clip; longer ones are skipped. Threads hold whole clips in memory, and a header that is
damaged may promise days."""

_HEADER, _FOOTER = 12, 4  # bytes around an example in a TFRecord file: length and checksums


class Shards:
    """The shards of a list of clips: shard 0 has the first `clips_per_shard` of them, and so on.

    Args:
        clips: list of `Clip`.
        folder: of the shards, an existing one.
        clips_per_shard: skipped ones among them.
        progress: function that is told how many more clips are done, from any thread.
    """

    def __init__(self, clips, folder, clips_per_shard, progress):
        self._clips = clips
        self._folder = folder
        self._starts = range(0, len(clips), clips_per_shard)
        self._progress = progress
        self._stop = threading.Event()

    def __len__(self):
        return len(self._starts)

    def path(self, number):
        """Where a shard is."""
        return self._folder / f"{number:06d}.tfrecord"

    def note(self, number):
        """What a finished shard holds.

        Returns:
            A dict of `bytes`, `sha256`, `clips`, a list of (position in the list of clips, offset
            of the samples in bytes, how many they are, their mean power, `checksums`), and
            `skipped`, a list of `Skipped`'s values.
        """
        return json.loads(self._note_path(number).read_text(encoding="utf-8"))

    def unfinished(self):
        """Numbers of the shards that are missing or not whole; the others count as progress."""
        numbers = []
        for number in range(len(self)):
            try:
                finished = self.path(number).stat().st_size == self.note(number)["bytes"]
            except (OSError, ValueError):
                finished = False
            if finished:
                self._progress(len(self._positions(number)))
            else:
                numbers.append(number)
        return numbers

    def write(self, numbers, threads):
        """Makes shards, several at a time; OSError if one cannot be written."""
        with ThreadPoolExecutor(threads) as pool:
            futures = {pool.submit(self._write, number): number for number in numbers}
            try:
                for future in as_completed(futures):
                    with write_atomically(self._note_path(futures.pop(future))) as file:
                        file.write(json.dumps(future.result()).encode())
            except BaseException:  # Ctrl-C among them: do not wait for whole shards
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _write(self, number):
        path = self.path(number)
        partial = path.with_suffix(".partial")
        try:
            with tf.io.TFRecordWriter(str(partial)) as file:
                size, rows, skipped = self._write_records(file, self._positions(number))
        except tf.errors.OpError as error:
            raise OSError(f"{path} cannot be written: {error.message}") from None
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        checksum = sha256(partial)
        os.replace(partial, path)
        return {"bytes": size, "sha256": checksum, "clips": rows, "skipped": skipped}

    def _write_records(self, file, positions):
        offset, rows, skipped = 0, [], []
        for position in positions:
            if self._stop.is_set():
                raise InterruptedError("Preparing was stopped.")
            clip = self._clips[position]
            try:
                samples = encode_samples(_load(clip.path))
            except (ValueError, OSError) as error:
                skipped.append(Skipped(clip.id, str(clip.path), _reason(error)))
            else:
                record = encode_example(clip, samples)
                file.write(record)
                end = offset + _HEADER + len(record)
                power = float(np.mean(np.square(decode_samples(samples))))
                start, count = end - len(samples), len(samples) // 2
                rows.append((position, start, count, power, checksums(samples)))
                offset = end + _FOOTER
            self._progress(1)
        return offset, rows, skipped

    def _positions(self, number):
        start = self._starts[number]
        return range(start, min(start + self._starts.step, len(self._clips)))

    def _note_path(self, number):
        return self.path(number).with_suffix(".json")


def _load(path):
    """As `frontend.load_audio`; ValueError on what is too long, before it is read whole."""
    blocks, samples = [], 0
    for block in audio_blocks(path, SAMPLE_RATE):
        blocks.append(block)
        samples += len(block)
        if samples > LONGEST_SECONDS * SAMPLE_RATE:
            raise ValueError(f"{path} is longer than {LONGEST_SECONDS} s; cut it into clips.")
    return np.concatenate(blocks)


def _reason(error):
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
