"""Contenders of a race: processes that do a round for each line that they are sent.

Those of PyTorch run in an environment of their own, `.venv-torch` beside this folder, which is made
when it is missing.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

TORCH_PYTHON = Path(__file__).resolve().parents[1] / ".venv-torch" / "bin" / "python"
_TORCH_PACKAGES = ("torch == 2.13.0", "librosa < 1", "numpy < 3", "soundfile < 1")


def make_torch_environment():
    if not TORCH_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", TORCH_PYTHON.parents[1]], check=True)
    needed = "import torch, librosa, soundfile"
    if subprocess.run([TORCH_PYTHON, "-c", needed], capture_output=True).returncode:
        install = [TORCH_PYTHON, "-m", "pip", "install", "--quiet", *_TORCH_PACKAGES]
        subprocess.run(install, check=True)


def start(arguments, *, torch, environment=None):
    """Starts a contender.

    Args:
        arguments: of Python, the script first.
        torch: whether it is PyTorch's.
        environment: variables that it gets beside those that there are.
    """
    # oneDNN's kernels: TensorFlow leaves them off by itself on CPUs without AVX-512, where they
    # halve the time of a training step. It reads the variable as it is imported.
    settings = {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    return subprocess.Popen(
        [TORCH_PYTHON if torch else sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=settings | (environment or {}),
    )


def race(processes, rounds):
    """Has contenders take turns, so that a busy machine slows all of them alike, and ends them.

    Args:
        processes: by name, each of which calls `serve`.
        rounds: how many.

    Returns:
        Of each by name what it said when it was ready, and the median seconds of its rounds.
    """
    seconds = {name: [] for name in processes}
    try:
        ready = {name: _ask(process) for name, process in processes.items()}
        for _ in range(rounds):
            for name, process in processes.items():
                seconds[name].append(float(_ask(process)))
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    return ready, {name: statistics.median(each) for name, each in seconds.items()}


def serve(ready, run):
    """Says that a contender is ready; then, for each line that comes, runs, and prints how long."""
    sys.stdin.readline()
    print(ready, flush=True)
    while sys.stdin.readline():
        begun = time.perf_counter()
        run()
        print(time.perf_counter() - begun, flush=True)


def _ask(process):
    """The contender's next line, after the word to go on."""
    process.stdin.write("\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise SystemExit(f"A contender ended: {' '.join(map(str, process.args))}")
    return answer
