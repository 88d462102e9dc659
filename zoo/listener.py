"""What a classifier says of a recording, whatever runs the network."""

import os
from typing import NamedTuple

import numpy as np
import soxr

from frontend.audio import audio_blocks, check_sample_rate, check_waveform, resampled_blocks
from frontend.config import FrontendConfig
from frontend.patches import waveform_patches
from zoo.labels import Label, Prediction


class Timeline(NamedTuple):
    """Scores over time.

    Attributes:
        start_seconds: float64 `[patches]`, the start of each patch, in s.
        scores: float32 `[patches, classes]`.
    """

    start_seconds: np.ndarray
    scores: np.ndarray


class Listener:
    """Names what is heard in recordings and streams, given the scores of their patches.

    Subclasses have `labels`, a list of `Label`; `frontend`, a `FrontendConfig`; and
    `score_patches`, from float32 waveforms `[patches, frontend.patch_samples]` to float32 scores
    `[patches, classes]`.
    """

    labels: list[Label]
    frontend: FrontendConfig

    def classify(self, audio, top=5, *, sample_rate=None):
        """Names what is heard in a recording.

        Args:
            audio: path or binary file object of a sound file (any rate, channels and length), or
                a mono waveform, floating point `[samples]` in -1..1.
            top: how many labels.
            sample_rate: of a waveform, in Hz; by default the model's. Files know theirs.

        Returns:
            list of `Prediction`, best first; a score is the mean of the patches' scores.

        Raises:
            OSError: the file cannot be opened.
            ValueError: the sound or an argument is not usable; the message says why.
        """
        if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
            raise ValueError(f"top must be a whole number of at least 1. Received: {top!r}")
        return self.rank(self.timeline(audio, sample_rate=sample_rate).scores.mean(axis=0), top)

    def rank(self, scores, top=5):
        """The best of one row of scores, `[classes]`, as a list of `Prediction`, best first."""
        best = np.argsort(-np.asarray(scores), kind="stable")[:top]
        return [Prediction(*self.labels[index], float(scores[index])) for index in best]

    def timeline(self, audio, *, sample_rate=None):
        """Scores of each patch of 0.96 s of a recording; arguments and errors as `classify`.

        Returns:
            A `Timeline`: start of each patch in s, `[patches]`, and float32 scores
            `[patches, classes]`. A short last patch is zero-padded, or left out
            (`FrontendConfig.tail_fraction`).
        """
        scores = self._listen(self.score_patches, audio, sample_rate)
        return Timeline(np.arange(len(scores)) * self.frontend.patch_hop_seconds, scores)

    def stream(self, blocks, *, sample_rate=None):
        """Scores sound while it comes, as from a microphone or a socket, in constant memory.

        Args:
            blocks: iterable of mono waveforms, floating point `[samples]` in -1..1, of any sizes.
            sample_rate: of the blocks, in Hz; by default the model's.

        Yields:
            Start in s and float32 scores `[classes]` of each patch of 0.96 s, as soon as its sound
            has come. They are the rows of `timeline` on the whole sound.

        Raises:
            ValueError: a block is not usable, or the blocks end without a sample.
        """
        model_rate = self.frontend.sample_rate
        rate = model_rate if sample_rate is None else sample_rate
        waveforms = resampled_blocks(blocks, rate, model_rate)
        for index, patch in enumerate(waveform_patches(waveforms, self.frontend, batch=1)):
            (scores,) = np.asarray(self.score_patches(patch))
            yield index * self.frontend.patch_hop_seconds, scores

    def _listen(self, on_patches, audio, sample_rate):
        blocks = self._blocks(audio, sample_rate)
        return np.concatenate(
            [np.asarray(on_patches(patches)) for patches in waveform_patches(blocks, self.frontend)]
        )

    def _blocks(self, audio, sample_rate):
        model_rate = self.frontend.sample_rate
        if isinstance(audio, (str, os.PathLike)) or hasattr(audio, "read"):
            if sample_rate is not None:
                raise ValueError("sample_rate is for waveforms; a sound file knows its own.")
            return audio_blocks(audio, model_rate)
        waveform = check_waveform(audio)
        if sample_rate is not None:
            check_sample_rate(sample_rate)
            waveform = soxr.resample(waveform, sample_rate, model_rate)
            check_waveform(waveform, f"waveform at {model_rate} Hz")
        return [waveform]
