"""Inference of ResNet-50: this package on TensorFlow, as it is and frozen, against PyTorch.

    python benchmarks/inference.py [--width 1] [--batch 32] [--batches 4] [--rounds 5]

Random log-mel patches `[batch, 96, 64]` to 527 scores. "frozen" has the weights as constants, into
which TensorFlow folds batch norm. PyTorch has the same network, channels last, as it is and by
`torch.compile` of its frozen form. bfloat16 is Keras's policy `mixed_bfloat16` and PyTorch's
autocast. Each contender is a process; they take turns, and the median round counts.
"""

import argparse
import sys

from contenders import make_torch_environment, race, serve, start
from train import CLASSES, PRECISIONS, ROOT

WARM_UP = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=float, default=1.0, help="of the network (%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="patches (%(default)s)")
    parser.add_argument("--batches", type=int, default=4, help="of a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--precision", choices=PRECISIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        _serve(options)
        return
    make_torch_environment()
    print(f"| patches/s | {' | '.join(CONTENDERS)} |")
    print("|---|" + "---:|" * len(CONTENDERS))
    for precision in PRECISIONS:
        rates = _race(precision, options)
        print(f"| {precision} | {' | '.join(f'{rate:.1f}' for rate in rates)} |", flush=True)


def _race(precision, options):
    """Patches a second of each contender."""
    settings = [f"--width={options.width}", f"--batch={options.batch}"]
    settings += [f"--batches={options.batches}", f"--precision={precision}"]
    processes = {
        name: start([__file__, "--contender", name, *settings], torch=name.startswith("PyTorch"))
        for name in CONTENDERS
    }
    _, seconds = race(processes, options.rounds)
    return [options.batch * options.batches / seconds[name] for name in CONTENDERS]


def _patches(options):
    import numpy as np

    return np.random.default_rng(0).normal(size=(options.batch, 96, 64)).astype("float32")


def _keras(options):
    import keras
    import tensorflow as tf

    sys.path.insert(0, str(ROOT))
    import zoo

    if options.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = zoo.ResNet50(classes=CLASSES, width=options.width)
    patches = tf.constant(_patches(options))
    run = tf.function(lambda patches: model(patches, training=False))
    return run.get_concrete_function(patches), patches


def _live(options):
    run, patches = _keras(options)
    return lambda: run(patches).numpy()


def _frozen(options):
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    run, patches = _keras(options)
    frozen = convert_variables_to_constants_v2(run)
    return lambda: frozen(patches)[0].numpy()


def _torch(options, compiled=False):
    import torch
    from torch_resnet50 import ResNet50

    model = ResNet50(options.width, CLASSES).to(memory_format=torch.channels_last).eval()
    patches = torch.from_numpy(_patches(options))[:, None]
    patches = patches.contiguous(memory_format=torch.channels_last)
    if compiled:
        model = torch.compile(model, options={"freezing": True})

    def run():
        half = options.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            return torch.sigmoid(model(patches).float()).numpy()

    return run


def _torch_compiled(options):
    return _torch(options, compiled=True)


CONTENDERS = {
    "Keras": _live,
    "Keras, frozen": _frozen,
    "PyTorch": _torch,
    "PyTorch, compiled": _torch_compiled,
}


def _serve(options):
    run = CONTENDERS[options.contender](options)
    for _ in range(WARM_UP):
        run()
    serve("ready", lambda: [run() for _ in range(options.batches)])


if __name__ == "__main__":
    main()
