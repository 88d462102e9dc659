"""What an import costs: names come when they are used, and TensorFlow with those that need it."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import zoo
from tests.export.exported import small_model
from zoo.architecture import find_architecture


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
        "import zoo; zoo.list_models(), zoo.list_presets()",
        "from zoo.training import TrainConfig, read_config; TrainConfig(model='vgg')",
        "dir(__import__('zoo')), dir(__import__('export'))",
    ],
)
def test_light_names_import_no_tensorflow(statement):
    printed = run(f"import sys; {statement}; print(*{{'tensorflow', 'keras'}} & {{*sys.modules}})")
    assert printed == ""


COMMAND = """
import contextlib, io, sys
from zoo.cli import main
output = io.StringIO()
with contextlib.redirect_stdout(output):
    try:
        status = main(sys.argv[1:])
    except SystemExit as stop:
        status = stop.code
print(status, len(output.getvalue()) > 0, *{'tensorflow', 'keras'} & {*sys.modules})
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        *([command, "--help"] for command in ("summary", "train", "reproduce")),
        ["list", "--presets"],
        ["classify", "--model", "{tflite}", "{sound}"],
    ],
    ids=" ".join,
)
def test_commands_import_tensorflow_only_to_run_it(arguments, tmp_path):
    tflite, sound = tmp_path / "small.tflite", tmp_path / "quiet.wav"
    tflite.write_bytes(small_model())
    soundfile.write(sound, np.zeros(16000), 16000)
    given = [argument.format(tflite=tflite, sound=sound) for argument in arguments]
    assert run(COMMAND, *given) == "0 True"


def test_architectures_are_named_alike_everywhere():
    for name in zoo.list_models():
        builder = find_architecture(name).builder
        assert inspect.signature(builder).parameters["name"].default == name
        assert getattr(zoo, builder.__name__) is builder


@pytest.mark.parametrize("package", ["frontend", "zoo", "zoo.networks", "zoo.training", "export"])
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert dir(module) == module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


# What a package defines itself, the builders of the networks among it.
PRESENT = {"zoo": ["__version__", "list_models", *zoo.networks.__all__]}


@pytest.mark.parametrize("package", ["frontend", "zoo", "zoo.training", "export"])
def test_type_checkers_see_the_lazy_names(package):
    module = importlib.import_module(package)
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {node.names[0].asname: node for node in imports if node.names[0].asname}
    assert {*seen, *PRESENT.get(package, ())} == {*module.__all__}
    for name, imported in seen.items():
        assert imported.names[0].name == name  # `as` the same, which offers it to others
        assert getattr(importlib.import_module(imported.module), name) is getattr(module, name)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'nonsense'"):
        zoo.nonsense  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        from zoo import nonsense  # noqa: F401


@pytest.mark.parametrize(
    ("package", "name", "missing"),
    [
        ("zoo", "AudioClassifier", "keras"),
        ("export", "export_tflite", "keras"),
        ("export", "operations", "ai_edge_litert"),
        ("frontend", "load_audio", "soundfile"),
    ],
)
def test_missing_package_is_named(package, name, missing):
    code = f"""
import sys
sys.modules["{missing}"] = None  # as if not installed
try:
    from {package} import {name}
except ImportError as error:
    print(error)
"""
    assert run(code) == f"{package}.{name} needs {missing}, which `pip install soundzoo` installs."


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import keras, zoo",
        "import tensorflow, keras, zoo.cli",
        "from zoo import AudioClassifier; import keras",
    ],
)
def test_keras_loads_a_classifier_after_import_zoo(imports, tmp_path):
    path = tmp_path / "small.keras"
    zoo.AudioClassifier("fully_connected", ["Dog", "Rain"], width=0.02).save(path)
    code = f"import sys; {imports}; print(keras.saving.load_model(sys.argv[1]).labels[1].name)"
    assert run(code, path) == "Rain"


@pytest.mark.parametrize(
    "module",
    ["zoo.networks.vgg", "zoo.classifier", "zoo.training.trainer", "zoo.plot", "frontend.log_mel"],
)
def test_every_module_may_be_the_first_to_be_imported(module):
    assert run(f"import {module}; import zoo; print(zoo.AudioClassifier.__name__)") == (
        "AudioClassifier"
    )
