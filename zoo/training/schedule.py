"""The learning rate over time."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="soundzoo")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Rises from 0 to a peak in a straight line, then stays, or falls to 0.

    Args:
        peak: the highest learning rate.
        steps: of the whole training.
        warmup_steps: steps that the rise takes.
        shape: "constant", "cosine" or "linear", what follows the rise.

    Example:

    >>> schedule = Schedule(1.0, steps=4, warmup_steps=2, shape="linear")
    >>> [float(schedule(step)) for step in range(5)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(self, peak, *, steps, warmup_steps=0, shape="constant"):
        super().__init__()
        self.peak = peak
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.shape = shape

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = ops.minimum((step + 1) / max(1, self.warmup_steps), 1.0)
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        done = ops.clip(done, 0.0, 1.0)
        if self.shape == "cosine":
            rise = rise * 0.5 * (1 + ops.cos(math.pi * done))
        elif self.shape == "linear":
            rise = rise * (1 - done)
        return self.peak * rise

    def get_config(self):
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "shape": self.shape,
        }
