"""Two replicas train as one device does: in one process, and in two."""

import json
import signal
import socket

import numpy as np
import pytest

from tests.zoo.training.test_trainer import log

AUGMENTED = {
    "mixup": 0.5,
    "gain_db": 6,
    "speed": 1.1,
    "time_shift": 0.3,
    "mask_frames": 10,
    "mask_bins": 8,
}


def weights(folder, worker=0):
    with np.load(folder / f"final-{worker}.npz") as archive:
        return [archive[name] for name in archive.files]


def finish(*processes):
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-3000:]


def cluster(index, ports):
    addresses = [f"127.0.0.1:{port}" for port in ports]
    return {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}


@pytest.fixture
def ports():
    """Two free ports of this machine."""
    with socket.socket() as first, socket.socket() as second:
        for free in (first, second):
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in (first, second)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        AUGMENTED,
        {"batch": 6, "mixup": 1.0},  # of three examples on each, one has its neighbour elsewhere
        {"model": "smooth", "clip_norm": 0.5, "ema": 0.9, "weight_decay": 0.1},
        {"model": "smooth", "teacher_head": True},
        {
            "model": "smooth",
            **AUGMENTED,
            "mixup_db": 10,
            "teachers": [],
            "ema": 0.9,
            "refit_steps": 4,
        },
    ],
    ids=["augmented", "odd", "batch_norm", "teacher_head", "teachers"],
)
def test_two_devices_train_as_one(options, data, teacher, saved_teacher, start, tmp_path):
    if "teacher_head" in options:
        options = {**options, "teacher": str(teacher.folder)}
    if "teachers" in options:
        options = {**options, "teachers": [str(saved_teacher)]}
    finish(start(data, tmp_path / "one", options))
    finish(start(data, tmp_path / "two", options, devices=2))
    for one, two in zip(weights(tmp_path / "one"), weights(tmp_path / "two"), strict=True):
        # A classifier that was fitted in closed form has large weights.
        np.testing.assert_allclose(one, two, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_two_workers_train_as_one(data, start, ports, tmp_path):
    options = {"model": "smooth", **AUGMENTED}
    finish(start(data, tmp_path / "one", options))
    finish(
        *(
            start(data, tmp_path / "two", options, tf_config=cluster(worker, ports))
            for worker in range(2)
        )
    )
    assert json.loads((tmp_path / "two" / "run.json").read_text())["replicas"] == 2
    logs = [log(tmp_path / run) for run in ("one", "two")]
    for alone, together in zip(*logs, strict=True):
        assert together | {"seconds": 0} == pytest.approx(alone | {"seconds": 0}, abs=1e-4)
    one = weights(tmp_path / "one")
    first, second = weights(tmp_path / "two", 0), weights(tmp_path / "two", 1)
    for alone, of_first, of_second in zip(one, first, second, strict=True):
        np.testing.assert_array_equal(of_first, of_second)
        np.testing.assert_allclose(alone, of_first, atol=1e-5)


@pytest.mark.slow
def test_a_killed_worker_leaves_a_job_that_goes_on(data, start, ports, tmp_path):
    options = {"epoch_steps": 40, "checkpoint_steps": 10}
    finish(start(data, tmp_path / "one", options))
    folder = tmp_path / "two"
    workers = [start(data, folder, options, tf_config=cluster(n, ports)) for n in range(2)]
    while workers[1].stdout.readline() != "step 25\n":
        assert workers[1].poll() is None
    workers[1].send_signal(signal.SIGKILL)
    # The other one does not hang, and says what happened.
    _, errors = workers[0].communicate(timeout=120)
    assert workers[0].returncode != 0
    assert "A worker was lost at step" in errors

    # Now they are called as Vertex AI calls them, and are told to stop before they go on.
    addresses = [f"127.0.0.1:{port}" for port in ports]
    jobs = {"chief": addresses[:1], "worker": addresses[1:]}
    tasks = [{"cluster": jobs, "task": {"type": t, "index": 0}} for t in ("chief", "worker")]
    workers = [start(data, folder, options, tf_config=task) for task in tasks]
    while workers[0].stdout.readline() != "step 33\n":
        assert workers[0].poll() is None
    workers[1].send_signal(signal.SIGTERM)
    errors = [worker.communicate(timeout=120)[1] for worker in workers]
    assert "Stopped by another worker's signal after step" in errors[0]
    assert "Stopped by SIGTERM after step" in errors[1]

    finish(*(start(data, folder, options, tf_config=task) for task in tasks))
    for alone, resumed in zip(weights(tmp_path / "one"), weights(folder), strict=True):
        np.testing.assert_allclose(alone, resumed, atol=1e-5)
