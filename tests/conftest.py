"""Settings and fixtures of all tests."""

import os
from pathlib import Path

import hypothesis
import pytest

# NumPy's threads, on the tests' small matrices, only wait for each other. It reads this once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The same examples on every run and machine, however slow the machine.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def shared_data():
    """The folder of recordings that tests may use, beside the repository or in SOUNDZOO_DATA."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SOUNDZOO_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}; SOUNDZOO_DATA may name another folder")
    return folder
