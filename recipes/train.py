"""Trains the network of a preset on opensounds and ESC-10.

    python recipes/train.py --data ../shared/data --run runs/resnet50_w025_opensounds

Run again, it goes on from the last epoch that ended. The trained weights are the run's
`model.weights.h5`; `recipes/publish.py` makes a preset of them.
"""

import argparse
import json
import os
from pathlib import Path

# oneDNN's convolutions train ResNet-50 twice as fast on a CPU on which TensorFlow does not turn
# them on by itself (measured on an AMD EPYC: 1.6 s a step against 3.3 s).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import opensounds
import tensorflow as tf

import zoo.networks
from frontend import FrontendConfig, LogMelSpectrogram, load_audio

BATCH = 128  # the paper's
STEPS_PER_EPOCH = 140  # 128 x 140 patches: about what the training recordings hold
PEAK_LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
CLASS_BALANCE = 0.5  # 0 draws a class by the number of its recordings, 1 all classes alike
MIXUP = 0.5  # share of patches that are mixed with another
SPEED = 1.2  # resampled to play at most this much faster or slower
GAIN_DB = 12  # made at most this much louder or quieter


class AugmentedPatches(keras.utils.PyDataset):
    """Batches of augmented 0.96 s waveforms `[128, 15600]` and targets `[128, classes]`."""

    def __init__(self, recordings, names, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.samples = FrontendConfig().patch_samples
        self.waveforms = [load_audio(r.path) for r in recordings]
        self.targets = np.array([names.index(r.label) for r in recordings])
        self.classes = len(names)
        counts = np.bincount(self.targets, minlength=self.classes)
        weights = counts[self.targets] ** -float(CLASS_BALANCE)
        self.weights = weights / weights.sum()
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return STEPS_PER_EPOCH

    def __getitem__(self, index):
        drawn = self.rng.choice(len(self.waveforms), size=(BATCH, 2), p=self.weights)
        share = np.where(self.rng.random(BATCH) < MIXUP, self.rng.uniform(0.5, 1, BATCH), 1)
        patches = np.zeros((BATCH, self.samples), np.float32)
        targets = np.zeros((BATCH, self.classes), np.float32)
        for row, part in enumerate(share):
            for clip, weight in zip(drawn[row], (part, 1 - part), strict=True):
                if weight:
                    patches[row] += weight * self.draw(self.waveforms[clip])
                    targets[row, self.targets[clip]] += weight
        return patches, np.minimum(targets, 1)

    def draw(self, waveform):
        """A random patch of a recording, not of its silence, at a random speed and gain."""
        speed = SPEED ** self.rng.uniform(-1, 1)
        wanted = int(self.samples * speed)
        # A crop may reach past the end, as the last patch of a clip does, but keeps a quarter.
        latest = max(0, len(waveform) - wanted // 4) if len(waveform) > wanted else 0
        loudness = np.mean(np.square(waveform))
        for _ in range(4):
            start = self.rng.integers(latest + 1)
            crop = waveform[start : start + wanted]
            if np.mean(np.square(crop)) >= 0.1 * loudness:
                break
        length = min(self.samples, int(len(crop) / speed))
        if length < 2:
            length, speed = len(crop), 1
        crop = np.interp(np.arange(length) * speed, np.arange(len(crop)), crop)
        patch = np.zeros(self.samples, np.float32)
        # Short sounds stand at the start, where a clip's first patch has them, or anywhere.
        shift = self.rng.integers(self.samples - length + 1) if self.rng.random() < 0.5 else 0
        patch[shift : shift + length] = crop
        return patch * 10 ** (self.rng.uniform(-GAIN_DB, GAIN_DB) / 20)


class SpecAugment(keras.layers.Layer):
    """Masks two bands of time and two of frequency in log-mel patches `[batch, 96, 64]`."""

    def call(self, patches, training=None):
        if not training:
            return patches
        mean = tf.reduce_mean(patches, axis=(1, 2), keepdims=True)
        for axis, widest in ((1, 20), (1, 20), (2, 10), (2, 10)):
            shape = [tf.shape(patches)[0], 1, 1]
            size = patches.shape[axis]
            width = tf.random.uniform(shape, 0, widest)
            start = tf.random.uniform(shape) * (size - width)
            position = tf.reshape(
                tf.range(size, dtype="float32"), [1, -1, 1] if axis == 1 else [1, 1, -1]
            )
            patches = tf.where((position >= start) & (position < start + width), mean, patches)
        return patches


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds and esc10")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--model", default="resnet50")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    arguments.run.mkdir(parents=True, exist_ok=True)
    run = {
        "model": arguments.model,
        "width": arguments.width,
        "epochs": arguments.epochs,
        "steps_per_epoch": STEPS_PER_EPOCH,
        "batch": BATCH,
    }
    record = arguments.run / "run.json"
    if record.exists() and json.loads(record.read_text()) != run:
        parser.error(f"{arguments.run} holds another run: {record.read_text()}")
    record.write_text(json.dumps(run, indent=1) + "\n")
    keras.utils.set_random_seed(0)

    names = [name for name, _ in opensounds.labels(arguments.data)]
    recordings = opensounds.opensounds(arguments.data) + opensounds.esc10(arguments.data)
    patches = AugmentedPatches([r for r in recordings if r.split == "train"], names)

    builder = zoo.networks.ARCHITECTURES[arguments.model]
    network = builder(classes=len(names), width=arguments.width)
    waveform = keras.Input((patches.samples,))
    model = keras.Model(waveform, network(SpecAugment()(LogMelSpectrogram()(waveform))))
    steps = arguments.epochs * STEPS_PER_EPOCH
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(
            0.0,
            steps - STEPS_PER_EPOCH,
            warmup_target=PEAK_LEARNING_RATE,
            warmup_steps=STEPS_PER_EPOCH,
        ),
        weight_decay=WEIGHT_DECAY,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # XLA halves the speed on a CPU.
    model.compile(optimizer, "binary_crossentropy", jit_compile=False)
    model.fit(
        patches,
        epochs=arguments.epochs,
        verbose=2,
        callbacks=[
            keras.callbacks.BackupAndRestore(arguments.run / "backup", delete_checkpoint=False),
            keras.callbacks.CSVLogger(arguments.run / "log.csv", append=True),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: network.save_weights(arguments.run / "model.weights.h5")
            ),
        ],
    )


if __name__ == "__main__":
    main()
