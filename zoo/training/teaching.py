"""Consistent teaching: teachers hear the mixtures that the student hears, as it trains.

Beyer et al. ("Knowledge distillation: A good teacher is patient and consistent", CVPR 2022) give
teacher and student the same augmented input; Dinkel et al. ("CED: Consistent ensemble distillation
for audio tagging", ICASSP 2024) do so with sound.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from zoo.json_text import parse_json
from zoo.training.state import state_variable

CROSS_ENTROPY = 0.03
"""Weight of the cross-entropy beside the error of the standardised logits (ours)."""
LABELLED = 0.5
"""Score that a human label stands for, at least: it says that the class is in the clip, not that it
is in every patch (ours)."""
ABSENT = 0.05
"""Score of a class that complete labels do not name, at most: it still ranks below that (ours)."""
SMALLEST_SCORE = 1e-7
"""Scores are kept this far from 0 and 1, so that their logits are finite (Keras' epsilon)."""
SMALLEST_DEVIATION = 0.1
"""Of a class's logits, so that noise does not count where teachers never move (ours)."""


class Teaching:
    """What a student learns of what teachers say, and its loss against that.

    A class's target is the teachers' logit. A human label raises it to `LABELLED` times its share
    of the mixture. A label's absence says nothing, but where the labels of all that is mixed are
    complete: there classes that such labels name have a target of `ABSENT` at most.

    The loss is the mean over classes of the squared error of the logits, each class's in units of
    its deviation over many mixtures, plus `CROSS_ENTROPY` times the cross-entropy, from which alone
    little is learned of scores that are nearly all 0. What is below the logit of `floor` counts as
    there: how improbable the improbable is would else be nearly all that is learned. Of a class
    that no teacher knows, the labels alone are learned, by cross-entropy.

    Build it in the strategy's scope.

    Args:
        known: float32 `[classes]`, 1 for classes that a teacher knows.
        floor: score that counts as nothing, as `TrainConfig.teacher_floor`.
        complete: bool `[classes]`, whether complete labels name a class; None if none are complete.
    """

    def __init__(self, known, floor, complete=None):
        self.known = known
        self.floor = _logits_of(floor)
        self.complete = complete
        self.mean = state_variable(np.zeros(len(known)), "teachers_mean")
        self.deviation = state_variable(np.ones(len(known)), "teachers_deviation")

    def variables(self):
        """What `measure` sets, for checkpoints."""
        return [self.mean, self.deviation]

    def targets(self, said, labels):
        """Logits to learn, float32 `[batch, classes]`.

        Args:
            said: the teachers' logits, float32 `[batch, classes]`.
            labels: float32 `[batch, classes]`, of human labels their share of the mixture, else 0;
                where some are complete, `[batch, classes + 1]`, and last 0 where all are.
        """
        said = tf.where(self.known > 0, said, _logits_of(0.0))
        if self.complete is not None:
            labels, incomplete = labels[:, :-1], labels[:, -1:]
            absent = self.complete & (labels == 0) & (incomplete == 0)
            said = tf.where(absent, tf.minimum(said, _logits_of(ABSENT)), said)
        return tf.maximum(said, _logits_of(LABELLED * labels))

    def floored(self, logits):
        """Logits without the differences between scores of nearly 0."""
        return tf.maximum(logits, self.floor)

    def losses(self, targets, logits):
        """Each example's loss, float32 `[batch]`, of targets and logits `[batch, classes]`."""
        logits = tf.cast(logits, tf.float32)
        error = logits - self.floored(targets)
        # Not of two that are floored: a logit that has to rise above the floor needs its gradient.
        error = tf.where(targets > self.floor, error, tf.nn.relu(error))
        squared = self.known * tf.square(error / self.deviation)
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(targets), logits)
        weight = CROSS_ENTROPY * self.known + (1 - self.known)
        return tf.reduce_mean(squared + weight * cross_entropy, axis=1)

    def measure(self, said):
        """Sets mean and deviation of each class to those over several batches' logits."""
        said = self.floored(np.concatenate(list(said))).numpy()
        self.mean.assign(said.mean(axis=0))
        self.deviation.assign(np.maximum(said.std(axis=0), SMALLEST_DEVIATION))


class Teachers:
    """Those who listen: of each class, the mean of the logits of all that know it, by its name.

    Args:
        folders: of SavedModels as `soundzoo export` writes them.
        labels: list of `Label`, the student's classes.
        sample_rate: of the mixtures, in Hz.

    Attributes:
        known: float32 `[classes]`, 1 for classes that a teacher knows.

    Raises:
        ValueError: a folder holds no such SavedModel, or a teacher hears sound of another rate or
            knows none of the classes.
    """

    def __init__(self, folders, labels, sample_rate=16000):
        names = [label.name for label in labels]
        self._teachers = [_Teacher(folder, names, sample_rate) for folder in folders]
        teachers_of = np.sum([teacher.knows for teacher in self._teachers], axis=0)
        self.known = (teachers_of > 0).astype(np.float32)
        self._share = (1 / np.maximum(teachers_of, 1)).astype(np.float32)

    def logits(self, mixtures):
        """The teachers' mean logits, 0 of classes that none of them knows.

        Args:
            mixtures: float32 `[batch, samples]`.

        Returns:
            float32 `[batch, classes]`.
        """
        return self._share * tf.add_n([teacher.logits(mixtures) for teacher in self._teachers])


class _Teacher:
    """A SavedModel's logits of the classes `names`; `knows` is bool `[classes]`."""

    def __init__(self, folder, names, sample_rate):
        try:
            # A teacher learns nothing, and of constants TensorFlow folds batch norm.
            self.model = tf.saved_model.load(str(folder))
            self.score = convert_variables_to_constants_v2(self.model.signatures["serving_default"])
            text = Path(folder, "assets", "labels.txt").read_text(encoding="utf-8")
            rate, frontend = sample_rate, Path(folder, "assets", "frontend.json")
            if frontend.exists():  # others' SavedModels say nothing of their rate
                rate = parse_json(frontend.read_bytes())["sample_rate"]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{folder} is not a teacher, a SavedModel that `soundzoo export` wrote ({error})."
            ) from None
        if rate != sample_rate:
            raise ValueError(
                f"The teacher {folder} hears sound at {rate} Hz, and mixtures are at {sample_rate} "
                "Hz. Wrap it in a SavedModel that takes these, as recipes/teacher.py does."
            )
        column = {name: number for number, name in enumerate(text.splitlines())}
        self.knows = np.array([name in column for name in names])
        if not self.knows.any():
            raise ValueError(
                f"The teacher {folder} knows none of the classes; it knows {len(column)} others, "
                f"{', '.join(map(repr, list(column)[:3]))} among them."
            )
        self.columns = [column.get(name, 0) for name in names]

    def logits(self, mixtures):
        """float32 `[batch, classes]` of mixtures `[batch, samples]`, 0 of unknown classes."""
        (scores,) = self.score(tf.convert_to_tensor(mixtures))
        return tf.where(self.knows, _logits_of(tf.gather(scores, self.columns, axis=1)), 0.0)


def _logits_of(scores):
    scores = tf.clip_by_value(scores, SMALLEST_SCORE, 1 - SMALLEST_SCORE)
    return tf.math.log(scores) - tf.math.log1p(-scores)
