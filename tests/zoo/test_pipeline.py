"""Many recordings through one function, in order, whatever is wrong with some."""

import contextlib
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from export import TFLiteClassifier, export_tflite
from frontend import FrontendConfig, SilenceWarning
from zoo.pipeline import BATCH, run_files

RATE = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings of 0.1 to 90 s, more than are read ahead; every fifth is none."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("recordings")
    for number, seconds in enumerate([0.1, 1, 40, 2, 3, 5, 0.5, 90, 2, 0, *rng.uniform(1, 4, 15)]):
        path = folder / f"{number:02}.wav"
        if number % 5 == 4:
            path.write_bytes(b"no sound at all")
        else:
            sound = rng.normal(0, 0.1, round(seconds * RATE))
            soundfile.write(path, sound if number != 3 else 0 * sound, RATE)
    return folder


@pytest.fixture(scope="module")
def paths(folder):
    return [*sorted(folder.iterdir()), folder / "lost.wav"]


@pytest.fixture(params=["keras", "tflite"])
def listener(request, small_classifier, tmp_path):
    if request.param == "keras":
        return small_classifier
    export_tflite(small_classifier, tmp_path / "small.tflite")
    return TFLiteClassifier(tmp_path / "small.tflite")


@pytest.mark.parametrize("hop", [None, 0.48])
def test_scores_are_those_of_one_file_after_the_other(listener, paths, hop):
    results = list(listener.score_files(paths, hop=hop, keep_rows=True))
    assert [result.file for result in results] == paths
    for number, (path, result) in enumerate(zip(paths, results, strict=True)):
        if result.error is not None:
            assert path.name == "lost.wav" or number % 5 == 4
            assert result.mean is result.rows is result.start_seconds is None
            with pytest.raises(type(result.error)):
                listener.timeline(path)
            continue
        assert [type(warning) for warning in result.warnings] == [SilenceWarning] * result.silent
        assert result.silent == (number == 3)
        assert result.seconds == pytest.approx(soundfile.info(path).duration)
        if result.silent:
            continue
        timeline = listener.timeline(path, hop=hop)
        np.testing.assert_array_equal(result.start_seconds, timeline.start_seconds)
        # A network rounds otherwise in batches of another size.
        np.testing.assert_allclose(result.rows, timeline.scores, atol=1e-6)
        np.testing.assert_allclose(result.mean, timeline.scores.mean(axis=0), atol=1e-6)


def test_embeddings_of_many_files(small_classifier, paths):
    for path, result in zip(paths[:4], small_classifier.embed_files(paths[:4]), strict=True):
        expected = small_classifier.embed(path) if not result.silent else result.rows
        np.testing.assert_allclose(result.rows, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result.mean, result.rows.mean(axis=0), atol=1e-5)


def test_without_rows_there_is_the_mean(small_classifier, paths):
    (result,) = small_classifier.score_files(paths[1:2])
    assert result.rows is None
    assert result.mean.dtype == np.float32


def test_files_are_taken_when_their_turn_is_near(small_classifier, paths):
    """Names may come from a list that is still being written."""
    taken = []

    def listed():
        for path in paths * 4:
            taken.append(path)
            yield path

    results = small_classifier.score_files(listed())
    assert not taken
    next(results)
    assert len(taken) < len(paths) * 2
    results.close()


def test_who_stops_early_leaves_no_threads(small_classifier, paths):
    results = small_classifier.score_files(paths)
    next(results)
    results.close()
    left = [thread.name for thread in threading.enumerate()]
    assert not [name for name in left if "ThreadPool" in name or name == "soundzoo reader"]


ABANDONED = """
import os, signal, sys
import numpy as np
from frontend import FrontendConfig
from zoo.pipeline import run_files

sounds = {
    "a result": [np.full(100 * 16000, 0.1, "float32")] * 12,
    "a pipe": [os.fdopen(os.pipe()[0], "rb", buffering=0)],
}[sys.argv[1]]
results = run_files(sounds, FrontendConfig(), lambda waveforms: np.zeros((len(waveforms), 2)))
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.alarm(2)
next(results)
"""


@pytest.mark.parametrize(("what", "status"), [("a result", 0), ("a pipe", -signal.SIGINT)])
def test_nobody_waits_for_what_nobody_takes(what, status):
    """The process ends, where threads that read had kept it for ever."""
    ended = subprocess.run([sys.executable, "-c", ABANDONED, what], timeout=60, capture_output=True)
    assert ended.returncode == status, ended.stderr


