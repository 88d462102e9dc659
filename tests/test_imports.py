"""What an import costs: names come when they are used, and TensorFlow with those that need it."""

import importlib
import subprocess
import sys

import pytest

import zoo


def run(code, *arguments):
    """What a program prints in a process of its own."""
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import frontend, zoo, export",
        "from frontend import FrontendConfig, load_audio, waveform_patches",
        "from zoo import Label, Prediction, Timeline",
        "from export import TFLiteClassifier, read_metadata, check_model",
        "dir(__import__('zoo')), dir(__import__('export'))",
    ],
)
def test_light_names_import_no_tensorflow(statement):
    printed = run(f"import sys; {statement}; print(*{{'tensorflow', 'keras'}} & {{*sys.modules}})")
    assert printed == ""


@pytest.mark.parametrize("package", ["frontend", "zoo", "export"])
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert dir(module) == module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'nonsense'"):
        zoo.nonsense  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        from zoo import nonsense  # noqa: F401


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports", ["import zoo, keras", "import keras, zoo", "import zoo, tensorflow, keras"]
)
def test_keras_loads_a_classifier_after_import_zoo(imports, tmp_path):
    path = tmp_path / "small.keras"
    zoo.AudioClassifier("fully_connected", ["Dog", "Rain"], width=0.02).save(path)
    code = f"import sys; {imports}; print(keras.saving.load_model(sys.argv[1]).labels[1].name)"
    assert run(code, path) == "Rain"


@pytest.mark.parametrize(
    "module", ["zoo.networks", "zoo.classifier", "zoo.training", "zoo.plot", "frontend.log_mel"]
)
def test_every_module_may_be_the_first_to_be_imported(module):
    assert run(f"import {module}; import zoo; print(zoo.AudioClassifier.__name__)") == (
        "AudioClassifier"
    )
