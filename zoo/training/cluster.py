"""Which devices a run trains on: one, all of this machine, or all of a cluster of machines."""

import itertools
import os
import socket
import time

import tensorflow as tf

from zoo.json_text import parse_json

RETRY_SECONDS = 1
"""Between two tries to reach a worker, and what a try may take (ours)."""

_joined: dict[
    str, tf.distribute.Strategy
] = {}  # strategies by their TF_CONFIG: a process joins a cluster once


def choose_strategy(timeout: float = 300) -> tf.distribute.Strategy:
    """The `tf.distribute` strategy for what is there.

    With `TF_CONFIG` in the environment, as Kubernetes operators, Vertex AI and Ray set it, every
    machine that it names is a worker that trains on all its GPUs, or its CPU. Without it, all GPUs
    of this machine, or its only device. Call it before anything else that runs TensorFlow.

    Args:
        timeout: seconds to wait for all workers.

    Raises:
        ValueError: `TF_CONFIG` is not what it should be.
        ConnectionError: a worker cannot be reached.
    """
    cluster = read_cluster()
    if cluster is not None:
        text = os.environ["TF_CONFIG"]
        if text not in _joined:
            meet(cluster, timeout)
            _joined[text] = tf.distribute.MultiWorkerMirroredStrategy()
        return _joined[text]
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def read_cluster():
    """`TF_CONFIG` as a dict, checked; None if it is not set.

    Raises:
        ValueError: it is not JSON, or does not name the workers and which of them this is.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return None
    try:
        value = parse_json(text)
    except ValueError as error:
        raise ValueError(f"TF_CONFIG is not JSON: {error}. Received: {text[:200]!r}") from None
    example = (
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    try:
        machines = dict(value["cluster"])
        job, index = value["task"]["type"], int(value["task"]["index"])
        strange = set(machines) - {"chief", "worker"}
        if not strange:
            own = dict(enumerate(machines[job]))[index]  # -1 is no place in the list
            for address in itertools.chain([own], *machines.values()):
                _port(address)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise ValueError(
            "TF_CONFIG must name the workers' addresses and which of them this is, as in "
            f"{example}. Received: {text[:200]!r}"
        ) from None
    if strange:
        names = ", ".join(sorted(map(repr, strange)))
        raise ValueError(f"TF_CONFIG names {names}; training takes chief and worker only.")
    return value


def place_of(strategy):
    """Which worker this is, counted from the chief, 0, on, and how many there are."""
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    workers = [(job, index) for job in sorted(jobs) for index in range(len(jobs[job]))]
    if not workers:
        return 0, 1
    return workers.index((resolver.task_type, resolver.task_id)), len(workers)


def meet(cluster, timeout):
    """Waits until every other worker can be reached, and can reach this one.

    TensorFlow itself would wait in C++, where neither an exception nor a signal reaches it.

    Raises:
        ConnectionError: a worker was not reached within `timeout` seconds, or another program
            listens at this worker's address.
    """
    task = cluster["task"]
    addresses = {
        (job, index): address
        for job, members in cluster["cluster"].items()
        for index, address in enumerate(members)
    }
    own = addresses.pop((task["type"], int(task["index"])))
    with _listen(own):
        deadline = time.monotonic() + timeout
        missing = list(addresses.values())
        while missing := [address for address in missing if not _answers(address)]:
            if time.monotonic() > deadline:
                raise ConnectionError(
                    f"Gave up after {timeout:g} s of waiting for all workers of TF_CONFIG; not "
                    f"reached: {', '.join(missing)}."
                )
            time.sleep(RETRY_SECONDS)


def _listen(address):
    try:
        return socket.create_server(("", _port(address)))
    except OSError as error:
        raise ConnectionError(
            f"This worker cannot listen at {address}, its address in TF_CONFIG: {error.strerror}."
        ) from None


def _answers(address):
    try:
        socket.create_connection((address.rsplit(":", 1)[0], _port(address)), RETRY_SECONDS).close()
    except OSError:
        return False
    return True


def _port(address):
    return int(address.rsplit(":", 1)[1])
