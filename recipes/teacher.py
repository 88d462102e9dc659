"""EfficientAT mn04 as a SavedModel, a teacher for `soundzoo train --teachers`.

    python recipes/teacher.py --teacher ../shared/data/teacher --output runs/mn04

A MobileNetV3 that knows AudioSet's 527 classes, mAP 0.432 on its evaluation set (Schmid et al.,
"Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation", ICASSP 2023;
MIT). The SavedModel is as `soundzoo export` writes them: sound at 16 kHz in, scores out, and the
names of the classes as an asset. The network learned from sound at 32 kHz; from 16 kHz the same
filters are read off a spectrum of half the length. Before it is written, the network is checked
against the scores in `reference.npz`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from export.saved_model import LABELS
from frontend import load_audio
from zoo.data.classes import read_class_list
from zoo.files import replace_folder

SAMPLE_RATE = 32000
PREEMPHASIS = 0.97
FFT, WINDOW, HOP = 1024, 800, 320  # samples at that rate
MEL_BINS, MEL_HIGH = 128, 15000  # Hz
BATCH_NORM_EPSILON = 1e-3
TOLERANCE = 1e-4
"""How far scores may be from the reference's."""


def hard_swish(x):
    return x * tf.nn.relu6(x + 3) / 6


# kernel, activation, stride of each block; the arrays have the rest.
BLOCKS = [
    (3, tf.nn.relu, 1),
    (3, tf.nn.relu, 2),
    (3, tf.nn.relu, 1),
    (5, tf.nn.relu, 2),
    (5, tf.nn.relu, 1),
    (5, tf.nn.relu, 1),
    (3, hard_swish, 2),
    (3, hard_swish, 1),
    (3, hard_swish, 1),
    (3, hard_swish, 1),
    (3, hard_swish, 1),
    (3, hard_swish, 1),
    (5, hard_swish, 2),
    (5, hard_swish, 1),
    (5, hard_swish, 1),
]


