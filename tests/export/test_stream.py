"""Streams of blocks of any sizes give the rows of the whole file."""

import functools
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from export import TFLiteClassifier
from frontend import resampled_blocks

from .exported import small_classifier, small_model


@functools.cache
def running():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.tflite")
        path.write_bytes(small_model())
        return TFLiteClassifier(path)


def waveform_of(samples):
    return np.random.default_rng(samples).normal(0, 0.1, samples).astype("float32")


def gather(rows):
    starts, scores = zip(*rows, strict=True)
    return np.array(starts), np.stack(scores)


@given(sizes=st.lists(st.integers(0, 20000), max_size=12).filter(any))
def test_any_blocks_give_the_timeline_of_the_whole(sizes):
    waveform = waveform_of(sum(sizes))
    blocks = np.split(waveform, np.cumsum(sizes)[:-1])
    starts, scores = gather(running().stream(blocks))
    whole = running().timeline(waveform)
    np.testing.assert_array_equal(starts, whole.start_seconds)
    np.testing.assert_array_equal(scores, whole.scores)


@given(
    sizes=st.lists(st.integers(0, 30000), max_size=8).filter(any),
    rate=st.sampled_from([8000, 44100, 48000]),
)
def test_any_blocks_of_another_rate(sizes, rate):
    waveform = waveform_of(sum(sizes) + 100)
    blocks = np.split(waveform, np.cumsum(sizes))
    starts, scores = gather(running().stream(blocks, sample_rate=rate))
    whole = running().timeline(waveform, sample_rate=rate)
    np.testing.assert_array_equal(starts, whole.start_seconds)
    np.testing.assert_allclose(scores, whole.scores, atol=1e-3)


def test_keras_streams_the_same():
    waveform = waveform_of(50000)
    starts, scores = gather(small_classifier().stream(np.array_split(waveform, 7)))
    whole = running().timeline(waveform)
    np.testing.assert_array_equal(starts, whole.start_seconds)
    np.testing.assert_allclose(scores, whole.scores, atol=1e-5)


def test_rows_come_as_soon_as_their_sound_is_there():
    heard = []

    def microphone():
        for _ in range(300):
            heard.append(160)
            yield np.zeros(160, "float32")

    rows = running().stream(microphone())
    start, scores = next(rows)
    assert (start, scores.shape, scores.dtype) == (0.0, (3,), np.float32)
    assert sum(heard) == 15680  # the first whole block beyond the 15600 samples of a patch
    assert next(rows)[0] == 0.96
    assert sum(heard) == 31040


def test_memory_does_not_grow():
    def peak(seconds):
        block = np.zeros(1600, "float32")
        tracemalloc.start()
        for _ in running().stream(block for _ in range(10 * seconds)):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(200) < peak(20) + 20_000


def test_silence_between_blocks_is_nothing():
    empty = np.zeros(0, "float32")
    waveform = waveform_of(16000)
    blocks = [empty, waveform[:100], empty, waveform[100:], empty]
    np.testing.assert_array_equal(
        gather(running().stream(blocks))[1], running().timeline(waveform).scores
    )


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "the stream holds no samples"),
        ([np.zeros(0, "float32")], "the stream holds no samples"),
        ([np.zeros(160, "int16")], "floating point in -1..1. Received dtype int16; divide 16-bit"),
        ([np.zeros((2, 160))], r"must be mono.*Received shape \(2, 160\)"),
        ([np.zeros(160), np.full(160, np.nan)], "NaN or infinity, first at sample 160"),
        ([np.full(160, 3000.0)], "Received a peak of 3000"),
    ],
)
def test_blocks_that_are_no_sound(blocks, message):
    with pytest.raises(ValueError, match=message):
        list(running().stream(blocks))


@pytest.mark.parametrize("rate", [0, -1, "fast", True])
def test_rates_that_are_none(rate):
    with pytest.raises(ValueError, match="sample rate must be a number"):
        next(running().stream([np.zeros(160)], sample_rate=rate))


def test_resampling_does_not_depend_on_the_blocks():
    waveform = waveform_of(44100)
    whole = soxr.resample(waveform, 44100, 16000)
    for sizes in ([1] * 30, [7000, 1, 0, 20000], []):
        blocks = np.split(waveform, np.cumsum(sizes, dtype=int))
        joined = np.concatenate(list(resampled_blocks(blocks, 44100, 16000)))
        assert len(joined) == len(whole)
        np.testing.assert_allclose(joined, whole, atol=1e-4)
