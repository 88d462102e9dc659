"""Settings and fixtures of all tests."""

import os
import random
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import soundfile

# NumPy's threads, on the tests' small matrices, only wait for each other. It reads this once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The same examples on every run and machine, however slow the machine.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
hypothesis.settings.load_profile("repeatable")


# Keras draws the seeds of weights and dropout from Python's generator. By a seed of each fixture's
# and test's own, random networks are always the same, and differ from each other.
@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    random.seed(fixturedef.argname)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    random.seed(item.nodeid)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of recordings that tests may use, beside the repository or in SOUNDZOO_DATA."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SOUNDZOO_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}; SOUNDZOO_DATA may name another folder")
    return folder


@pytest.fixture(scope="session")
def shared_cases(shared_data):
    """The folder of small inputs that once went wrong, beside the recordings."""
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"no cases in {folder}")
    return folder


@pytest.fixture
def recipes(monkeypatch):
    """Lets the recipes, which are no package, be imported; their folder."""
    folder = Path(__file__).parents[1] / "recipes"
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def node_modules(tmp_path):
    """A folder with files named as those of LiteRT.js, and more of them, each of its own text."""
    folder = tmp_path / "node_modules"
    kinds = ("", "compat_", "jspi_", "threaded_")
    wasm = [f"litert_wasm_{kind}internal.{suffix}" for kind in kinds for suffix in ("js", "wasm")]
    for package, more in (("core", [f"wasm/{name}" for name in wasm]), ("wasm-utils", [])):
        for name in ("dist/index.js", "dist/index.js.map", "dist/index.d.ts", *more):
            path = folder / "@litertjs" / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{package} {name}")
        (folder / "@litertjs" / package / "package.json").write_text('{"version": "2.5.3"}')
    return folder


@pytest.fixture
def record():
    """A function that records a second of noise as phones and browsers do: AAC, or Opus in WebM."""
    import av

    def write(path, rate=48000):
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(rate).normal(0, 0.1, (1, rate)).astype("float32")
        with av.open(str(path), "w") as file:
            codec = "libopus" if path.suffix == ".webm" else "aac"
            stream = file.add_stream(codec, rate=rate, layout="mono")
            for start in range(0, rate, 960):
                samples = np.ascontiguousarray(noise[:, start : start + 960])
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = rate, start
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path

    return write


TONES = {"low": 300, "middle": 900, "high": 2700}


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    """Three classes of eight tones each, of 0.5 to 2.25 s; two of each are for validation."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for label, hertz in TONES.items():
        for number in range(8):
            seconds = 0.5 + 0.25 * number
            time = np.arange(int(16000 * seconds)) / 16000
            tone = 0.2 * np.sin(2 * np.pi * hertz * rng.uniform(0.9, 1.1) * time)
            split = "validation" if number >= 6 else "train"
            path = folder / split / label / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tone + rng.normal(0, 0.01, len(time)), 16000)
    return folder
