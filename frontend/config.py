"""The constants of the log-mel front end."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt


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

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is None and field.name == "patch_hop_seconds":
                # The fields that it follows from stand before it, and are checked by now.
                value = self.patch_frames * self.hop_seconds
            check = _whole if field.type is int else _positive
            # Numbers of other types (numpy scalars, whole floats) become the declared type, so
            # that equal configurations are equal as JSON too.
            object.__setattr__(self, field.name, check(field.name, value))
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
        whole = math.isclose(self.patch_hop_seconds / self.hop_seconds, self.patch_hop_frames)
        if not whole or self.patch_hop_frames > self.patch_frames:
            raise ValueError(
                f"patch_hop_seconds must be a whole number of frames of {self.hop_seconds} s, and "
                f"at most the {self.patch_frames} of a patch. Received: {self.patch_hop_seconds}"
            )
        if self.tail_fraction > 1:
            raise ValueError(f"tail_fraction must be at most 1. Received: {self.tail_fraction}")
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
        return (self.patch_frames - 1) * self.hop_samples + self.window_samples

    @property
    def patch_seconds(self) -> float:
        """Length of a patch, in s (0.96)."""
        return self.patch_frames * self.hop_samples / self.sample_rate

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Frames and mel bins of a patch, what a network reads (96, 64)."""
        return self.patch_frames, self.mel_bins

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

    def patch_starts(self, patches: int) -> npt.NDArray[np.float64]:
        """When each of a number of patches starts, in s: float64 `[patches]`."""
        return np.arange(patches) * self.patch_hop_samples / self.sample_rate

    def with_hop(self, hop: float | None) -> Self:
        """The configuration with a patch every `hop` seconds; itself for None."""
        return self if hop is None else dataclasses.replace(self, patch_hop_seconds=hop)

    def num_patches(self, samples: int | npt.NDArray[np.int64]) -> Any:
        """Patches of a sound of `samples` samples, one at least; of each, for an array of them."""
        further = samples - self.overlap_samples - self.tail_samples
        return np.maximum(1, further // self.patch_hop_samples + 1)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as plain JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` gave; ValueError on a key that is not a field."""
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ValueError(f"FrontendConfig has no field {', '.join(sorted(unknown))}.")
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
    try:
        if isinstance(value, (bool, str)) or not 0 < float(value) < math.inf:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a positive number. Received: {value!r}") from None
    return float(value)
