"""What a training run may be told, in a YAML file or by flags."""

import dataclasses
import math
import numbers
import typing
from collections.abc import Mapping
from typing import Any, Self

import yaml

from frontend.types import StrPath
from zoo.architecture import architecture_names, find_architecture
from zoo.errors import nearest, one_line

SCHEDULES = ("constant", "cosine", "linear")
PRECISIONS = ("f32", "bf16", "f16")


_MOST_EMA = 0.99999
"""Beyond it the average would be of more steps than there ever are, and at 1 of none."""


def _option(default, help, low=None, high=math.inf, choices=None, above=None):
    """A field with its help and what it may be: from `low` (or above `above`) to `high`."""
    limits = {"help": help, "low": low, "high": high, "above": above, "choices": choices}
    return dataclasses.field(default=default, metadata=limits)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How a network is trained; the defaults are the paper's recipe.

    The paper's: Adam on the sigmoid cross-entropy, batches of 128 patches drawn at random from all
    patches of all clips, batch norm, no other regularisation. The paper gives a learning rate for
    its fully connected network alone (3e-5); 1e-3 is Adam's usual one. Epochs are ours, too: the
    paper trains for 5 million steps.

    Every field is a key of the YAML file and, with dashes, a flag of `soundzoo train`. None means
    that the option is off.

    Raises:
        ValueError: a value is of the wrong type or out of range; the message names the field.

    Example:

    >>> TrainConfig(model="vgg").batch
    128
    >>> TrainConfig.from_dict({"learnin_rate": 0.1})
    Traceback (most recent call last):
        ...
    ValueError: There is no option 'learnin_rate'; did you mean 'learning_rate'?
    """

    model: str | None = _option(
        None, f"{', '.join(architecture_names())} (default: that of --init, or resnet50)"
    )
    width: float | None = _option(
        None, "scales the network's units (default: that of --init, or the paper's 1)", above=0
    )
    bottleneck: int | None = _option(
        None, "units of a linear layer before the classifier (default: as --init, or none)", low=1
    )
    init: str | None = _option(None, "preset whose weights training starts from")
    freeze: bool = _option(False, "train the classifier alone, on the body of --init")
    freeze_norm: bool = _option(False, "batch norm keeps what --init has, as befits few clips")

    epochs: int = _option(
        20, "passes over as many patches as the clips hold; more make a run go on", low=1
    )
    epoch_steps: int | None = _option(
        None, "steps that count as an epoch (default: as many as the clips hold patches for)", low=1
    )
    batch: int = _option(128, "patches of a step, over all devices", low=1)
    seed: int = _option(0, "of the weights, the patches and the augmentation", low=0, high=2**31)
    train_split: str = _option("train", "split to train on")
    validation_split: str | None = _option(
        None, "split to watch accuracy and mAP on (default: validation, if the data have it)"
    )
    skip_corrupt: bool = _option(False, "leave damaged records out instead of stopping")
    checkpoint_steps: int = _option(500, "steps between checkpoints, beside epochs' ends", low=1)

    learning_rate: float = _option(1e-3, "Adam's, the peak of a schedule", above=0)
    schedule: str = _option("constant", "of the learning rate after warm-up", choices=SCHEDULES)
    warmup_steps: int = _option(0, "steps in which the rate rises from 0", low=0)
    weight_decay: float | None = _option(None, "decoupled, on kernels alone", above=0)
    clip_norm: float | None = _option(None, "largest norm of all gradients together", above=0)
    ema: float | None = _option(
        None, "momentum of the weights' moving average, which is kept", above=0, high=_MOST_EMA
    )
    label_smoothing: float = _option(0.0, "part of a target that becomes 1/2", low=0, high=1)
    precision: str = _option("f32", "of the network's arithmetic", choices=PRECISIONS)

    class_balance: float = _option(
        0.0, "0 draws a class as often as it has patches, 1 every class alike", low=0, high=1
    )
    skip_quiet: bool = _option(False, "draw again for patches 10 dB below their clip")
    gain_db: float = _option(0.0, "make patches up to this much louder or quieter, in dB", low=0)
    speed: float = _option(1.0, "play patches up to this many times faster or slower", low=1)
    time_shift: float = _option(0.0, "start half of the patches up to this much later, in s", low=0)
    mixup: float = _option(0.0, "part of the patches that are mixed with another", low=0, high=1)
    mixup_db: float | None = _option(
        None, "mix them at random ratios of up to this many dB either way, instead of evenly", low=0
    )
    equalizer_db: float = _option(
        0.0, "raise and lower bands of patches by up to this many dB", low=0
    )
    mask_frames: int = _option(
        0, "hide two stretches of up to this many frames (SpecAugment)", low=0
    )
    mask_bins: int = _option(0, "hide two bands of up to this many mel bins (SpecAugment)", low=0)

    teacher: str | None = _option(
        None, "folder of `soundzoo evaluate` with a teacher's scores of the training clips"
    )
    teacher_weight: float = _option(
        0.5, "part of targets, or of the loss, that is the teacher's", low=0, high=1
    )
    teacher_head: bool = _option(
        False, "learn the teacher's scores, of any labels, by a head that is dropped at the end"
    )

    teachers: tuple[str, ...] = _option(
        (), "SavedModels that hear what is trained on, and say what to learn of it"
    )
    teacher_seconds: float = _option(
        4.0, "what teachers hear of a clip, in s: the patch, and what is around it", low=0.96
    )
    teacher_floor: float = _option(
        0.018,  # a logit of -4 (ours, by validation clips)
        "score of teachers that counts as nothing: below it all are the same (0: none is)",
        low=0,
        high=0.5,
    )
    complete_labels: str | None = _option(
        None,
        "pattern (*, ? and [...]) of the ids of clips whose labels teachers must not add to: "
        "classes that such clips name are not heard where they are missing",
    )
    taught: str | None = _option(
        None, "folder of `soundzoo teach`: what the teachers said, so that they need not listen"
    )

    refit_steps: int = _option(
        0,
        "in the end, fit the classifier anew to what teachers say of so many steps' mixtures, by "
        "ridge regression",
        low=0,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _checked(field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        if self.model is not None:
            find_architecture(self.model)
        for option in ("freeze", "freeze_norm"):
            if getattr(self, option) and self.init is None:
                raise ValueError(f"{option} keeps a part of a trained body: pass init, a preset.")
        if self.teacher_head and (self.teacher is None or self.freeze):
            raise ValueError("teacher_head trains a body by a teacher: pass teacher, not freeze.")
        if self.teachers and (self.teacher or self.label_smoothing):
            raise ValueError(
                "What teachers say are all targets: pass neither teacher nor label_smoothing."
            )
        if self.taught is not None and not self.teachers:
            raise ValueError("taught holds what teachers said: name the teachers, too.")
        if self.complete_labels is not None and not self.teachers:
            raise ValueError("complete_labels is for teachers' scores: name the teachers, too.")
        if self.refit_steps and not self.teachers:
            raise ValueError("refit_steps fits to what teachers say: name the teachers, too.")
        if self.mixup_db is not None and not self.mixup:
            raise ValueError("mixup_db says how to mix: pass mixup, the part that is mixed, too.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The configuration of these keys; ValueError names the nearest key to an unknown one."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                near = nearest(str(key), known, cutoff=0.4)
                hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}."
                raise ValueError(f"There is no option {key!r}; {hint}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain YAML types."""
        values = dataclasses.asdict(self)
        return {k: [*v] if isinstance(v, tuple) else v for k, v in values.items()}


