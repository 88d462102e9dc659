import json
import socket
import threading
import time

import pytest
import tensorflow as tf

from zoo.training import choose_strategy
from zoo.training.cluster import meet, read_cluster

WORKERS = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", r"TF_CONFIG is not JSON: .* Received: '\{'"),
        ("[" * 100_000, "TF_CONFIG is not JSON: it nests too many"),
        ('{"cluster": ["a", 1.5], "task": {"type": "worker", "index": 0}}', "must name"),
        ("[]", "TF_CONFIG must name the workers' addresses"),
        (json.dumps({"cluster": WORKERS}), "must name the workers' addresses and which"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}), "must name"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": -1}}), "must name"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 1e999}}), "must name"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "chief", "index": 0}}), "must name"),
        (
            json.dumps({"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}),
            "must name",
        ),
        (
            json.dumps(
                {"cluster": {"worker": ["a:1", "b"]}, "task": {"type": "worker", "index": 0}}
            ),
            "must name",
        ),
        (
            json.dumps({"cluster": {**WORKERS, "ps": ["c:1"]}, "task": {"type": "ps", "index": 0}}),
            "TF_CONFIG names 'ps'; training takes chief and worker only",
        ),
    ],
)
def test_refuses(monkeypatch, value, message):
    monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(ValueError, match=message):
        read_cluster()


def test_reads_what_is_right_or_nothing(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert read_cluster() is None
    value = {"cluster": WORKERS, "task": {"type": "worker", "index": "1"}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(value))
    assert read_cluster() == value


@pytest.fixture
def address():
    """An address of this machine at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def cluster(*addresses):
    return {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}}


def test_a_worker_that_cannot_be_reached_is_named_and_not_waited_for_for_ever(address):
    with pytest.raises(
        ConnectionError, match=r"Gave up after 0\.2 s .* not reached: 127.0.0.1:1\."
    ):
        meet(cluster(address, "127.0.0.1:1"), timeout=0.2)


def test_an_address_that_is_taken(address):
    with (
        socket.create_server(("", int(address.split(":")[1]))),
        pytest.raises(ConnectionError, match=f"cannot listen at {address}.*in use"),
    ):
        meet(cluster(address, "127.0.0.1:1"), timeout=0.2)


def test_workers_that_come_late_are_waited_for(address):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        threading.Timer(0.5, other.listen).start()
        started = time.monotonic()
        meet(cluster(address, f"127.0.0.1:{other.getsockname()[1]}"), timeout=30)
    assert 0.5 <= time.monotonic() - started < 20


def test_a_process_joins_a_cluster_once(monkeypatch):
    value = {"cluster": WORKERS, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(value))
    met = []
    monkeypatch.setattr("zoo.training.cluster.meet", lambda *arguments: met.append(arguments))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", object)
    assert choose_strategy(timeout=3) is choose_strategy()
    assert met == [(value, 3)]
