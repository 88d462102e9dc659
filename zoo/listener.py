"""What a classifier says of a recording, whatever runs the network."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt

from frontend.audio import is_sound_file, resampled_blocks, sound_blocks
from frontend.config import FrontendConfig
from frontend.patches import waveform_patches
from frontend.types import Sound
from zoo.labels import Label, Prediction

Files: TypeAlias = list[str] | list[Path]

SILENCE = "Silence"
"""AudioSet's class of no sound: it alone has a score where all samples are 0."""


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
    score_patches: Any

    @overload
    def classify(
        self,
        audio: Files,
        top: int = 5,
        *,
        sample_rate: None = None,
        hop: float | None = None,
    ) -> list[list[Prediction]]: ...

    @overload
    def classify(
        self,
        audio: Sound,
        top: int = 5,
        *,
        sample_rate: float | None = None,
        hop: float | None = None,
    ) -> list[Prediction]: ...

    def classify(
        self,
        audio: Files | Sound,
        top: int = 5,
        *,
        sample_rate: float | None = None,
        hop: float | None = None,
    ) -> list[list[Prediction]] | list[Prediction]:
        """Names what is heard in a recording, or in each of several.

        Args:
            audio: path or binary file object of a sound file (any rate, channels and length), or
                a mono waveform, floating point `[samples]` or `[samples, 1]` in -1..1; or a list of
                sound files.
            top: how many labels.
            sample_rate: of a waveform, in Hz; by default the model's. Files know theirs.
            hop: seconds between patches, a whole number of frames; by default the front end's.

        Returns:
            list of `Prediction`, best first; a score is the mean of the patches' scores. For a
            list of sound files, such a list for each. Of silence, where all samples are 0, the
            label "Silence", if there is one, scores 1, and all others 0.

        Raises:
            OSError: the file cannot be opened.
            ValueError: the sound or an argument is not usable; the message says why.
        """
        if isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1:
            raise ValueError(f"top must be a whole number of at least 1. Received: {top!r}")
        if isinstance(audio, (list, tuple)) and audio and all(map(is_sound_file, audio)):
            return [self.classify(file, top, sample_rate=sample_rate, hop=hop) for file in audio]
        heard = self.timeline(cast("Sound", audio), sample_rate=sample_rate, hop=hop)
        return self.rank(heard.scores.mean(axis=0), top)

    def rank(self, scores: npt.ArrayLike, top: int = 5) -> list[Prediction]:
        """The best of one row of scores, `[classes]`, as a list of `Prediction`, best first."""
        row = np.asarray(scores)
        best = np.argsort(-row, kind="stable")[:top]
        named = [(self.labels[index], float(row[index])) for index in best]
        return [Prediction(label.name, label.mid, score) for label, score in named]

    def timeline(
        self, audio: Sound, *, sample_rate: float | None = None, hop: float | None = None
    ) -> Timeline:
        """Scores of each patch of a recording; arguments and errors as `classify`.

        Returns:
            A `Timeline`: start of each patch in s, `[patches]`, and float32 scores
            `[patches, classes]`. A short last patch is zero-padded, or left out
            (`FrontendConfig.tail_fraction`).
        """
        heard, silent = [], True
        for patches in self._patches(audio, sample_rate, hop):
            heard.append(np.asarray(self.score_patches(patches)))
            silent = silent and not patches.any()
        scores = np.concatenate(heard)
        if silent:
            scores = np.broadcast_to(self._silence(), scores.shape).copy()
        return Timeline(self.frontend.with_hop(hop).patch_starts(len(scores)), scores)

    def stream(
        self,
        blocks: Iterable[npt.ArrayLike],
        *,
        sample_rate: float | None = None,
        hop: float | None = None,
    ) -> Iterator[tuple[float, npt.NDArray[np.float32]]]:
        """Scores sound while it comes, as from a microphone or a socket, in constant memory.

        Args:
            blocks: iterable of mono waveforms, floating point `[samples]` or `[samples, 1]` in
                -1..1, of any sizes.
            sample_rate: of the blocks, in Hz; by default the model's.
            hop: seconds between patches, as for `timeline`.

        Yields:
            Start in s and float32 scores `[classes]` of each patch, as soon as its sound has come.
            They are the rows of `timeline` on the whole sound, but for patches of zeros, which
            are scored as silence at once: nobody knows whether a microphone stays muted.

        Raises:
            ValueError: a block or an argument is not usable, or the blocks end without a sample.
        """
        frontend = self.frontend.with_hop(hop)
        rate = frontend.sample_rate if sample_rate is None else sample_rate
        waveforms = resampled_blocks(blocks, rate, frontend.sample_rate)
        for index, patch in enumerate(waveform_patches(waveforms, frontend, batch=1)):
            (scores,) = np.asarray(self.score_patches(patch))
            start = index * frontend.patch_hop_samples / frontend.sample_rate
            yield start, scores if patch.any() else self._silence()

    def _silence(self):
        """Scores of no sound, `[classes]`: what a network makes of zeros is chance."""
        return np.array([label.name == SILENCE for label in self.labels], np.float32)

    def _patches(self, audio, sample_rate, hop):
        """Batches of waveforms of patches, `[patches, samples]`."""
        frontend = self.frontend.with_hop(hop)
        blocks = sound_blocks(audio, frontend.sample_rate, waveform_rate=sample_rate)
        return waveform_patches(blocks, frontend)
