"""Training speed of ResNet-50: this package on TensorFlow, against PyTorch.

    python benchmarks/train.py [--also stock compiled ...] [--precisions float32 bfloat16]
                               [--keep-memory] [--width 1] [--batch 32] [--steps 4] [--json FILE]

One training step is forward, sigmoid cross-entropy over 527 classes, backward and Adam, on random
log-mel patches `[batch, 96, 64]`. PyTorch trains the same network, of the same number of weights,
channels last, with its fused Adam, in an environment of its own (`.venv-torch` beside this folder,
made on the first run). bfloat16 is Keras's policy `mixed_bfloat16` and PyTorch's autocast. `--also`
adds PyTorch compiled, and ways of training in Keras that we do not have.

Each contender is a process. They take turns, round by round, so that a busy machine slows all of
them alike, and the median round counts.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from contenders import make_torch_environment, race, serve, start

CLASSES = 527
LEARNING_RATE = 1e-4
ROUNDS = 5
PRECISIONS = ("float32", "bfloat16")

# glibc gives large blocks back to the system when they are freed, and takes new ones, which the
# system clears, at each step. With these it keeps them.
KEEP_MEMORY = {
    "MALLOC_TOP_PAD_": str(2**28),
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
}

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=float, default=1.0, help="of the network (%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="patches per step (%(default)s)")
    parser.add_argument("--steps", type=int, default=4, help="steps per round (%(default)s)")
    more = [name for name in CONTENDERS if name not in ALWAYS]
    parser.add_argument(
        "--also", nargs="+", choices=more, default=[], help="of: " + ", ".join(more), metavar="NAME"
    )
    parser.add_argument(
        "--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS, help="%(default)s"
    )
    parser.add_argument(
        "--keep-memory", action="store_true", help="have glibc keep what a contender frees"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--precision", choices=PRECISIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        _serve(arguments)
        return
    make_torch_environment()
    names = [*ALWAYS, *arguments.also]
    results = {
        "width": arguments.width,
        "batch": arguments.batch,
        "keep_memory": arguments.keep_memory,
        "examples_per_second": {
            precision: _race(names, precision, arguments) for precision in arguments.precisions
        },
    }
    results["keras_over_torch"] = {
        precision: round(rates["keras"] / rates["torch"], 3)
        for precision, rates in results["examples_per_second"].items()
    }
    _print_table(names, results)
    print(json.dumps(results))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=2) + "\n")


def _race(names, precision, arguments):
    """Examples per second of each contender: the median of the rounds."""
    processes = {name: _start(name, precision, arguments) for name in names}
    ready, seconds = race(processes, ROUNDS)
    weights = {name: int(count) for name, count in ready.items()}
    if len(set(weights.values())) != 1:
        raise SystemExit(f"The networks differ in their number of weights: {weights}")
    print(f"{precision}: {weights['keras']:,} weights in each network")
    examples = arguments.batch * arguments.steps
    return {name: round(examples / seconds[name], 2) for name in names}


def _print_table(names, results):
    print(f"\n{'examples/s':<12}" + "".join(f"{name:>14}" for name in names) + f"{'ratio':>10}")
    for precision, rates in results["examples_per_second"].items():
        cells = "".join(f"{rates[name]:>14.1f}" for name in names)
        print(f"{precision:<12}{cells}{results['keras_over_torch'][precision]:>10.2f}")
    print("ratio: keras / torch\n")


# A contender warms up, prints its number of weights, and then, for each line that it reads, trains
# one round and prints the seconds that it took.


def _start(name, precision, arguments):
    command = [__file__, "--contender", name, "--precision", precision]
    for option in ("width", "batch", "steps"):
        command += [f"--{option}", str(getattr(arguments, option))]
    contender = CONTENDERS[name]
    environment = contender.environment | (KEEP_MEMORY if arguments.keep_memory else {})
    return start(command, torch=contender.torch, environment=environment)


def _serve(arguments):
    sys.path.insert(0, str(ROOT))
    run, weights = CONTENDERS[arguments.contender].make(arguments)
    run(arguments.steps)  # a round, for which steps in one call are traced
    serve(weights, lambda: run(arguments.steps))


def _random_batch(batch):
    import numpy as np

    generator = np.random.default_rng(0)
    patches = generator.normal(size=(batch, 96, 64)).astype("float32")
    labels = (generator.random((batch, CLASSES)) < 0.01).astype("float32")
    return patches, labels


def _keras(arguments, batch_norm=None, unrolled=False):
    import keras
    import tensorflow as tf

    import zoo
    from zoo.layers import blocks

    if arguments.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    if batch_norm is not None:
        blocks.FusedBatchNormalization = batch_norm
    patches, labels = map(tf.constant, _random_batch(arguments.batch))
    model = zoo.ResNet50(classes=CLASSES, width=arguments.width, classifier_activation=None)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(model.trainable_variables)

    def step():
        with tf.GradientTape() as tape:
            value = loss(labels, model(patches, training=True))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(value, [v.value for v in variables]), variables)
        return value

    @tf.function
    def train(steps):
        return [step() for _ in range(steps)][-1]

    def run(steps):
        for _ in range(1 if unrolled else steps):
            train(steps if unrolled else 1).numpy()

    return run, sum(v.shape.num_elements() for v in model.trainable_variables)


def _stock(arguments):
    import keras

    return _keras(arguments, keras.layers.BatchNormalization)


def _unrolled(arguments):
    return _keras(arguments, unrolled=True)


def _torch(arguments, compiled=False):
    import torch
    from torch import nn
    from torch_resnet50 import ResNet50

    patches, labels = map(torch.from_numpy, _random_batch(arguments.batch))
    patches = patches[:, None].contiguous(memory_format=torch.channels_last)
    model = ResNet50(arguments.width, CLASSES).to(memory_format=torch.channels_last).train()
    loss = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, fused=True)
    if compiled:
        model.compile()

    def train():
        optimizer.zero_grad()
        half = arguments.precision == "bfloat16"
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = model(patches)
        value = loss(logits.float(), labels)
        value.backward()
        optimizer.step()
        return value.item()

    def run(steps):
        for _ in range(steps):
            train()

    return run, sum(parameter.numel() for parameter in model.parameters())


def _compiled(arguments):
    return _torch(arguments, compiled=True)


class Contender(NamedTuple):
    """What `make` gives trains so many steps; beside it stands its number of weights."""

    make: Callable[[argparse.Namespace], tuple[Callable[[int], None], int]]
    environment: dict[str, str]
    torch: bool = False


ALWAYS = ("keras", "torch")
CONTENDERS = {
    "keras": Contender(_keras, {}),
    "torch": Contender(_torch, {}, torch=True),
    "compiled": Contender(_compiled, {}, torch=True),
    "stock": Contender(_stock, {}),
    "unrolled": Contender(_unrolled, {}),
    "native_format": Contender(_keras, {"TF_ENABLE_MKL_NATIVE_FORMAT": "1"}),
    "one_operation": Contender(_keras, {"TF_NUM_INTEROP_THREADS": "1"}),
    "huge_pages": Contender(_keras, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
}

if __name__ == "__main__":
    main()