def read_config(path: StrPath) -> dict[str, Any]:
    """The keys and values of the YAML file at `path`, a dict; ValueError if it is not one."""
    with open(path, encoding="utf-8") as file:
        try:
            values = yaml.safe_load(file)
        except Exception as error:  # PyYAML's own, or what Python makes of `!!int x`
            raise ValueError(f"{path} is not YAML: {one_line(error)}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold lines of the form `option: value`.")
    return values


def write_config(config):
    """The text of a YAML file that `read_config` reads."""
    return yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True)


def kind_of(field):
    """The type of a field's values, or of each of several, and whether None is one of them."""
    kinds = typing.get_args(field.type) or (field.type,)
    return kinds[0], type(None) in kinds


def several(field):
    """Whether a field's value is a tuple, of any length."""
    return typing.get_origin(field.type) is tuple


def _checked(field, value):
    kind, optional = kind_of(field)
    limits = field.metadata
    if several(field):
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, kind) for v in value):
            raise ValueError(f"{field.name} must be a list of names. Received: {value!r}")
        return tuple(value)
    if value is None and optional:
        return None
    if kind is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        value = int(value)  # NumPy's
    valid = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
    # YAML reads 1 as a whole number and 1e-3, without a point, as text.
    if kind is float and not isinstance(value, bool):
        try:
            value = float(value)
            valid = math.isfinite(value)
        except (TypeError, ValueError, OverflowError):
            valid = False
    if valid and limits["low"] is not None:
        valid = limits["low"] <= value <= limits["high"]
    if valid and limits["above"] is not None:
        valid = limits["above"] < value <= limits["high"]
    if valid and limits["choices"]:
        valid = value in limits["choices"]
    if not valid:
        raise ValueError(f"{field.name} must be {_wanted(kind, limits)}. Received: {value!r}")
    return value


def _wanted(kind, limits):
    if limits["choices"]:
        return f"one of {', '.join(limits['choices'])}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a name"}[kind]
    if limits["low"] is not None:
        words += f" of at least {limits['low']:g}"
    if limits["above"] is not None:
        words += f" above {limits['above']:g}"
    if (limits["low"], limits["above"]) != (None, None) and limits["high"] != math.inf:
        words += f" and at most {limits['high']:g}"
    return words
