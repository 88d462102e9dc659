"""Augmentation layers: off at inference, random in training, in the graph."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

FAINT = 1e-3
"""Root mean square below which `MixupAtRatio` takes a sound for silence: -60 dB (ours)."""


class Augmentation(keras.layers.Layer):
    """A layer that changes each example of a batch at random when it trains.

    What it draws is a number of uniform ones for each example, `draws`. Who wants the same change
    whatever the device, as the trainer does, gives them; else the layer draws them itself.

    Args:
        seed: of the layer's own draws.

    Call arguments:
        inputs: the batch; the classes below say of what shape.
        uniform: float32 `[batch, draws]` in 0..1, or None.
        training: without it the inputs come through as they are.
    """

    draws = 1

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(seed)
        # Only its own draws are random, and a model with another of its kind may still compile.
        self.supports_jit = False

    def call(self, inputs, uniform=None, training=None):
        if not training:
            return self.pass_through(inputs)
        if uniform is None:
            first = inputs[0] if isinstance(inputs, (tuple, list)) else inputs
            shape = (ops.shape(first)[0], self.draws)
            uniform = keras.random.uniform(shape, seed=self.seed_generator)
        return self.augment(inputs, uniform)

    def pass_through(self, inputs):
        return inputs


@keras.saving.register_keras_serializable(package="soundzoo")
class RandomGain(Augmentation):
    """Makes waveforms `[batch, samples]` up to `decibels` dB louder or quieter.

    Example:

    >>> layer = RandomGain(20)
    >>> layer(ops.ones((1, 4)), uniform=ops.ones((1, 1)), training=True).numpy()
    array([[10., 10., 10., 10.]], dtype=float32)
    """

    def __init__(self, decibels: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decibels = decibels

    def augment(self, waveforms, uniform):
        return waveforms * 10 ** ((2 * uniform - 1) * self.decibels / 20)

    def get_config(self):
        return {**super().get_config(), "decibels": self.decibels}


@keras.saving.register_keras_serializable(package="soundzoo")
class TimeShift(Augmentation):
    """Lets every second waveform of `[batch, samples]` start up to `samples` samples later.

    Silence comes before it, and what reaches past the end is lost. The other half is left alone:
    sounds shorter than a patch mostly stand at its start.

    Example:

    >>> layer = TimeShift(2)
    >>> layer(ops.ones((1, 4)), uniform=ops.ones((1, 1)), training=True).numpy()
    array([[0., 0., 1., 1.]], dtype=float32)
    """

    def __init__(self, samples: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.samples = samples

    def augment(self, waveforms, uniform):
        later = ops.cast(ops.round(ops.maximum(2 * uniform - 1, 0) * self.samples), "int32")
        source = ops.expand_dims(ops.arange(ops.shape(waveforms)[1], dtype="int32"), 0) - later
        shifted = ops.take_along_axis(waveforms, ops.maximum(source, 0), axis=1)
        return ops.where(source >= 0, shifted, 0.0)

    def get_config(self):
        return {**super().get_config(), "samples": self.samples}


@keras.saving.register_keras_serializable(package="soundzoo")
class RandomSpeed(Augmentation):
    """Plays waveforms up to `fastest` times faster or slower, pitch included.

    Args:
        samples: length of what comes out; what goes in needs `input_samples`.
        fastest: largest factor of the speed, above 1.
        fixed: sample, of what comes out, around which time is stretched; of what goes in it is
            `input_fixed`.

    Example:

    >>> layer = RandomSpeed(samples=3, fastest=2)
    >>> layer(ops.arange(7.0)[None], uniform=ops.ones((1, 1)), training=True).numpy()
    array([[0., 2., 4.]], dtype=float32)
    """

    def __init__(self, samples: int, fastest: float, fixed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.samples = samples
        self.fastest = fastest
        self.fixed = fixed

    @property
    def input_samples(self) -> int:
        """Samples that the fastest play takes, and one to interpolate."""
        return int(self.samples * self.fastest) + 1

    @property
    def input_fixed(self) -> int:
        """The sample of what goes in that becomes the sample `fixed` of what comes out."""
        return math.ceil(self.fixed * self.fastest)

    def augment(self, waveforms, uniform):
        # In steps of a thousandth, or the last bit of the power, in which devices and sizes of
        # batches differ, would move the end of a patch by parts of a sample.
        speed = ops.round(1024 * self.fastest ** (2 * uniform - 1)) / 1024
        place = ops.arange(self.samples, dtype="float32") - self.fixed
        position = ops.expand_dims(place, 0) * speed + self.input_fixed
        before = ops.cast(ops.floor(position), "int32")
        part = position - ops.floor(position)
        # A speed that was rounded up begins before the first sample.
        last = self.input_samples - 1
        left = ops.take_along_axis(waveforms, ops.clip(before, 0, last), axis=1)
        right = ops.take_along_axis(waveforms, ops.clip(before + 1, 0, last), axis=1)
        return left * (1 - part) + right * part

    def pass_through(self, waveforms):
        start = self.input_fixed - self.fixed
        return waveforms[:, start : start + self.samples]

    def get_config(self):
        config = {"samples": self.samples, "fastest": self.fastest, "fixed": self.fixed}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="soundzoo")
class Mixup(Augmentation):
    """Mixes waveforms with their neighbour in the batch, and their targets likewise.

    Takes and gives a pair: waveforms `[batch, samples]` and targets `[batch, classes]`. The first
    and second example mix with each other, the third and fourth, and so on. A mixed example keeps
    0.5 to 1 of itself.

    Args:
        share: part of the examples that are mixed, 0 to 1.
    """

    draws = 2

    def __init__(self, share: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.share = share

    def augment(self, inputs, uniform):
        mixed = uniform[:, :1] < self.share
        kept = ops.where(mixed, 0.5 + 0.5 * uniform[:, 1:], 1.0)
        neighbours = _neighbours(ops.shape(uniform)[0])
        return tuple(
            kept * batch + (1 - kept) * ops.take(batch, neighbours, axis=0) for batch in inputs
        )

    def get_config(self):
        return {**super().get_config(), "share": self.share}


@keras.saving.register_keras_serializable(package="soundzoo")
class MixupAtRatio(Mixup):
    """Mixes as `Mixup` does, at random signal-to-noise ratios, whatever the waveforms' levels.

    The neighbour is brought to the example's root mean square, and is then up to `decibels` dB
    quieter or louder. Its targets count in full as long as it is not the quieter of the two, and
    else in proportion to its amplitude; so do the example's own. Targets of both are united.
    Silence gives none to its neighbour and gets none from it.

    Args:
        share: part of the examples that are mixed, 0 to 1.
        decibels: largest ratio, either way.

    Example:

    >>> layer = MixupAtRatio(1, decibels=20)
    >>> pair = ops.array([[3.0, 3], [1, -1]]), ops.array([[1.0, 0], [0, 1]])
    >>> [mixed.numpy()[0] for mixed in layer(pair, uniform=ops.ones((2, 2)) / 2, training=True)]
    [array([3., 0.], dtype=float32), array([1., 1.], dtype=float32)]
    """

    def __init__(self, share: float, decibels: float, **kwargs: Any) -> None:
        super().__init__(share, **kwargs)
        self.decibels = decibels

    def augment(self, inputs, uniform):
        waveforms, targets = inputs
        ratio = 10 ** ((2 * uniform[:, 1:] - 1) * self.decibels / 20)
        kept = ops.where(uniform[:, :1] < self.share, ratio / (1 + ratio), 1.0)
        level = ops.sqrt(ops.mean(ops.square(waveforms), axis=1, keepdims=True))
        neighbours = _neighbours(ops.shape(uniform)[0])
        # What is hardly a sound, as a neighbour, is not made one.
        other_level = ops.take(level, neighbours, axis=0)
        other = ops.take(waveforms, neighbours, axis=0) * level / ops.maximum(other_level, FAINT)
        own_part, other_part = (ops.minimum(2 * part, 1.0) for part in (kept, 1 - kept))
        other_part *= ops.minimum(ops.minimum(level, other_level) / FAINT, 1.0)
        return (
            kept * waveforms + (1 - kept) * other,
            ops.maximum(own_part * targets, other_part * ops.take(targets, neighbours, axis=0)),
        )

    def get_config(self):
        return {**super().get_config(), "decibels": self.decibels}


def _neighbours(batch):
    """Of each example of a batch the one that it mixes with: int32 `[batch]`."""
    rows = ops.arange(batch, dtype="int32")
    return ops.minimum(rows + 1 - 2 * (rows % 2), batch - 1)


@keras.saving.register_keras_serializable(package="soundzoo")
class SpecAugment(Augmentation):
    """Hides two stretches of time and two bands of frequency in log-mel patches (Park, 2019).

    Takes `[batch, frames, mel_bins]`; what is hidden becomes the patch's mean.

    Args:
        frames: of a stretch, up to this many.
        bins: of a band, up to this many mel bins.
    """

    draws = 8

    def __init__(self, frames: int, bins: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.frames = frames
        self.bins = bins

    def augment(self, patches, uniform):
        mean = ops.mean(patches, axis=(1, 2), keepdims=True)
        masks = ((1, self.frames), (1, self.frames), (2, self.bins), (2, self.bins))
        for number, (axis, widest) in enumerate(masks):
            size = patches.shape[axis]
            width = uniform[:, 2 * number] * widest
            start = uniform[:, 2 * number + 1] * (size - width)
            place = ops.expand_dims(ops.arange(size, dtype="float32"), 0)
            hidden = (place >= start[:, None]) & (place < (start + width)[:, None])
            patches = ops.where(ops.expand_dims(hidden, 3 - axis), mean, patches)
        return patches

    def get_config(self):
        return {**super().get_config(), "frames": self.frames, "bins": self.bins}


@keras.saving.register_keras_serializable(package="soundzoo")
class RandomEqualizer(Augmentation):
    """Colours log-mel patches `[batch, frames, mel_bins]` as another microphone or room would.

    A curve of gains over the mel bins, straight lines between six random ones, the same in all
    frames (after FilterAugment of Nam et al., 2022).

    Args:
        decibels: largest gain or loss of a bin.
        offset: what the front end adds to a magnitude before its logarithm.

    Example:

    >>> layer = RandomEqualizer(20, offset=0.0)
    >>> silence = ops.zeros((1, 1, 3))  # log of 1
    >>> layer(silence, uniform=ops.ones((1, 6)), training=True).numpy().round(3)
    array([[[2.303, 2.303, 2.303]]], dtype=float32)
    """

    draws = 6

    def __init__(self, decibels: float, offset: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decibels = decibels
        self.offset = offset

    def augment(self, patches, uniform):
        bins = patches.shape[2]
        place = np.linspace(0, self.draws - 1, bins)[np.newaxis]
        # Each bin's parts of the gains around it: hat functions.
        parts = np.maximum(0, 1 - np.abs(place - np.arange(self.draws)[:, np.newaxis]))
        decibels = self.decibels * ops.matmul(2 * uniform - 1, parts.astype("float32"))
        gain = ops.expand_dims(10 ** (decibels / 20), 1)
        return ops.log((ops.exp(patches) - self.offset) * gain + self.offset)

    def get_config(self):
        return {**super().get_config(), "decibels": self.decibels, "offset": self.offset}
