"""YAMNet as a SavedModel, a second teacher for `soundzoo train --teachers`.

    python recipes/yamnet_teacher.py --output runs/yamnet_teacher

The preset `yamnet` hears what the student hears: of a mixture, the patch in its middle. What is
around it is for mn04 (recipes/teacher.py), which learned from whole clips.
"""

import argparse
from pathlib import Path

import tensorflow as tf
from teacher import save

import zoo
from frontend import LogMelSpectrogram


class Middle:
    """A classifier of the patch in the middle of a sound.

    Waveforms `[batch, samples]` -> scores `[batch, classes]`.

    Args:
        classifier: `AudioClassifier`.
    """

    def __init__(self, classifier):
        self.labels = classifier.labels
        self.network = classifier.network
        self.samples = classifier.frontend.patch_samples
        self.log_mel = LogMelSpectrogram(classifier.frontend)

    def __call__(self, waveforms):
        start = (tf.shape(waveforms)[1] - self.samples) // 2
        return self.network(self.log_mel(waveforms[:, start:][:, : self.samples]), training=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="folder of the SavedModel")
    options = parser.parse_args()
    save(Middle(zoo.AudioClassifier.from_preset("yamnet")), options.output)


if __name__ == "__main__":
    main()
