"""Whether the data come faster than the networks can train on them.

    python benchmarks/pipeline.py --data runs/opensounds [--width 0.25]

Prints patches a second of the training pipeline, augmentation's numbers included, and of a training
step of each convolutional network on waveforms, front end and all augmentation included, and how
often the former is the latter. The pipeline and the steps take turns.
"""

import argparse
import statistics
import time

import tensorflow as tf

from zoo.classifier import AudioClassifier
from zoo.data import open_prepared
from zoo.training import TrainConfig
from zoo.training.learner import Augmenter, Learner
from zoo.training.patches import TrainingPatches

NETWORKS = ("alexnet", "resnet50", "vgg", "inception_v3")
AUGMENTATION = {
    "class_balance": 0.5,
    "skip_quiet": True,
    "gain_db": 12,
    "speed": 1.2,
    "time_shift": 0.5,
    "mixup": 0.5,
    "mask_frames": 20,
    "mask_bins": 10,
}
ROUNDS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder that soundzoo prepare wrote")
    parser.add_argument("--width", type=float, default=0.25, help="of the networks (%(default)s)")
    options = parser.parse_args()
    data = open_prepared(options.data)
    steps = {name: training_step(name, options.width, data) for name in NETWORKS}
    patches, _ = training_patches("alexnet", options.width, data)
    rates = {"pipeline": [], **{name: [] for name in NETWORKS}}
    for _ in range(ROUNDS):
        rates["pipeline"].append(pipeline_rate(patches))
        for name, step in steps.items():
            rates[name].append(rate(step, 3))
    pipeline = statistics.median(rates["pipeline"])
    print(f"| width {options.width:g} | patches/s | the pipeline is faster by |")
    print("|---|---|---|")
    for name, values in rates.items():
        trained = statistics.median(values)
        print(f"| {name} | {trained:.0f} | {pipeline / trained:.1f} |")


def training_patches(name, width, data):
    config = TrainConfig(model=name, width=width, **AUGMENTATION)
    classifier = AudioClassifier(name, data.labels, width=width)
    augmenter = Augmenter(config, classifier.frontend)
    patches = TrainingPatches(data, config, classifier.frontend, **augmenter.takes)
    return patches, Learner(classifier, config, 1000, augmenter)


def training_step(name, width, data):
    patches, learner = training_patches(name, width, data)
    batch = [tf.constant(part) for part in patches.batch(0)]
    return lambda: learner.step(batch, tf.constant(0.0)).numpy()


def pipeline_rate(patches):
    # Of a function of its own, so that no thread that reads outlives it.
    batches = iter(patches.dataset(0))
    return rate(lambda: next(batches), 20)


def rate(step, count):
    """Patches a second, after one step to warm up."""
    step()
    started = time.perf_counter()
    for _ in range(count):
        step()
    return 128 * count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
