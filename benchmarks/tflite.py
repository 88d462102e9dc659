"""Exported TFLite files against the Keras models that they were made from, and against YAMNet.

    make runs/opensounds/index.json
    python benchmarks/tflite.py runs/opensounds --yamnet ../shared/data/yamnet/*.tflite
                                [--clips 600] [--models NAME ...] [--json FILE]

Of each model every variant of quantisation is exported, with one window as input and, for int8,
calibrated on clips of the split train. Clips of the split test are then scored by Keras and by the
file: a clip's score is the mean over its patches. Models are the bundled presets and ResNet-50 at
width 1, from `weights/`. Beside them stand int8 convolutions and nothing else, of about as many
multiplies as this one's: what the CPU can do.

Speed is that of one invocation on one thread, from 0.975 s of sound to scores, with LiteRT. Each
file has a process of its own, with nothing but Python, NumPy and the runtime. They take turns, so
that a busy machine slows all of them alike. Peak memory is that of these processes, with Python.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEER, PEER_MULTIPLIES = "YAMNet", 69e6  # its card's count, for one window
WIDE = Path(__file__).parents[1] / "weights" / "resnet50_w100_opensounds"
BARE = "8 convolutions"  # 3 x 3, of 256 units, on maps of 24 x 16

CALIBRATION_CLIPS = 200
ROUNDS, SECONDS_PER_ROUND = 12, 0.15
WARM_UP = 5
CLEAR = 0.05  # between Keras' best two scores of a clip, whose best label is then no near-tie


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", help="folder that soundzoo prepare wrote")
    parser.add_argument("--yamnet", metavar="FILE", help="YAMNet's official .tflite file")
    parser.add_argument("--clips", type=int, default=600, help="of the test split (%(default)s)")
    parser.add_argument("--models", nargs="*", metavar="NAME", help="default: all, see above")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE, too")
    parser.add_argument("--serve", metavar="FILE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        _serve(arguments.serve)
        return
    if not arguments.data:
        parser.error("name a folder of prepared data")
    with tempfile.TemporaryDirectory() as folder:
        rows, clips = _export_and_compare(arguments, Path(folder))
        _race(rows)
    results = {"machine": _machine(), "clips": clips, "files": rows}
    _print_table(results)
    print(json.dumps(results))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1) + "\n")


# === Fidelity ===


def _export_and_compare(arguments, folder):
    """A dict for each file, with all figures but those of speed and memory; and how many clips."""
    import numpy as np

    import zoo
    from export.quantize import QUANTIZATIONS
    from zoo.complexity import count_multiplies
    from zoo.data import open_prepared
    from zoo.evaluation.scoring import score_clips

    data = open_prepared(arguments.data)
    calibration = [data.waveform(clip) for clip in _spread(data.select("train"), CALIBRATION_CLIPS)]
    indices = _spread(data.select("test"), arguments.clips)
    rows = []
    for name in arguments.models or [*zoo.list_presets(), WIDE]:
        classifier = zoo.AudioClassifier.from_preset(name)
        clips = _Clips(data, indices, classifier)
        expected = np.stack(list(score_clips(classifier, data, clips.indices)))
        model, multiplies = Path(name).name, count_multiplies(classifier.network)
        for quantize in QUANTIZATIONS:
            path = folder / f"{model}_{quantize}.tflite"
            row = {"model": model, "quantize": quantize, "file": str(path)}
            row |= _export(classifier, path, quantize, calibration)
            row["multiplies"] = multiplies
            row |= clips.compare(expected, clips.scores(path))
            rows.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    if not arguments.models:
        rows.append(_bare_convolutions(folder / "bare.tflite"))
    if arguments.yamnet:
        row = {"model": PEER, "quantize": "official file", "file": arguments.yamnet}
        rows.append(row | _size(Path(arguments.yamnet)) | {"multiplies": PEER_MULTIPLIES})
    return rows, len(indices)


def _bare_convolutions(path):
    """Writes a file of int8 convolutions; its row."""
    import keras
    import numpy as np
    import tensorflow as tf

    from export.quantize import quantize_by
    from zoo.complexity import count_multiplies

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(256, 3, padding="same", activation="relu") for _ in range(8)]
    model = keras.Sequential([keras.Input((24, 16, 256), batch_size=1), *layers])
    maps = np.random.default_rng(0).random((8, 24, 16, 256), "float32")
    model.export(path.with_suffix(""), verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(path.with_suffix("")))
    quantize_by(converter, "int8", maps)
    path.write_bytes(converter.convert())
    row = {"model": BARE, "quantize": "int8", "file": str(path)}
    return row | _size(path) | {"multiplies": count_multiplies(model)}


def _export(classifier, path, quantize, calibration):
    from export import export_tflite

    clips = calibration if quantize == "int8" else None
    export_tflite(classifier, path, quantize=quantize, calibration=clips)
    return _size(path)


def _size(path):
    from export.operators import operations

    content = path.read_bytes()
    return {"bytes": len(content), "operations": sum(operations(content).values())}


def _spread(indices, count):
    """As many of the indices as are asked for, evenly spread."""
    import numpy as np

    return indices[np.linspace(0, len(indices) - 1, min(count, len(indices))).astype(int)]


class _Clips:
    """Test clips: their patches, and what is heard in them."""

    def __init__(self, data, indices, classifier):
        import numpy as np

        from frontend import waveform_patches

        self.indices = indices
        cut = [
            np.concatenate(list(waveform_patches([data.waveform(clip)], classifier.frontend)))
            for clip in indices
        ]
        self.patches = np.concatenate(cut)
        self.first = np.cumsum([0, *map(len, cut)])[:-1]
        self.counts = np.array([[len(patches)] for patches in cut])
        names = [label.name for label in classifier.labels]
        known = [label.name in names for label in data.labels]
        self.truth = data.targets(indices)[:, known] > 0
        self.columns = [names.index(label.name) for label in data.labels if label.name in names]

    def scores(self, path):
        """What a file makes of each clip, float32 `[clips, classes]`."""
        import numpy as np

        file = _File(path)
        scores = np.concatenate([file.run(patch[np.newaxis]) for patch in self.patches])
        return np.add.reduceat(scores, self.first) / self.counts

    def compare(self, expected, scores):
        import numpy as np

        difference = np.abs(scores - expected)
        same = scores.argmax(1) == expected.argmax(1)
        second, first = np.sort(expected)[:, -2:].T
        return {
            "largest_difference": float(difference.max()),
            "mean_difference": float(difference.mean()),
            "top1_agreement": float(same.mean()),
            "clear_agreement": float(same[first - second > CLEAR].mean()),
            "mAP": self._map(scores),
            "mAP_keras": self._map(expected),
        }

    def _map(self, scores):
        from zoo.evaluation.metrics import average_precision, balanced_mean

        return float(balanced_mean(average_precision(self.truth, scores[:, self.columns])))


class _File:
    """A .tflite file of one window in LiteRT, on one thread."""

    def __init__(self, path):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(str(path), num_threads=1)
        self.interpreter.allocate_tensors()
        (self.input,) = self.interpreter.get_input_details()
        self.output = self.interpreter.get_output_details()[0]["index"]

    def run(self, window):
        self.interpreter.set_tensor(self.input["index"], window.reshape(self.input["shape"]))
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.output)


# === Speed and memory ===


def _race(rows):
    """Adds to each row the median and the fastest time of an invocation, and the peak memory."""
    processes = [_start(row["file"]) for row in rows]
    times = [[] for _ in rows]
    try:
        memory = [json.loads(process.stdout.readline()) for process in processes]
        for _ in range(ROUNDS):
            for process, seconds in zip(processes, times, strict=True):
                process.stdin.write("go\n")
                process.stdin.flush()
                seconds += json.loads(process.stdout.readline())
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for row, peak, seconds in zip(rows, memory, times, strict=True):
        row["milliseconds"] = 1e3 * statistics.median(seconds)
        row["fastest_milliseconds"] = 1e3 * min(seconds)
        row["peak_megabytes"] = peak
        row["picoseconds_per_multiply"] = 1e9 * row["milliseconds"] / row["multiplies"]
        del row["file"]


def _start(file):
    return subprocess.Popen(
        [sys.executable, __file__, "--serve", file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _serve(path):
    """Prints its peak memory, then, for each line on stdin, the seconds of some invocations."""
    import numpy as np

    file = _File(path)
    window = np.random.default_rng(0).normal(0, 0.1, file.input["shape"]).astype("float32")
    for _ in range(WARM_UP):
        file.run(window)
    print(_peak_megabytes(), flush=True)
    while sys.stdin.readline():
        seconds = []
        while sum(seconds) < SECONDS_PER_ROUND:
            start = time.perf_counter()
            file.run(window)
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)


def _peak_megabytes():
    # Not `resource.getrusage`, which counts what the parent had when it started this process.
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    return int(peak) * 1024 / 1e6


def _machine():
    from importlib.metadata import version

    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": names[0].partition(": ")[2] if names else platform.processor(),
        "cores": os.cpu_count(),
        "tensorflow": version("tensorflow"),
        "litert": version("ai-edge-litert"),
    }


def _print_table(results):
    header = [
        "Model", "File", "MB", "Operations", "Largest difference", "Mean difference",
        "Top-1 agreement", "Where clear", "mAP", "Keras mAP", "ms (fastest)", "ps / multiply",
        "Peak MB",
    ]  # fmt: skip
    print(f"\n{results['clips']} clips; {results['machine']}\n")
    print("| " + " | ".join(header) + " |")
    print("|---|---|" + "---:|" * (len(header) - 2))
    for row in results["files"]:
        cells = [row["model"], row["quantize"], f"{row['bytes'] / 1e6:.2f}", row["operations"]]
        for name, digits in (
            ("largest_difference", 4),
            ("mean_difference", 5),
            ("top1_agreement", 4),
            ("clear_agreement", 4),
            ("mAP", 4),
            ("mAP_keras", 4),
        ):
            cells.append(f"{row[name]:.{digits}f}" if name in row else "")
        cells.append(f"{row['milliseconds']:.2f} ({row['fastest_milliseconds']:.2f})")
        cells.append(f"{row['picoseconds_per_multiply']:.1f}")
        cells.append(f"{row['peak_megabytes']:.0f}")
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
