import dataclasses
import re

import numpy as np
import pytest

from zoo.training import TrainConfig, read_config
from zoo.training.config import write_config


def test_the_default_is_the_papers_recipe():
    config = TrainConfig()
    assert (config.batch, config.schedule, config.precision) == (128, "constant", "f32")
    off = ("weight_decay", "clip_norm", "ema", "teacher", "init")
    assert all(getattr(config, name) is None for name in off)
    zero = ("label_smoothing", "class_balance", "gain_db", "time_shift", "mixup", "mask_frames")
    assert not any(getattr(config, name) for name in zero)


def test_every_option_has_a_help():
    assert all(field.metadata["help"] for field in dataclasses.fields(TrainConfig))


def test_round_trip(tmp_path):
    config = TrainConfig(model="vgg", ema=0.99, speed=1.1, learning_rate=3e-5, teachers=["a", "b"])
    path = tmp_path / "run.yaml"
    path.write_text(write_config(config))
    assert TrainConfig.from_dict(read_config(path)) == config


def test_numbers_may_look_as_yaml_reads_them():
    assert TrainConfig(learning_rate="1e-3", width=1) == TrainConfig(learning_rate=0.001, width=1.0)
    assert type(TrainConfig(epochs=np.int64(3)).epochs) is int


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"learnin_rate": 1}, "no option 'learnin_rate'; did you mean 'learning_rate'"),
        ({"xyz": 1}, "no option 'xyz'; there are model, width"),
        ({"batch": 0}, "batch must be a whole number of at least 1. Received: 0"),
        ({"batch": 1.5}, "batch must be a whole number"),
        ({"batch": True}, "batch must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"learning_rate": "fast"}, "learning_rate must be a number above 0. Received: 'fast'"),
        ({"learning_rate": 10**400}, "learning_rate must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"ema": 1}, "ema must be a number above 0 and at most 0.99999. Received: 1"),
        ({"mixup": 1.5}, "mixup must be a number of at least 0 and at most 1"),
        ({"model": "resnet"}, "no architecture 'resnet'; there are alexnet, cnn14"),
        ({"schedule": None}, "schedule must be one of constant, cosine, linear"),
        ({"skip_quiet": "yes"}, "skip_quiet must be true or false"),
        ({"freeze": True}, "pass init, a preset"),
        ({"freeze_norm": True}, "freeze_norm keeps a part of a trained body: pass init"),
        ({"teacher_head": True}, "pass teacher, not freeze"),
        ({"teachers": "mn04"}, "teachers must be a list of names. Received: 'mn04'"),
        ({"teachers": [1]}, "teachers must be a list of names. Received: [1]"),
        ({"teachers": ["x"], "teacher": "y"}, "pass neither teacher nor label_smoothing"),
        ({"teachers": ["x"], "label_smoothing": 0.1}, "pass neither teacher nor label_smoothing"),
        ({"teacher_seconds": 0.5}, "teacher_seconds must be a number of at least 0.96"),
        ({"taught": "x"}, "taught holds what teachers said: name the teachers"),
        ({"refit_steps": 3}, "refit_steps fits to what teachers say: name the teachers"),
        ({"mixup_db": 10}, "pass mixup, the part that is mixed, too"),
        ({"teacher_head": True, "teacher": "x", "init": "y", "freeze": True}, "not freeze"),
    ],
)
def test_refuses(values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TrainConfig.from_dict(values)


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        "just words",
        "a: [",
        "a: {]\nb: [\n",
        "\x00",
        "a: !!int x",
        "a: !!timestamp x",
        "a: !!python/object/apply:os.getcwd []",
        "[" * 10_000,
    ],
)
def test_a_file_of_something_else(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"run\.yaml [^\n]*\Z"):
        read_config(path)


def test_an_empty_file_is_the_default(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("# nothing\n")
    assert TrainConfig.from_dict(read_config(path)) == TrainConfig()
