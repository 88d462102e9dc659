"""Type hints: what is public has them, and those who use it see them."""

import dataclasses
import inspect
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_reference import public, reference

ROOT = Path(__file__).parents[1]


def functions(value):
    """The functions that are public with a function or class, by name."""
    if not inspect.isclass(value):
        yield value.__name__, value
        return
    for name, member in vars(value).items():
        for inner in ("fget", "func", "__func__"):  # of properties, cached ones, class methods
            member = getattr(member, inner, member)
        is_public = name == "__init__" or (name[0] != "_" and member.__doc__)
        if inspect.isfunction(member) and is_public:
            yield f"{value.__name__}.{name}", member


def without_hints(function):
    """Parameters, and "return", that have none."""
    names = [*inspect.signature(function).parameters, "return"]
    return [name for name in names if name not in {"self", "cls", *function.__annotations__}]


@pytest.mark.parametrize("name", reference.MODULES)
def test_what_is_public_has_hints(name):
    for value in public(name).values():
        generated = dataclasses.is_dataclass(value) or hasattr(value, "_fields")
        if callable(value) and not generated:
            missing = {key: without_hints(function) for key, function in functions(value)}
            assert not {key: names for key, names in missing.items() if names}


SCRIPT = """
import export
import frontend
import zoo
from zoo import data, evaluation, plot, training

reveal_type(zoo.AudioClassifier)
reveal_type(training.train)
reveal_type(frontend.FrontendConfig().patch_samples)
reveal_type(frontend.load_audio("a.wav"))
reveal_type(evaluation.d_prime(0.9))
reveal_type(data.open_prepared("prepared").labels[0])
reveal_type(export.TFLiteClassifier("a.tflite").labels)
plot.save(plot.spectrogram("a.wav"), "a.png")
frontend.load_audio(16000)
frontend.nonsense
"""
SEEN = [
    'zoo.classifier.AudioClassifier"',
    'Revealed type is "def (',
    'Revealed type is "int"',
    'Revealed type is "numpy.ndarray[tuple[Any, ...], numpy.dtype[numpy.floating[',
    'Revealed type is "float"',
    'Revealed type is "tuple[str, str | None, fallback=zoo.labels.Label]"',
    'Revealed type is "list[tuple[str, str | None, fallback=zoo.labels.Label]]"',
    'Argument 1 to "load_audio" has incompatible type "int"',
    'Module has no attribute "nonsense"',
]


@pytest.mark.slow
def test_users_see_the_hints(tmp_path):
    pytest.importorskip("mypy", reason="mypy, of the extra dev, is not installed")
    (tmp_path / "script.py").write_text(SCRIPT)
    process = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "script.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    *said, _ = process.stdout.splitlines()
    for line, expected in itertools.zip_longest(said, SEEN, fillvalue="nothing"):
        assert expected in line
