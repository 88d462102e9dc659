"""Size and speed of what `soundzoo convert` makes, as TFLite files.

    python benchmarks/converted.py [--models NAME ...]

Neither depends on the weights, so that each network is built here with random ones. It is exported
with one window as input, in float32 and in int8, and runs on one thread with LiteRT. Milliseconds
are those for a second of sound, from the waveform to the scores: the best of some runs, as other
processes may have the machine meanwhile. The mAP on AudioSet's evaluation set is what the authors
publish, and was not measured here.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import zoo
from export import export_tflite

MODELS = {
    "EfficientAT mn04_as": ("mobilenet_v3", 0.4, 527, 0.432),
    "EfficientAT mn10_as": ("mobilenet_v3", 1.0, 527, 0.471),
    "EfficientAT mn20_as": ("mobilenet_v3", 2.0, 527, 0.478),
    "EfficientAT mn40_as": ("mobilenet_v3", 4.0, 527, 0.484),
    "PANNs Cnn14_16k": ("cnn14", 1.0, 527, 0.438),
    "PANNs MobileNetV1": ("mobilenet_v1_panns", 1.0, 527, 0.389),
    "VGGish": ("vggish", 1.0, 1, None),
    "YAMNet": ("mobilenet_v1", 1.0, 521, 0.306),
}
"""Architecture, width, classes and published mAP."""

RUNS, SECONDS = 20, 4
"""How often a file runs, and for how long, at least."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="*", default=list(MODELS), metavar="NAME")
    options = parser.parse_args()
    print("| weights | mAP | MB | ms | int8: MB | ms |\n|---|---:|---:|---:|---:|---:|")
    for name in options.models:
        architecture, width, classes, published = MODELS[name]
        labels = [f"class {number}" for number in range(classes)]
        classifier = zoo.AudioClassifier(architecture, labels, width=width)
        figures = [figure for way in ("none", "int8") for figure in measure(classifier, way)]
        cells = [name, f"{published:.3f}" if published else "-", *figures]
        print(f"| {' | '.join(cells)} |", flush=True)


def measure(classifier, quantize):
    """Megabytes of the file, and milliseconds for a second of sound, as text."""
    frontend = classifier.frontend
    sound = np.random.default_rng(0).normal(0, 0.1, (1, frontend.patch_samples)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.tflite")
        calibration = [sound[0]] if quantize == "int8" else None
        export_tflite(classifier, path, quantize=quantize, calibration=calibration)
        size = path.stat().st_size
        interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    (waveform,) = interpreter.get_input_details()
    interpreter.set_tensor(waveform["index"], sound)
    taken = []
    while len(taken) < RUNS or sum(taken) < SECONDS:
        start = time.perf_counter()
        interpreter.invoke()
        taken.append(time.perf_counter() - start)
    seconds = frontend.patch_hop_samples / frontend.sample_rate
    return f"{size / 1e6:.1f}", f"{1000 * min(taken) / seconds:.2f}"


if __name__ == "__main__":
    main()
