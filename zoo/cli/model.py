"""The arguments that name a model, and the classifier that they name."""

from pathlib import Path

import zoo
from zoo import presets
from zoo.cli.output import check_overwrite
from zoo.files import sha256

DEFAULT_MODEL = "yamnet"
"""The best of the package on world and ESC-10, as the README's table has it."""


def add_model(parser, others=""):
    """Adds `--model`; `others` says what it may be beside a preset."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help=f"a preset's name or folder{others} (default: {DEFAULT_MODEL})",
    )


def add_hop(parser):
    parser.add_argument(
        "--hop",
        type=float,
        metavar="SECONDS",
        help="between patches (default: the model's, 0.48 for yamnet, 0.96 for most)",
    )


def add_calibrated(parser):
    parser.add_argument(
        "--calibrated",
        action="store_true",
        help="give probabilities, by the calibration that the model was saved with",
    )


def check_preset_place(path, overwrite):
    """Refuses to begin work whose preset would not replace what is there."""
    check_overwrite(path, overwrite)
    presets.check_place(path)


def load_model(options):
    """The classifier of `--model`; a wrong `--hop` is said before any file is read."""
    classifier = load(options.model, getattr(options, "calibrated", False))
    classifier.frontend.with_hop(options.hop)
    return classifier


def load(model, calibrated=False):
    """The classifier that `--model` names."""
    if calibrated and is_exported(model):
        raise ValueError(
            f"--calibrated is for presets: {model} gives scores, whatever it was exported of."
        )
    classifier = _found(model)
    if calibrated and classifier.calibration is None:
        raise ValueError(
            f"{model} has no calibration; soundzoo evaluate --calibrate fits one, and saves both."
        )
    classifier.calibrated = calibrated
    return classifier


def _found(model):
    if not is_exported(model):
        return zoo.AudioClassifier.from_preset(model)
    from export import TFLiteClassifier  # here, because the packages point the other way

    return TFLiteClassifier(model)


def checksum(model):
    """SHA-256 of what `--model` names: an exported file, or the configuration of a preset, which
    has that of the weights."""
    return sha256(model if is_exported(model) else presets.find(model) / presets.CONFIG)


def is_exported(model):
    """Whether `--model` names a .tflite file."""
    return Path(model).suffix == ".tflite"
