"""Clips decoded into shards, each with a note of what it holds.

Whatever ends a run, a shard that has its note is finished and whole, and the others are made again.
"""

import contextlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import tensorflow as tf

from frontend import audio_blocks
from zoo.data.example import checksums, decode_samples, encode_example, encode_samples
from zoo.data.records import Skipped
from zoo.errors import reason
from zoo.files import sha256, write_atomically
from zoo.json_text import parse_json
from zoo.seal import check_seal, sealed

LONGEST_SECONDS = 3600
"""Of a clip; longer ones are skipped. Threads hold whole clips in memory, and a header that is
damaged may promise days."""

_HEADER, _FOOTER = 12, 4  # bytes around an example in a TFRecord file: length and checksums


def shard_name(number):
    """The file of a shard; its note has the suffix `.json` instead."""
    return f"{number:06d}.tfrecord"


def write_shard(path, clips, sample_rate, *, open_file=contextlib.nullcontext, progress, stop):
    """Decodes clips into a shard.

    Args:
        path: of the shard.
        clips: list of `Clip`.
        sample_rate: to resample them to, in Hz.
        open_file: function of a clip's path that gives a context manager of what is to be read.
        progress: function that is told how many more clips are done.
        stop: `threading.Event` that ends the work by an InterruptedError.

    Returns:
        The note: a dict of `bytes`, `sha256`, `records`, a list of (id, labels, split, offset of
        the samples in bytes, how many they are, their mean power, `checksums`), and `skipped`, a
        list of `Skipped`'s values.

    Raises:
        OSError: the shard cannot be written.
    """
    partial = path.with_suffix(".partial")
    try:
        with tf.io.TFRecordWriter(str(partial)) as file:
            size, rows, skipped = _write_records(
                file, clips, sample_rate, open_file, progress, stop
            )
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be written: {error.message}") from None
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    checksum = sha256(partial)
    os.replace(partial, path)
    return {"bytes": size, "sha256": checksum, "records": rows, "skipped": skipped}


def encode_note(note):
    """What `write_shard` said, as the bytes of a file."""
    return json.dumps(sealed(note)).encode()


def decode_note(content, size):
    """The note of a shard that is finished and whole, or None.

    Args:
        content: bytes of the note's file, or None.
        size: bytes of the shard, or None.
    """
    try:
        note = parse_json(content or b"{}")
        check_seal(note, {"bytes", "sha256", "records", "skipped"})
    except ValueError:
        return None
    return note if "records" in note and note["bytes"] == size else None


class Shards:
    """The shards of a list of clips: shard 0 has the first `clips_per_shard` of them, and so on.

    Args:
        clips: list of `Clip`.
        folder: of the shards, an existing one.
        clips_per_shard: skipped ones among them.
        sample_rate: of the clips in them, in Hz.
        progress: function that is told how many more clips are done, from any thread.
    """

    def __init__(self, clips, folder, clips_per_shard, sample_rate, progress):
        self._clips = clips
        self._sample_rate = sample_rate
        self._folder = folder
        self._starts = range(0, len(clips), clips_per_shard)
        self._progress = progress
        self._stop = threading.Event()

    def __len__(self):
        return len(self._starts)

    def notes(self):
        """Yields what `write_shard` said of each shard; all must be finished."""
        return map(self._note, range(len(self)))

    def unfinished(self):
        """Numbers of the shards that are missing or not whole; the others count as progress."""
        numbers = []
        for number in range(len(self)):
            if self._note(number):
                self._progress(len(self._of(number)))
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
                        file.write(encode_note(future.result()))
            except BaseException:  # Ctrl-C among them: do not wait for whole shards
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _write(self, number):
        return write_shard(
            self._path(number),
            self._of(number),
            self._sample_rate,
            progress=self._progress,
            stop=self._stop,
        )

    def _note(self, number):
        try:
            size = self._path(number).stat().st_size
            return decode_note(self._note_path(number).read_bytes(), size)
        except OSError:
            return None

    def _of(self, number):
        start = self._starts[number]
        return self._clips[start : start + self._starts.step]

    def _path(self, number):
        return self._folder / shard_name(number)

    def _note_path(self, number):
        return self._path(number).with_suffix(".json")


def _write_records(file, clips, sample_rate, open_file, progress, stop):
    offset, rows, skipped = 0, [], []
    for clip in clips:
        if stop.is_set():
            raise InterruptedError("Preparing was stopped.")
        try:
            samples = encode_samples(_load(clip.path, sample_rate, open_file))
        except (ValueError, OSError) as error:
            skipped.append(Skipped(clip.id, str(clip.path), reason(error)))
        else:
            record = encode_example(clip, samples)
            file.write(record)
            end = offset + _HEADER + len(record)
            power = float(np.mean(np.square(decode_samples(samples))))
            place = (end - len(samples), len(samples) // 2)
            rows.append((clip.id, clip.labels, clip.split, *place, power, checksums(samples)))
            offset = end + _FOOTER
        progress(1)
    return offset, rows, skipped


def _load(path, sample_rate, open_file):
    """As `frontend.load_audio`; ValueError on what is too long, before it is read whole."""
    blocks, samples = [], 0
    with open_file(path) as sound:
        for block in audio_blocks(sound, sample_rate):
            blocks.append(block)
            samples += len(block)
            if samples > LONGEST_SECONDS * sample_rate:
                raise ValueError(f"{path} is longer than {LONGEST_SECONDS} s; cut it into clips.")
    return np.concatenate(blocks)
