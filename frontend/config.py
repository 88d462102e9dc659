"""The constants of the log-mel front end."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

_LARGEST = 1 << 22
"""Of what is asked for, and of what it takes: minutes of sound, where the paper's patches last a
second. A configuration from elsewhere must not decide on memory."""


@dataclasses.dataclass(frozen=True)
class FrontendConfig:
    """How sound becomes log-mel patches.

    The defaults are those of Hershey et al., "CNN Architectures for Large-Scale Audio
    Classification" (ICASSP 2017), and, where the paper is silent, of the code that its authors
    released (VGGish).

    Args:
        sample_rate: samples per second, in Hz (released code).
        window_seconds: length of a short-time Fourier transform window, in s (paper: 25 ms).
        hop_seconds: distance between windows, in s (paper: 10 ms).
        fft_length: points of the Fourier transform, a power of two (released code: the next one).
        mel_bins: mel-spaced frequency bins (paper: 64).
        mel_min_hz: lower edge of the lowest bin, in Hz (released code).
        mel_max_hz: upper edge of the highest bin, in Hz (released code).
        log_offset: added to the mel magnitudes before the logarithm (released code).
        patch_frames: frames of one patch (paper: 96 frames of 10 ms).
        patch_hop_seconds: distance between patches, in s, a whole number of frames and at most a
            patch. None: patches that do not overlap (paper: 0.96 s).
        tail_fraction: smallest part of a patch's hop that a sound's remainder must fill to make a
            patch of its own, zero-padded. Ours: a patch of mere padding would count in a clip's
            mean as much as any other, and halve the scores of a clip of 1 s. (The released code
            drops all remainders.)
        power: exponent of the spectrum's magnitudes, 1 or 2 (released code: 1).
        window: "hann", the periodic one (released code), or "hann_symmetric" (EfficientAT).
        mel_scale: "htk" (released code), whose filters are triangles in mel, and are Kaldi's, too;
            or "slaney", librosa's default: triangles in Hz of equal area (PANNs).
        log: "natural" (released code), or "decibel" (PANNs): 10 times the logarithm to base 10 of
            the power, in which nothing is below `log_offset`, that is not added then.
        norm_mean: subtracted from the logarithms.
        norm_std: what they are divided by then.
        preemphasis: the share of each sample that is subtracted from the next, which takes the
            first sample away; 0 for none.
        center: a patch is padded by half a window of its own reflection at both ends, so that
            its frames stand in the middle of their windows (librosa's and PyTorch's default). Each
            patch is then heard as a sound by itself.
        whole_seconds: a sound of up to so long is one patch of its own length, in s, for networks
            that pool over time; 0 cuts all sounds into patches.

    Raises:
        ValueError: a value is of the wrong type or out of range; the message names the field.

    Example:

    >>> FrontendConfig().patch_samples
    15600
    >>> FrontendConfig(mel_bins=0)
    Traceback (most recent call last):
        ...
    ValueError: mel_bins must be a whole number of at least 1. Received: 0
    """

    sample_rate: int = 16000
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    fft_length: int = 512
    mel_bins: int = 64
    mel_min_hz: float = 125.0
    mel_max_hz: float = 7500.0
    log_offset: float = 0.01
    patch_frames: int = 96
    patch_hop_seconds: float = None  # type: ignore[assignment]  # a number as soon as it is made
    tail_fraction: float = 0.25
    power: int = 1
    window: Literal["hann", "hann_symmetric"] = "hann"
    mel_scale: Literal["htk", "slaney"] = "htk"
    log: Literal["natural", "decibel"] = "natural"
    norm_mean: float = 0.0
    norm_std: float = 1.0
    preemphasis: float = 0.0
    center: bool = False
    whole_seconds: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "patch_hop_seconds":
                # The fields that it follows from stand before it, and are checked by now.
                frames = self.patch_frames - self._frames_between
                if frames < 1:
                    raise ValueError(
                        "patch_frames must be at least 2 where frames are centred. "
                        f"Received: {self.patch_frames}"
                    )
                value = frames * self.hop_seconds
            check = _CHECKS.get(field.name) or (_whole if field.type is int else _positive)
            # Numbers of other types (numpy scalars, whole floats) become the declared type, so
            # that equal configurations are equal as JSON too.
            checked = check(field.name, value)
            if not isinstance(checked, str) and abs(checked) > _LARGEST:
                raise ValueError(f"{field.name} must be at most {_LARGEST}. Received: {value!r}")
            object.__setattr__(self, field.name, checked)
        if not 1 <= self.hop_samples <= self.window_samples:
            raise ValueError(
                "hop_seconds must span at least one sample, and window_seconds at least a hop. "
                f"Received: {self.hop_seconds} and {self.window_seconds} at {self.sample_rate} Hz"
            )
        # TFLite transforms powers of two only.
        if self.fft_length < self.window_samples or self.fft_length & (self.fft_length - 1):
            raise ValueError(
                "fft_length must be a power of two, and at least the window_seconds of "
                f"{self.window_samples} samples. Received: {self.fft_length}"
            )
        hops = self.patch_hop_seconds / self.hop_seconds
        whole = math.isclose(hops, self.patch_hop_frames, rel_tol=1e-6)  # as float32 has it
        most = self.patch_frames - self._frames_between
        if not whole or self.patch_hop_frames > most:
            raise ValueError(
                f"patch_hop_seconds must be a whole number of frames of {self.hop_seconds} s, and "
                f"at most the {most} of a patch. Received: {self.patch_hop_seconds}"
            )
        if max(self.patch_samples, self.patch_frames * self.mel_bins) > _LARGEST:
            raise ValueError(
                f"patch_frames must span at most {_LARGEST} samples, and numbers of mel bins. "
                f"Received: {self.patch_frames} frames, {self.patch_samples} samples and "
                f"{self.mel_bins} bins"
            )
        if self.fft_length * self.mel_bins > _LARGEST:
            raise ValueError(
                f"fft_length times mel_bins must be at most {_LARGEST}. "
                f"Received: {self.fft_length} and {self.mel_bins}"
            )
        if self.tail_fraction > 1:
            raise ValueError(f"tail_fraction must be at most 1. Received: {self.tail_fraction}")
        if self.center and self.patch_samples <= self.window_samples:
            raise ValueError(
                f"patch_frames must span more than the window of {self.window_seconds:g} s, whose "
                f"halves reflect a patch's ends. Received: {self.patch_frames}"
            )
        if 0 < self.whole_seconds < self.patch_seconds:
            raise ValueError(
                f"whole_seconds must be 0, or at least the {self.patch_seconds:g} s of a patch. "
                f"Received: {self.whole_seconds}"
            )
        if self.whole_samples and self.patch_samples < self.fewest_samples:
            raise ValueError(
                "patch_frames must span at least the 32 frames to which sounds are padded that are "
                f"heard whole, by whole_seconds. Received: {self.patch_frames}"
            )
        if not self.mel_min_hz < self.mel_max_hz <= self.sample_rate / 2:
            raise ValueError(
                "mel_min_hz must be below mel_max_hz, and mel_max_hz at most half the sample rate, "
                f"{self.sample_rate / 2} Hz. Received: {self.mel_min_hz} and {self.mel_max_hz}"
            )

    @property
    def window_samples(self) -> int:
        """Samples in one Fourier transform window (400)."""
        return round(self.sample_rate * self.window_seconds)

    @property
    def hop_samples(self) -> int:
        """Samples between two windows (160)."""
        return round(self.sample_rate * self.hop_seconds)

    @property
    def patch_samples(self) -> int:
        """Samples that one patch reads: its hops and the rest of its last window (15600)."""
        if self.center:
            return (self.patch_frames - self._frames_between) * self.hop_samples
        return (self.patch_frames - 1) * self.hop_samples + self.window_samples + self._dropped

    @property
    def _dropped(self) -> int:
        """Samples that pre-emphasis takes away."""
        return 1 if self.preemphasis else 0

    @property
    def _frames_between(self) -> int:
        """Frames that a centred patch has beyond its hops: that which stands on its very end."""
        return 1 if self.center and not self.preemphasis else 0

    @property
    def whole_samples(self) -> int:
        """Most samples of a sound that is one patch of its own length; 0 if there are none (0)."""
        return round(self.whole_seconds * self.sample_rate)

    @property
    def fewest_samples(self) -> int:
        """Samples to which a sound that is heard whole is padded at least: 32 frames, which five
        halvings, as networks that pool have, leave one of."""
        return 32 * self.hop_samples + self.window_samples

    @property
    def one_by_one(self) -> bool:
        """Whether each patch is transformed as a sound by itself (False)."""
        return self.center or self.whole_samples > 0

    @property
    def patch_seconds(self) -> float:
        """Length of a patch, in s (0.96)."""
        frames = self.patch_frames - self._frames_between
        return frames * self.hop_samples / self.sample_rate

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Frames and mel bins of a patch, what a network reads (96, 64)."""
        return self.patch_frames, self.mel_bins

    @property
    def input_shape(self) -> tuple[int | None, int]:
        """The patch's shape as an input, whose frames are None where sounds are heard whole."""
        return (None if self.whole_samples else self.patch_frames), self.mel_bins

    @property
    def patch_hop_frames(self) -> int:
        """Frames between the starts of two patches (96)."""
        return round(self.patch_hop_seconds / self.hop_seconds)

    @property
    def patch_hop_samples(self) -> int:
        """Samples between the starts of two patches (15360)."""
        return self.patch_hop_frames * self.hop_samples

    @property
    def overlap_samples(self) -> int:
        """Samples that a patch shares with the next: at the paper's hop, those by which its last
        window reaches over its hops (240)."""
        return self.patch_samples - self.patch_hop_samples

    @property
    def tail_samples(self) -> int:
        """Fewest samples, beyond the patches before, that make a patch of their own (3840)."""
        return max(1, round(self.patch_hop_samples * self.tail_fraction))

    def heard_seconds(self, seconds: float) -> float:
        """Length of a patch of a sound of `seconds`, in s: its own, where it is heard whole."""
        return seconds if seconds <= self.whole_seconds else self.patch_seconds

    def heard_frames(self, samples: int) -> int:
        """Frames of a patch of a sound of `samples` samples: its own, where it is heard whole."""
        if samples > self.whole_samples:
            return self.patch_frames
        heard = max(samples, self.fewest_samples) - self._dropped
        return 1 + (heard - (0 if self.center else self.window_samples)) // self.hop_samples

    def patch_starts(self, patches: int) -> npt.NDArray[np.float64]:
        """When each of a number of patches starts, in s: float64 `[patches]`."""
        return np.arange(patches) * self.patch_hop_samples / self.sample_rate

    def with_hop(self, hop: float | None) -> Self:
        """The configuration with a patch every `hop` seconds, and no sound heard whole; itself for
        None."""
        if hop is None:
            return self
        return dataclasses.replace(self, patch_hop_seconds=hop, whole_seconds=0)

    def in_patches(self, longest: int | None = None) -> Self:
        """The configuration that cuts all sounds into patches and hears none whole.

        Args:
            longest: samples of the longest sound; where sounds of its length were heard whole,
                patches are no longer than that, so that none is padded that was not.
        """
        cut = dataclasses.replace(self, whole_seconds=0)
        if longest is None or longest > self.whole_samples:
            return cut
        frames = min(self.patch_frames, self.heard_frames(longest))
        hop = min(self.patch_hop_frames, frames - self._frames_between) * self.hop_seconds
        return dataclasses.replace(cut, patch_frames=frames, patch_hop_seconds=hop)

    def num_patches(self, samples: int | npt.NDArray[np.int64]) -> Any:
        """Patches of a sound of `samples` samples, one at least; of each, for an array of them."""
        further = samples - self.overlap_samples - self.tail_samples
        patches = np.maximum(1, further // self.patch_hop_samples + 1)
        return np.where(samples <= self.whole_samples, 1, patches)[()]

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` gave; ValueError on a key that is not a field."""
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            names = ", ".join(map(repr, sorted(unknown)))
            raise ValueError(f"FrontendConfig has no field {names}.")
        return cls(**values)


def _whole(name, value):
    try:
        if isinstance(value, bool) or int(value) != value or value < 1:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        message = f"{name} must be a whole number of at least 1. Received: {value!r}"
        raise ValueError(message) from None
    return int(value)


def _positive(name, value):
    return _number(name, value, "a positive number", lambda number: 0 < number < math.inf)


def _from_0(name, value):
    return _number(name, value, "a number of at least 0", lambda number: 0 <= number < math.inf)


def _finite(name, value):
    return _number(name, value, "a finite number", math.isfinite)


def _share(name, value):
    if not _from_0(name, value) < 1:
        raise ValueError(f"{name} must be below 1. Received: {value!r}")
    return float(value)


def _number(name, value, kind, fits):
    """The value as a float, if it fits; ValueError says of what kind it must be otherwise."""
    try:
        if isinstance(value, (bool, str)) or not fits(float(value)):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be {kind}. Received: {value!r}") from None
    return float(value)


def _one_of(*choices):
    def check(name, value):
        for choice in choices:
            # By type, too: True is 1, and "hann" is no number.
            if not isinstance(value, bool | np.ndarray | list) and value == choice:
                return choice
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{name} must be {listed}. Received: {value!r}")

    return check


def _true_or_false(name, value):
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False. Received: {value!r}")
    return bool(value)


# Of fields that take other numbers than positive ones, or words.
_CHECKS = {
    "mel_min_hz": _from_0,
    "power": _one_of(1, 2),
    "window": _one_of("hann", "hann_symmetric"),
    "mel_scale": _one_of("htk", "slaney"),
    "log": _one_of("natural", "decibel"),
    "norm_mean": _finite,
    "preemphasis": _share,
    "center": _true_or_false,
    "whole_seconds": _from_0,
}
