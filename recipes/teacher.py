"""EfficientAT mn04 as a SavedModel, a teacher for `soundzoo train --teachers`.

    python recipes/teacher.py --teacher ../shared/data/teacher --output runs/mn04

A MobileNetV3 that knows AudioSet's 527 classes, mAP 0.432 on its evaluation set (Schmid et al.,
"Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation", ICASSP 2023;
MIT), as `zoo.convert` makes it. The SavedModel is as `soundzoo export` writes them: sound at 16 kHz
in, scores out, and the names of the classes as an asset. The network learned from sound at 32 kHz;
from 16 kHz the same filters are read off a spectrum of half the length. Before it is written, its
scores are compared with those in `reference.npz`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from export.saved_model import LABELS
from frontend import load_audio
from frontend.mel import mel_matrix
from zoo.convert import convert
from zoo.files import replace_folder

STEP = 2
"""What the rate that the network knows is above that of the sound."""


class Teacher:
    """A classifier of whole clips that hears them at half its rate.

    Waveforms `[batch, samples]` -> scores `[batch, classes]`.

    Args:
        classifier: `AudioClassifier` of EfficientAT's.
    """

    def __init__(self, classifier):
        frontend = classifier.frontend
        self.labels = classifier.labels
        self.network = classifier.network
        self.frontend = frontend
        self.sample_rate = frontend.sample_rate // STEP
        self.fft, self.hop = frontend.fft_length // STEP, frontend.hop_samples // STEP
        bins = self.fft // 2 + 1
        self.mel = mel_matrix(frontend)[:bins] * power_gain(frontend)
        around = (frontend.fft_length - frontend.window_samples) // 2
        window = np.pad(np.hanning(frontend.window_samples), around)[::STEP]
        self.window = window.astype(np.float32)

    def __call__(self, waveforms):
        return self.network(self.log_mel(waveforms), training=False)

    def log_mel(self, waveforms):
        """`[batch, frames, 128]`."""
        x = waveforms[:, 1:] - self.frontend.preemphasis * waveforms[:, :-1]
        x = tf.pad(x, [[0, 0], [self.fft // 2, self.fft // 2]], "REFLECT")
        spectrum = tf.signal.rfft(tf.signal.frame(x, self.fft, self.hop) * self.window)
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        log_mel = tf.math.log(power @ self.mel + self.frontend.log_offset)
        return (log_mel - self.frontend.norm_mean) / self.frontend.norm_std


def power_gain(frontend):
    """What a power at the lower rate is short of that at the front end's: `[bins, 1]`.

    A window of fewer samples sums up less, and pre-emphasis over a longer step weighs frequencies
    otherwise.
    """
    frequency = 2 * np.pi * np.arange(frontend.fft_length // STEP // 2 + 1) / frontend.fft_length
    wanted, found = (1 - frontend.preemphasis * np.exp(-1j * frequency * n) for n in (1, STEP))
    return (np.abs(STEP * wanted / found) ** 2).astype(np.float32)[:, np.newaxis]


def difference(teacher, reference, examples):
    """Largest difference of the examples' scores from the reference's."""
    run = tf.function(teacher, reduce_retracing=True)
    found = []
    for name, scores in zip(reference["files"], reference["scores"], strict=True):
        waveform = load_audio(examples / str(name), teacher.sample_rate)[np.newaxis]
        found.append(np.abs(run(tf.constant(waveform))[0] - scores).max())
    return float(max(found))


def save(teacher, folder):
    """Writes the SavedModel."""

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="waveform")])
    def score(waveform):
        return {"scores": teacher(waveform)}

    with (
        replace_folder(folder, "SavedModel", "saved_model.pb", overwrite=True) as path,
        tempfile.TemporaryDirectory() as scratch,
    ):
        names = Path(scratch, LABELS)
        names.write_text("".join(f"{label.name}\n" for label in teacher.labels), encoding="utf-8")
        module = tf.Module()
        module.labels = tf.saved_model.Asset(str(names))
        module.network_variables = [variable.value for variable in teacher.network.variables]
        module.score = score
        tf.saved_model.save(module, path, signatures={"serving_default": score})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", type=Path, required=True, help="folder of arrays and classes")
    parser.add_argument("--output", type=Path, required=True, help="folder of the SavedModel")
    options = parser.parse_args()
    teacher = Teacher(convert(options.teacher / "mn04_as_float32.npz"))
    examples = Path(__file__).parents[1] / "examples"
    reference = np.load(options.teacher / "reference.npz")
    print(f"Largest difference of a score: {difference(teacher, reference, examples):.1e}.")
    save(teacher, options.output)


if __name__ == "__main__":
    main()
