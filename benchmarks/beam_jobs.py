"""Seconds that Beam jobs take for 1000 clips, at more and more clips, with one worker and with two.

    python benchmarks/beam_jobs.py [--clips 1000 10000 100000] [--workers 1 2] [--jobs prepare]

Clips are wavs of half a second of noise. Workers are processes on this machine (DirectRunner); what
a job takes on ten clips, which is its start, stands in the first row and is taken off the others.
`alone` is the command without `--runner`, less its own start.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
SAMPLES = 8000
FEW = 10
MODEL = "resnet50_w025_opensounds"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--clips", type=int, nargs="+", default=[1000, 10000, 100000], help="%(default)s"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="%(default)s")
    parser.add_argument(
        "--jobs", nargs="+", choices=("prepare", "classify"), default=["prepare", "classify"]
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_clips(folder, max(options.clips))
        for job in options.jobs:
            race(folder, job, options)


def make_clips(folder, count):
    """Clips of two classes, 1000 a folder."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / name(number)
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, rng.normal(0, 0.1, SAMPLES).astype(np.float32), RATE)


def name(number):
    """The file of a clip."""
    return f"{number // 1000:04d}/{number:06d}.wav"


def race(folder, job, options):
    """Prints the table of one job."""
    runs = ["alone", *options.workers]
    print(f"\n{job}: seconds for 1000 clips, less the start's\n")
    row("clips", *("alone" if run == "alone" else f"{run} workers" for run in runs))
    row("-----:", *("---:" for _ in runs))
    for run in runs:
        seconds(folder, job, FEW, run)  # so that libraries are in memory
    starts = [seconds(folder, job, FEW, run) for run in runs]
    row("its start", *(f"{start:.1f}" for start in starts))
    for clips in options.clips:
        taken = [seconds(folder, job, clips, run) for run in runs]
        per_thousand = [
            1000 * (each - start) / clips for each, start in zip(taken, starts, strict=True)
        ]
        row(f"{clips:,}", *(f"{each:.2f}" for each in per_thousand))


def seconds(folder, job, clips, run):
    """What a command takes."""
    manifest, output = folder / "manifest.csv", folder / "output"
    with open(manifest, "w", newline="") as file:
        rows = [(name(number), ("Dog", "Rain")[number % 2]) for number in range(clips)]
        csv.writer(file).writerows([("file", "label"), *rows])
    command = {
        "prepare": ["prepare", manifest, output],
        "classify": ["classify", "--from-list", manifest, "--model", MODEL, "--output", output],
    }[job]
    if run == "alone" and job == "classify":
        command[-1] = output.with_suffix(".parquet")
    if run != "alone":
        command += ["--runner", "DirectRunner", "--", f"--direct_num_workers={run}"]
        command += ["--direct_running_mode=multi_processing"]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "zoo", *command], check=True, capture_output=True)
    taken = time.perf_counter() - start
    shutil.rmtree(output, ignore_errors=True)
    output.with_suffix(".parquet").unlink(missing_ok=True)
    return taken


def row(*cells):
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
