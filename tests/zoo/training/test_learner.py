"""One step of training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import AudioClassifier
from zoo.training import TrainConfig
from zoo.training.learner import Augmenter, Learner
from zoo.training.patches import TrainingPatches


@pytest.fixture
def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def values(learner):
    return {
        f"{group}/{number}": variable.numpy()
        for group, variables in learner.variables().items()
        for number, variable in enumerate(variables)
    }


def changed(one, two):
    return {name for name in one if (one[name] != two[name]).any()}


def test_a_step_that_overflows_float16_changes_the_scale_alone(data, half_precision):
    options = {"weight_decay": 0.1, "ema": 0.9, "schedule": "cosine", "clip_norm": 1.0}
    config = TrainConfig(model="resnet50", width=0.01, batch=4, precision="f16", **options)
    classifier = AudioClassifier(config.model, data.labels, width=config.width)
    augmenter = Augmenter(config, classifier.frontend)
    learner = Learner(classifier, config, 100, augmenter)
    patches = TrainingPatches(data, config, classifier.frontend, **augmenter.takes)

    def step(number, scale):
        learner.scaling[0].assign(scale)
        before = values(learner)
        loss, _ = learner.step(tuple(map(tf.constant, patches.batch(number))), tf.constant(0.0))
        assert np.isfinite(loss)
        return changed(before, values(learner))

    # A good step first: Adam has momentum then.
    groups = {name.split("/")[0] for name in step(0, 1.0)}
    assert groups == {"weights", "optimizer", "averages", "scaling"}
    assert step(1, 2.0**100) == {"scaling/0", "scaling/1"}
    assert learner.scaling[0].numpy() == 2.0**99
    assert learner.optimizer.iterations.numpy() == 1
