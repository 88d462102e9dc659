"""Races `soundzoo classify` of this checkout against that of another, on the same sound.

    git worktree add ../before COMMIT
    python benchmarks/classify.py --before ../before

Many short files, where opening one counts, and one long file, where decoding counts. The checkouts
take turns, and the median round counts; TensorFlow's start is measured alone and taken off.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

RATE = 16000
HERE = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--before", type=Path, required=True, help="the other checkout")
    parser.add_argument("--files", type=int, default=1500, help="of two seconds (%(default)s)")
    parser.add_argument("--hours", type=float, default=3, help="of the long file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="%(default)s")
    parser.add_argument("--model", default="resnet50_w025_opensounds", help="%(default)s")
    options = parser.parse_args()
    checkouts = {"before": options.before.resolve(), "now": HERE}
    with tempfile.TemporaryDirectory() as folder:
        sounds = make_sounds(Path(folder), options.files, options.hours)
        seconds = {(where, what): [] for where in checkouts for what in sounds}
        for _ in range(options.rounds):
            for what, path in sounds.items():
                for where, checkout in checkouts.items():
                    seconds[where, what].append(classify(checkout, path, options.model))
    median = {key: statistics.median(values) for key, values in seconds.items()}
    start = "its start alone"
    table = Table("sound", *(f"{where}, s" for where in checkouts), "now / before", box=None)
    for what in sounds:
        taken = [
            median[where, what] - (median[where, start] if what != start else 0)
            for where in checkouts
        ]
        table.add_row(what, *(f"{each:.2f}" for each in taken), f"{taken[1] / taken[0]:.2f}")
    Console().print(table)


def make_sounds(folder, files, hours):
    """What is raced, path by description; noise that swells and fades."""
    rng = np.random.default_rng(0)
    minute = rng.normal(0, 0.1, 60 * RATE) * np.sin(np.arange(60 * RATE) / RATE) ** 2
    soundfile.write(folder / "start.wav", minute[:RATE], RATE)
    (folder / "short").mkdir()
    for number in range(files):
        start = rng.integers(58 * RATE)
        soundfile.write(
            folder / "short" / f"{number:05}.wav", minute[start : start + 2 * RATE], RATE
        )
    with soundfile.SoundFile(folder / "long.wav", "w", RATE, 1) as file:
        for _ in range(round(hours * 60)):
            file.write(minute)
    return {
        "its start alone": folder / "start.wav",
        f"{files} wavs of 2 s": folder / "short",
        f"a wav of {hours:g} h": folder / "long.wav",
    }


def classify(checkout, path, model):
    """Seconds that the command takes."""
    command = [sys.executable, "-m", "zoo", "classify", path, "--top", "1", "--model", model]
    # An editable install would put this checkout first.
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
