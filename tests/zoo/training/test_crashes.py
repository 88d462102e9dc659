"""Runs that are really killed, and disks that are really full, lose one interval at most."""

import signal

import numpy as np
import pytest

from tests.zoo.training.test_distribution import finish, weights

# A checkpoint after each step: many of the kills come while one is written.
OPTIONS = {"epochs": 3, "epoch_steps": 12, "checkpoint_steps": 1, "mixup": 0.5, "ema": 0.9}


def newest(folder):
    return max(int(path.stem[5:]) for path in (folder / "checkpoints").glob("step-*.npz"))


def read_until(process, line):
    while (found := process.stdout.readline()) != f"{line}\n":
        assert found, process.communicate()[1][-3000:]


def kill_after(step, process):
    read_until(process, f"step {step}")
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def undisturbed(data, start_in_module, tmp_path_factory):
    """The final weights of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(start_in_module(data, folder, OPTIONS))
    return weights(folder)


@pytest.mark.slow
def test_killed_again_and_again(data, start, undisturbed, tmp_path):
    for step in (3, 14, 25):
        kill_after(step, start(data, tmp_path, OPTIONS))
        assert newest(tmp_path) >= step - 1
    finish(start(data, tmp_path, OPTIONS))
    for one, two in zip(weights(tmp_path), undisturbed, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_the_newest_checkpoint_is_damaged(data, start, undisturbed, tmp_path):
    kill_after(8, start(data, tmp_path, OPTIONS))
    path = tmp_path / "checkpoints" / f"step-{newest(tmp_path):08d}.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    process = start(data, tmp_path, OPTIONS)
    read_until(process, f"step {newest(tmp_path)}")  # one step back
    _, errors = process.communicate(timeout=300)
    assert "is damaged and is passed over" in errors
    for one, two in zip(weights(tmp_path), undisturbed, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_disk_that_is_full(data, start, undisturbed, tmp_path):
    process = start(data, tmp_path, OPTIONS)
    read_until(process, "step 5")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    before = newest(tmp_path)
    # The system refuses files of more than a few bytes, as a full disk would.
    _, errors = start(data, tmp_path, OPTIONS, limit_bytes=10_000).communicate(timeout=300)
    assert "File too large" in errors
    assert newest(tmp_path) == before
    assert not list((tmp_path / "checkpoints").glob(".*"))
    finish(start(data, tmp_path, OPTIONS))
    for one, two in zip(weights(tmp_path), undisturbed, strict=True):
        np.testing.assert_array_equal(one, two)
