"""What YAMNet hears in prepared clips, as a teacher's scores for `soundzoo train --teacher`.

    python recipes/yamnet.py --yamnet ../shared/data/yamnet --prepared runs/opensounds \\
        --output runs/yamnet

YAMNet's official TFLite file (Apache-2.0) scores 521 of AudioSet's classes; a clip's scores are the
mean over windows of 0.975 s every 0.48 s, as its authors take them. It learned from AudioSet's
recordings, never from the clips at hand.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from zoo.data import open_prepared
from zoo.files import write_atomically, write_lines

WINDOW, HOP = 15600, 7680  # samples at 16 kHz


class YAMNet:
    """The official file and its classes, in a folder."""

    def __init__(self, folder):
        (path,) = Path(folder).glob("*.tflite")
        with open(Path(folder, "yamnet_class_map.csv"), encoding="utf-8") as file:
            self.labels = [row["display_name"] for row in csv.DictReader(file)]
        self.interpreter = Interpreter(str(path), num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]

    def score(self, waveform):
        """Scores of a clip, float32 `[521]`; waveform: float32 `[samples]` at 16 kHz."""
        windows = 1 + max(0, -(-(len(waveform) - WINDOW) // HOP))
        padded = np.pad(waveform, (0, max(0, WINDOW + (windows - 1) * HOP - len(waveform))))
        scores = []
        for start in range(0, windows * HOP, HOP):
            self.interpreter.set_tensor(self.input, padded[start : start + WINDOW])
            self.interpreter.invoke()
            scores.append(self.interpreter.get_tensor(self.output)[0])
        return np.mean(scores, axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--yamnet", type=Path, required=True, help="folder of file and class map")
    parser.add_argument("--prepared", type=Path, required=True, help="folder of prepared data")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    options = parser.parse_args()
    yamnet = YAMNet(options.yamnet)
    data = open_prepared(options.prepared)
    scores = np.stack([yamnet.score(data.waveform(clip)) for clip in range(len(data))])
    options.output.mkdir(parents=True, exist_ok=True)
    write_lines(options.output / "clips.txt", map(data.clip_id, range(len(data))))
    write_lines(options.output / "labels.txt", yamnet.labels)
    # Last and whole: the Makefile takes it for the sign that all is done.
    with write_atomically(options.output / "scores.npy") as file:
        np.save(file, scores)


if __name__ == "__main__":
    main()