def test_an_error_in_a_list_stops_what_is_read_ahead(small_classifier, paths):
    with pytest.raises(FileNotFoundError) as error:
        small_classifier.classify([paths[-1], *[paths[7]] * 4])
    assert error.traceback
    names = [thread.name for thread in threading.enumerate()]
    assert "soundzoo reader" not in names


def test_patches_of_many_files_make_a_batch(folder):
    sizes = []

    def run(waveforms):
        sizes.append(len(waveforms))
        return waveforms[:, :2]

    paths = [folder / "01.wav"] * (BATCH * 2 + 1)
    results = list(run_files(paths, FrontendConfig(), run))
    assert len(results) == len(paths)
    assert sorted(sizes) == [1, BATCH, BATCH]


def test_files_that_cannot_be_heard_wait_for_no_batch(small_classifier):
    taken = []

    def missing():
        for number in range(1000):
            taken.append(number)
            yield f"missing{number}.wav"

    results = small_classifier.score_files(missing())
    assert isinstance(next(results).error, FileNotFoundError)
    assert len(taken) < 100
    assert sum(1 for _ in results) == 999


def test_what_is_no_fault_of_the_sound_is_raised(small_classifier, paths):
    @contextlib.contextmanager
    def broken(path):
        raise ZeroDivisionError
        yield

    with pytest.raises(ZeroDivisionError):
        list(small_classifier.score_files(paths, open_file=broken))

    def run(waveforms):
        raise MemoryError

    with pytest.raises(MemoryError):
        list(run_files(paths, FrontendConfig(), run))


def test_a_wrong_hop_and_a_file_alone_are_said_at_once(small_classifier, paths):
    with pytest.raises(ValueError, match="hop"):
        small_classifier.score_files([], hop=-1)
    for call in (small_classifier.score_files, small_classifier.embed_files):
        for file in (paths[0], str(paths[0])):
            with pytest.raises(ValueError, match=r"must be a list of sound files\. Received one"):
                call(file)


MEMORY = """
import resource, sys
import numpy as np
from frontend import FrontendConfig
from zoo.pipeline import run_files

for result in run_files(sys.argv[1:], FrontendConfig(), lambda waveforms: waveforms[:, :500]):
    assert result.error is None
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_number_or_length(tmp_path):
    def peak(minutes, files):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", RATE, 1) as file:
            for _ in range(minutes):
                file.write(np.random.default_rng(0).normal(0, 0.1, 60 * RATE))
        command = [sys.executable, "-c", MEMORY, *[str(path)] * files]
        return int(subprocess.run(command, check=True, capture_output=True).stdout)

    unit = 1 if sys.platform == "darwin" else 1 << 10  # bytes of what `getrusage` counts in
    short = peak(5, 10)
    assert (peak(120, 1) - short) * unit < 60 << 20  # two hours are 460 MB as float32
    assert (peak(5, 60) - short) * unit < 60 << 20


def test_rows_are_the_same_bits_from_wherever_a_run_goes_on(small_classifier):
    """Whatever a machine's matrix products make of a patch's place in its batch."""

    def heard(sounds, **options):
        run = small_classifier.score_patches
        results = run_files(sounds, small_classifier.frontend, run, sample_rate=RATE, **options)
        return [result.mean for result in results]

    sounds = list(np.random.default_rng(0).normal(0, 0.1, (BATCH + 5, RATE // 2)))
    whole = heard(sounds)
    for done in (1, 7, BATCH - 2, BATCH, BATCH + 4):
        rest = heard(sounds[done:], patches_before=done)
        np.testing.assert_array_equal(rest, whole[done:])


def test_a_run_that_goes_on_has_the_batches_of_the_whole():
    sounds = [np.full(seconds * RATE, 0.1 * seconds) for seconds in (3, 40, 1, 9, 20, 2)]
    sounds.insert(2, np.zeros(0))  # cannot be heard
    frontend = FrontendConfig()

    def heard(sounds, **options):
        sizes = []

        def run(waveforms):
            sizes.append(len(waveforms))
            return waveforms[:, :2]

        return list(run_files(sounds, frontend, run, sample_rate=RATE, **options)), sizes

    whole, sizes = heard(sounds)
    before = 0
    for done, result in enumerate(whole):
        rest, rest_sizes = heard(sounds[done:], patches_before=before)
        # In whichever order threads begin them: all are full but the last.
        assert sorted(rest_sizes) == sorted(sizes)[: len(rest_sizes)]
        assert [each.patches for each in rest] == [each.patches for each in whole[done:]]
        before += result.patches
