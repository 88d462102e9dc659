"""What of a training step of ResNet-50 is which primitive of oneDNN, here and in PyTorch.

    python benchmarks/primitives.py [--width 1] [--batch 32] [--steps 8]

The contenders and their step are those of `train.py`; both compute with oneDNN, of their own
versions, which itself tells the time of each primitive that it runs. What a step takes beyond them
is the frameworks' own kernels, memory, and oneDNN's telling, which makes all a little slower.
"""

import argparse
import collections
import subprocess
import sys

from contenders import TORCH_PYTHON, make_torch_environment
from train import PRECISIONS

CONTENDERS = ("keras", "torch")
TELLS = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",  # or the times of two at once would count twice
    "ONEDNN_VERBOSE": "profile_exec",
}
OUTSIDE = "outside oneDNN"
STEP = "a step"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=float, default=1.0, help="of the network (%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="patches per step (%(default)s)")
    parser.add_argument("--steps", type=int, default=8, help="%(default)s")
    options = parser.parse_args()
    make_torch_environment()
    for precision in PRECISIONS:
        keras, torch = (milliseconds(name, precision, options) for name in CONTENDERS)
        print(f"\n| {precision}, ms a step | Keras | PyTorch | PyTorch / Keras |")
        print("|---|---:|---:|---:|")
        for kind in sorted(keras | torch, key=lambda kind: -keras[kind] - torch[kind]):
            ratio = f"{torch[kind] / keras[kind]:.2f}" if keras[kind] else ""
            print(f"| {kind} | {keras[kind]:.1f} | {torch[kind]:.1f} | {ratio} |")


def milliseconds(contender, precision, options):
    """Of a step, by kinds of primitives: a Counter."""
    command = [TORCH_PYTHON if contender == "torch" else sys.executable, "train.py"]
    command += ["--contender", contender, "--precision", precision, f"--steps={options.steps}"]
    command += [f"--width={options.width}", f"--batch={options.batch}"]
    process = subprocess.run(
        ["env", *(f"{name}={value}" for name, value in TELLS.items()), *command],
        input="\n\n",  # one word to begin, and one for a round
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=sys.path[0],
        check=True,
    )
    found = collections.Counter()
    for line in process.stdout.splitlines():
        fields = line.split(",")
        if fields[0] == "onednn_verbose" and "exec" in fields:
            kind, _, direction = fields[fields.index("exec") + 2 :][:3]
            name = kind if direction == "undef" else f"{kind}, {direction.replace('_', ' ')}"
            # The warm-up, as many steps, is told of, too.
            found[name] += float(fields[-1]) / (2 * options.steps)
    seconds = float(process.stdout.rsplit("\n", 2)[-2])
    found[STEP] = 1000 * seconds / options.steps
    found[OUTSIDE] = 2 * found[STEP] - found.total()
    return found


if __name__ == "__main__":
    main()
