"""What a clip costs, and how much memory, as clips become more: prepare, train, evaluate, classify.

    python benchmarks/flat.py [--clips 1000 10000 100000]

Clips are wavs of half a second of noise, half of which train and half of which test. Seconds are
for 1000 clips, and of `train` for 100 steps of 32 patches, less what the command takes for a
hundred clips and one step, which stands in the first row. Networks are fully connected, so that
reading, sorting and writing weigh most. Memory is the peak of the process.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from beam_jobs import make_clips, name, row

MODEL = "fully_connected_w025_opensounds"
FEW = 100
STEPS = 100
JOBS = ("prepare", "train", "evaluate", "classify")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--clips", type=int, nargs="+", default=[1000, 10000, 100000], help="%(default)s"
    )
    parser.add_argument("--plot", metavar="FILE.png", help="draw the curves")
    options = parser.parse_args()
    curves = {job: [] for job in JOBS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_clips(folder, max(options.clips))
        measure(folder, FEW, 1)  # so that libraries are in memory
        starts = measure(folder, FEW, 1)
        row("clips", *(f"{job}, s | MB" for job in JOBS))
        row("---:", *("---: | ---:" for _ in JOBS))
        row("its start", *(f"{seconds:.1f} | {peak:.0f}" for seconds, peak in starts))
        for clips in options.clips:
            cells = []
            found = measure(folder, clips, STEPS)
            more = (clips - FEW) / 1000
            for job, (seconds, peak), (start, _) in zip(JOBS, found, starts, strict=True):
                # Half of the clips are tested; steps are as many whatever the clips.
                units = {"train": 1, "evaluate": more / 2}.get(job, more)
                cost = (seconds - start) / units
                curves[job].append((clips, cost, peak))
                cells.append(f"{cost:.2f} | {peak:.0f}")
            row(f"{clips:,}", *cells)
    if options.plot:
        draw(curves, options.plot)


def draw(curves, path):
    """Seconds and megabytes of each of `JOBS` over the number of clips."""
    # Here, because a process's peak counts what forked it, which must stay small while it measures.
    from zoo.plot.figure import APART, new_figure, save

    figure = new_figure(9, 4)
    words = ("s for 1000 clips; of train, for 100 steps", "MB at most")
    for column, axes in enumerate(figure.subplots(1, 2)):
        axes.set_prop_cycle(color=APART)
        for job, points in curves.items():
            clips, *values = zip(*points, strict=True)
            axes.plot(clips, values[column], marker="o", label=job)
        axes.set(xscale="log", xlabel="clips", ylabel=words[column], ylim=(0, None))
    axes.legend()
    save(figure, path)


def measure(folder, clips, steps):
    """Seconds and peak megabytes of each of `JOBS`."""
    manifest = folder / "manifest.csv"
    data, run, table = (folder / name for name in ("data", "run", "table.csv"))
    with open(manifest, "w", newline="") as file:
        kinds = [(("Speech", "Music")[n % 2], ("train", "test")[n // 2 % 2]) for n in range(clips)]
        rows = [(name(number), *kind) for number, kind in enumerate(kinds)]
        csv.writer(file).writerows([("file", "label", "split"), *rows])
    steps = [f"--epoch-steps={steps}", "--epochs=1", "--batch=32", "--model=fully_connected"]
    commands = (
        ["prepare", manifest, data],
        ["train", data, run, *steps, "--width=0.25"],
        ["evaluate", data, "--model", MODEL, "--split", "test", "--output", folder / "figures"],
        ["classify", "--from-list", manifest, "--model", MODEL, "--output", table],
    )
    found = [_run(command) for command in commands]
    table.unlink()
    for each in (data, run, folder / "figures"):
        shutil.rmtree(each)
    return found


def _run(command):
    """Seconds and peak megabytes of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"soundzoo {command[0]} failed: {errors}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
