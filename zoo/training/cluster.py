"""Which devices a run trains on: one, all of this machine, or all of a cluster of machines."""

import contextlib
import json
import os
import socket
import sys
import threading

import tensorflow as tf

CONNECT_SECONDS = 5
"""How long an address is tried before it counts as unreachable (ours)."""


def choose_strategy(timeout=300):
    """The `tf.distribute` strategy for what is there.

    With `TF_CONFIG` in the environment, as Kubernetes operators, Vertex AI and Ray set it, every
    machine that it names is a worker that trains on all its GPUs, or its CPU. Without it, all GPUs
    of this machine, or its only device. Call it before anything else that runs TensorFlow.

    Args:
        timeout: seconds to wait for all workers. The process ends when they have not come by then.

    Raises:
        ValueError: `TF_CONFIG` is not what it should be.
    """
    cluster = read_cluster()
    if cluster is not None:
        with time_limit(timeout, cluster):
            return tf.distribute.MultiWorkerMirroredStrategy()
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
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"TF_CONFIG is not JSON: {error}. Received: {text[:200]!r}") from None
    example = (
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    try:
        machines = value["cluster"]
        job, index = value["task"]["type"], int(value["task"]["index"])
        strange = set(machines) - {"chief", "worker"}
        if not strange:
            machines[job][index].rsplit(":", 1)[1]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise ValueError(
            "TF_CONFIG must name the workers' addresses and which of them this is, as in "
            f"{example}. Received: {text[:200]!r}"
        ) from None
    if strange:
        raise ValueError(
            f"TF_CONFIG names {', '.join(sorted(strange))}; training takes chief and worker only."
        )
    return value


@contextlib.contextmanager
def time_limit(seconds, cluster):
    """Ends the process with a sentence if the block, which waits for workers, takes longer."""

    def give_up():
        missing = ", ".join(_unreachable(cluster)) or "a worker that answers but does not join"
        print(
            f"soundzoo: gave up after {seconds:g} s of waiting for all workers of TF_CONFIG; "
            f"not reached: {missing}.",
            file=sys.stderr,
            flush=True,
        )
        os._exit(2)  # TensorFlow waits in C++, where no exception reaches it

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _unreachable(cluster):
    for addresses in cluster["cluster"].values():
        for address in addresses:
            host, port = address.rsplit(":", 1)
            try:
                socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            except OSError:
                yield address