class MN04:
    """The network: waveforms `[batch, samples]` -> logits `[batch, 527]`.

    Args:
        path: of the arrays, an npz file.
        sample_rate: of the waveforms, 32 kHz or a whole part of it.
    """

    def __init__(self, path, sample_rate=SAMPLE_RATE):
        with np.load(path) as arrays:
            self.arrays = dict(arrays)
        self.sample_rate = sample_rate
        step = SAMPLE_RATE // sample_rate
        self.fft, self.hop = FFT // step, HOP // step
        self.mel = mel_matrix()[: self.fft // 2 + 1] * power_gain(step)
        window = np.pad(np.hanning(WINDOW), (FFT - WINDOW) // 2)[::step]
        self.window = window.astype(np.float32)

    def __call__(self, waveforms):
        x = self.log_mel(waveforms)[..., tf.newaxis]
        x = hard_swish(self._convolve(x, "features.0", stride=2))
        for number, (kernel, activation, stride) in enumerate(BLOCKS, start=1):
            x = self._block(x, f"features.{number}.block", kernel, activation, stride)
        x = hard_swish(self._convolve(x, "features.16"))
        x = tf.reduce_mean(x, axis=(1, 2))  # the embedding
        x = hard_swish(self._dense(x, "classifier.2"))
        return self._dense(x, "classifier.5")

    def log_mel(self, waveforms):
        """`[batch, frames, 128]`."""
        x = waveforms[:, 1:] - PREEMPHASIS * waveforms[:, :-1]
        x = tf.pad(x, [[0, 0], [self.fft // 2, self.fft // 2]], "REFLECT")
        spectrum = tf.signal.rfft(tf.signal.frame(x, self.fft, self.hop) * self.window)
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        return (tf.math.log(power @ self.mel + 1e-5) + 4.5) / 5

    def _block(self, inputs, name, kernel, activation, stride):
        """An inverted residual block of MobileNetV3."""
        x, part = inputs, 0
        if f"{name}.2.0.weight" in self.arrays or f"{name}.3.0.weight" in self.arrays:
            x = activation(self._convolve(x, f"{name}.0"))
            part = 1
        x = activation(self._convolve(x, f"{name}.{part}", stride=stride, depthwise=True))
        excitation = f"{name}.{part + 1}.conc_se_layers.0"
        if f"{excitation}.fc1.weight" in self.arrays:
            gate = tf.nn.relu(self._dense(tf.reduce_mean(x, axis=(1, 2)), f"{excitation}.fc1"))
            gate = tf.sigmoid(self._dense(gate, f"{excitation}.fc2"))
            x *= gate[:, tf.newaxis, tf.newaxis]
            part += 1
        x = self._convolve(x, f"{name}.{part + 1}")
        return x + inputs if stride == 1 and x.shape[-1] == inputs.shape[-1] else x

    def _convolve(self, x, name, stride=1, depthwise=False):
        """A convolution, and the batch norm after it, folded into it."""
        kernel = self.arrays[f"{name}.0.weight"]
        norm = [f"{name}.1.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        gamma, beta, mean, variance = (self.arrays[part] for part in norm)
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        # From [out, in, mel, time]; here the map is [time, mel].
        kernel = np.transpose(kernel * scale[:, np.newaxis, np.newaxis, np.newaxis], (3, 2, 1, 0))
        padding = "SAME"
        if stride > 1:
            # "SAME" would pad one side less. Explicit padding, and what TensorFlow 2.21's optimizer
            # makes into it, a plain `tf.pad`, crash it where the convolution is depthwise.
            around = (len(kernel) - 1) // 2
            sides = [[0, 0], [around, around], [around, around], [0, 0]]
            x = tf.raw_ops.PadV2(input=x, paddings=sides, constant_values=0.0)
            padding = "VALID"
        strides = [1, stride, stride, 1]
        if depthwise:
            x = tf.nn.depthwise_conv2d(x, np.swapaxes(kernel, 2, 3), strides, padding)
        else:
            x = tf.nn.conv2d(x, kernel, strides, padding)
        return x + (beta - mean * scale)

    def _dense(self, x, name):
        return x @ self.arrays[f"{name}.weight"].T + self.arrays[f"{name}.bias"]


def mel_matrix():
    """Kaldi's filters, triangles in mel: float32 `[FFT / 2 + 1, MEL_BINS]`."""

    def mel(hertz):
        return 1127 * np.log1p(hertz / 700)

    bins = mel(np.arange(FFT // 2) * SAMPLE_RATE / FFT)[:, np.newaxis]
    width = mel(MEL_HIGH) / (MEL_BINS + 1)
    centres = width * np.arange(1, MEL_BINS + 1)
    weights = np.maximum(0, 1 - np.abs(bins - centres) / width)
    return np.pad(weights, [(0, 1), (0, 0)]).astype(np.float32)  # the last bin weighs nothing


def power_gain(step):
    """What a power at SAMPLE_RATE / step is short of that at SAMPLE_RATE: `[bins, 1]`.

    A window of fewer samples sums up less, and pre-emphasis over a longer step weighs frequencies
    otherwise.
    """
    frequency = 2 * np.pi * np.arange(FFT // step // 2 + 1) / FFT
    wanted, found = (1 - PREEMPHASIS * np.exp(-1j * frequency * n) for n in (1, step))
    return (np.abs(step * wanted / found) ** 2).astype(np.float32)[:, np.newaxis]


def difference(network, reference, examples):
    """Largest difference of the examples' scores from the reference's."""
    run = tf.function(network, reduce_retracing=True)
    found = []
    for name, scores in zip(reference["files"], reference["scores"], strict=True):
        waveform = load_audio(examples / str(name), network.sample_rate)[np.newaxis]
        found.append(np.abs(tf.sigmoid(run(tf.constant(waveform)))[0] - scores).max())
    return float(max(found))


def save(network, labels, folder):
    """Writes the SavedModel; labels: names."""

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="waveform")])
    def score(waveform):
        return {"scores": tf.sigmoid(network(waveform))}

    with (
        replace_folder(folder, "SavedModel", "saved_model.pb", overwrite=True) as path,
        tempfile.TemporaryDirectory() as scratch,
    ):
        names = Path(scratch, LABELS)
        names.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
        module = tf.Module()
        module.labels = tf.saved_model.Asset(str(names))
        module.score = score
        tf.saved_model.save(module, path, signatures={"serving_default": score})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", type=Path, required=True, help="folder of arrays and classes")
    parser.add_argument("--output", type=Path, required=True, help="folder of the SavedModel")
    options = parser.parse_args()
    arrays = options.teacher / "mn04_as_float32.npz"
    examples = Path(__file__).parents[1] / "examples"
    reference = np.load(options.teacher / "reference.npz")
    exact = difference(MN04(arrays), reference, examples)
    network = MN04(arrays, SAMPLE_RATE // 2)
    halved = difference(network, reference, examples)
    print(f"Largest difference of a score: {exact:.1e} at 32 kHz, {halved:.1e} at 16 kHz.")
    if exact > TOLERANCE:
        raise SystemExit("The network is not the reference's.")
    labels = read_class_list(options.teacher / "class_labels_indices.csv")
    save(network, [label.name for label in labels], options.output)


if __name__ == "__main__":
    main()
