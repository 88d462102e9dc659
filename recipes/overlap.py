"""Finds recordings that hold pieces of test recordings, so that they train no preset.

    python recipes/overlap.py --data ../shared/data ../sound/a ../sound/b

What is gathered from many places may hold what the test splits of opensounds and world, or ESC-10,
were cut from, under other names and at other levels. A folder gets a file `overlap.csv` of those of
its recordings in which a test recording is found again, and `recipes/audioset.py` leaves these out.

Found again is what passes two tests. The embeddings that YAMNet makes of two pieces of one
recording are nearly parallel; those of two crying babies often are, too. So the log-mel
spectrograms of what comes so near are laid upon each other: those of one recording fit.
"""

import argparse
import contextlib
import csv
import functools
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import fft

import zoo
from frontend import FrontendConfig, LogMelSpectrogram, load_audio

NEAR = 0.9
"""Cosine of the angle between two patches' embeddings, from which on spectrograms are compared."""

SAME = 0.8
"""Correlation of two spectrograms, from which on they count as one recording. Nearly all test
recordings, cut elsewhere, at another level and encoded again, fit themselves as well as that, and
few pairs of recordings of one class of ESC-10 fit each other."""

FURTHER = 3
"""Test recordings, the nearest ones, whose spectrograms are compared with a recording's."""

BLOCK = 256
"""Patches that are compared at once: row by row, the processor waits for memory."""

OVERLAP = "overlap.csv"

FRONTEND = FrontendConfig()
SHIFTS = (0, FRONTEND.hop_samples // 2)
"""Samples by which a patch begins later, so that the frames of one are in step with the test's."""


def test_files(data):
    """Paths of the recordings that test."""
    for collection in ("opensounds", "world"):
        with open(data / collection / "manifest.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        yield from (data / collection / row["file"] for row in rows if row["split"] == "test")
    yield from sorted((data / "esc10").rglob("*.ogg"))


def embeddings(classifier, files, hop):
    """Unit embeddings float32 `[patches, units]` of what can be heard, whose each is, and the
    starts, in s."""
    rows, owners, starts = [], [], []
    results = classifier.embed_files(files, hop=hop, open_file=at_full_level)
    for number, result in enumerate(results):
        if result.error is None and not result.silent:
            rows.append(result.rows)
            owners += [number] * len(result.rows)
            starts.append(result.start_seconds)
    rows = np.concatenate(rows)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-6)
    return rows, np.array(owners), np.concatenate(starts)


def at_full_level(path):
    """A context manager of a recording's waveform, as loud as can be."""
    return contextlib.nullcontext(_loud(path))


def _loud(path):
    waveform = load_audio(path, FRONTEND.sample_rate)
    return waveform / np.abs(waveform).max().clip(1e-6)


def nearest(rows, owners, starts, heard, of_test):
    """For each recording that comes near tests, a dict of these: the likeness, and the start, in s,
    of the patch that is so like."""
    near = {}
    for start in range(0, len(rows), BLOCK):
        likeness = rows[start : start + BLOCK] @ heard.T
        for row, column in np.argwhere(likeness > NEAR):
            found = (float(likeness[row, column]), float(starts[start + row]))
            tests = near.setdefault(int(owners[start + row]), {})
            test = int(of_test[column])
            tests[test] = max(tests.get(test, found), found)
    return near


@functools.cache
def log_mel():
    # As a graph, which keeps the mel filters: there are tens of thousands of patches.
    waveforms = tf.TensorSpec([None, None], tf.float32)
    return tf.function(LogMelSpectrogram(FRONTEND), input_signature=[waveforms])


@functools.cache
def spectrogram(path):
    """Of a test recording, `[frames, bins]`, with half a patch of nothing around it."""
    return log_mel()(np.pad(_loud(path), FRONTEND.patch_samples // 2)[np.newaxis])[0].numpy()


def patches(waveform, start):
    """Spectrograms `[shifts, frames, bins]` of the patch that starts at `start`, in s."""
    first = round(start * FRONTEND.sample_rate)
    samples = FRONTEND.patch_samples
    pieces = [waveform[first + shift :][:samples] for shift in SHIFTS]
    return log_mel()(np.stack([np.pad(p, (0, samples - len(p))) for p in pieces])).numpy()


def fit(piece, whole):
    """The largest correlation of a spectrogram, over its bands' means, with a part of another.

    Args:
        piece: float32 `[frames, bins]`.
        whole: of as many frames or more.
    """
    piece = piece - piece.mean(axis=0)
    frames = len(piece)
    length = fft.next_fast_len(len(whole) + frames, real=True)
    spectrum = fft.rfft(whole, length, axis=0) * fft.rfft(piece, length, axis=0).conj()
    products = fft.irfft(spectrum.sum(axis=1), length)[: len(whole) - frames + 1]
    sums, squares = (
        np.cumsum(np.pad(values, ((1, 0), (0, 0))), axis=0, dtype=np.float64)
        for values in (whole, whole**2)
    )
    of_part = squares[frames:] - squares[:-frames]
    varied = (of_part - (sums[frames:] - sums[:-frames]) ** 2 / frames).sum(axis=1)
    own = np.square(piece).sum()
    # Where next to nothing varies, nothing can be told.
    return float((products / np.sqrt(max(own, 1) * np.maximum(varied, 1))).max())


def found_again(file, near, tests):
    """The test recording that fits a file best, and how well it does.

    Args:
        file: the recording.
        near: of `nearest`, the tests that it comes near.
        tests: paths of all.
    """
    waveform = _loud(file)
    of_start = functools.cache(functools.partial(patches, waveform))
    found = []
    for test in sorted(near, key=near.get, reverse=True)[:FURTHER]:
        _, start = near[test]
        likeness = max(fit(patch, spectrogram(tests[test])) for patch in of_start(start))
        found.append((str(tests[test]), likeness))
    return max(found, key=lambda pair: pair[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the test recordings")
    parser.add_argument("folders", type=Path, nargs="+", help="of recordings, with a manifest.csv")
    options = parser.parse_args()
    classifier = zoo.AudioClassifier.from_preset("yamnet")
    tests = list(test_files(options.data))
    heard, of_test, _ = embeddings(classifier, tests, hop=0.24)
    for folder in options.folders:
        with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
            files = [row["file"] for row in csv.DictReader(file)]
        of_folder = embeddings(classifier, [folder / name for name in files], hop=0.96)
        near = nearest(*of_folder, heard, of_test)
        lines = []
        for owner, like in sorted(near.items()):
            test, likeness = found_again(folder / files[owner], like, tests)
            if likeness > SAME:
                lines.append((files[owner], test, f"{likeness:.4f}"))
        with open(folder / OVERLAP, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "test", "likeness"), *lines])
        print(
            f"{folder}: {len(lines)} of {len(files)} hold test recordings; {len(near)} sound alike",
            flush=True,
        )


if __name__ == "__main__":
    main()
