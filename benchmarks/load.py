"""How long a fresh process takes from nothing to its first score, and what of it is TensorFlow.

    python benchmarks/load.py [--presets NAME ...] [--rounds 5]

Prints, for each bundled preset, the seconds of `import tensorflow, keras`, of `from_preset` with
the import of this package, and of the first and the second `classify` of one recording; the sum to
the first score, and the share of it that is TensorFlow's and Keras's import. Of the first preset's
`.tflite` file likewise, with the import of LiteRT. Each measurement has a process of its own. The
presets take turns, so that a busy machine slows all of them alike, and the median round counts.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "birdsong.ogg"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--presets", nargs="*", metavar="NAME", help="default: all in the package")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--measure", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    presets = options.presets or bundled()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{Path(presets[0]).name}.tflite")
        export(presets[0], file)
        race([*presets, str(file)], options.rounds)


def race(names, count):
    """Prints the table."""
    rounds = {name: [] for name in names}
    start(names[0])  # so that files are in memory for all rounds alike
    for _ in range(count):
        for name in names:
            rounds[name].append(start(name))
    print("| | import | from_preset | first classify | second | to first score | import's share |")
    print("|---|" + "---:|" * 6)
    for name, runs in rounds.items():
        medians = [statistics.median(column) for column in zip(*runs, strict=True)]
        totals = [sum(run[:3]) for run in runs]
        share = statistics.median(run[0] / total for run, total in zip(runs, totals, strict=True))
        cells = [*medians, statistics.median(totals)]
        print(
            f"| {Path(name).name} | {' | '.join(f'{cell:.2f}' for cell in cells)} | {share:.0%} |"
        )


def bundled():
    import zoo

    return zoo.list_presets()


def export(name, file):
    import zoo
    from export import export_tflite

    export_tflite(zoo.AudioClassifier.from_preset(name), file)


def start(name):
    """What `measure` gives in a fresh process."""
    process = subprocess.run(
        [sys.executable, __file__, "--measure", name],
        # As `import zoo` sets it, which here comes after TensorFlow's import.
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return json.loads(process.stdout)


def measure(name):
    """Seconds of the import, of `from_preset`, and of the first and the second `classify`."""
    moments = [time.perf_counter()]
    if name.endswith(".tflite"):
        import ai_edge_litert.interpreter  # noqa: F401

        moments.append(time.perf_counter())
        from export import TFLiteClassifier

        classifier = TFLiteClassifier(name)
    else:
        import tensorflow, keras  # noqa: E401, F401, I001

        moments.append(time.perf_counter())
        import zoo

        classifier = zoo.AudioClassifier.from_preset(name)
    moments.append(time.perf_counter())
    for _ in range(2):
        classifier.classify(EXAMPLE)
        moments.append(time.perf_counter())
    return [after - before for before, after in itertools.pairwise(moments)]


if __name__ == "__main__":
    main()
