"""PyTorch's environment, `.venv-torch` beside this folder; made when it is missing."""

import subprocess
import sys
from pathlib import Path

TORCH_PYTHON = Path(__file__).resolve().parents[1] / ".venv-torch" / "bin" / "python"
_PACKAGES = ("torch == 2.13.0", "numpy < 3", "soundfile < 1")


def make_torch_environment():
    if not TORCH_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", TORCH_PYTHON.parents[1]], check=True)
    needed = "import torch, numpy, soundfile"
    if subprocess.run([TORCH_PYTHON, "-c", needed], capture_output=True).returncode:
        install = [TORCH_PYTHON, "-m", "pip", "install", "--quiet", *_PACKAGES]
        subprocess.run(install, check=True)
