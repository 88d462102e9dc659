"""What a classifier says of a recording, whatever runs the network."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt

from frontend.audio import is_sound_file, resampled_blocks
from frontend.config import FrontendConfig
from frontend.patches import waveform_patches
from frontend.types import Sound, SoundFile
from zoo.calibration import Calibration
from zoo.events import Event, EventFinder
from zoo.labels import Label, Prediction, check_top
from zoo.pipeline import FileResult, OpenFile, run_files, unwrapped

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
    `[patches, classes]`, and `_embed_patches`, from the same to embeddings `[patches, units]`.

    Attributes:
        calibration: a `Calibration`, which makes probabilities of scores, or None.
        calibrated: whether it is to do so, in all that the methods below give; False at first.
    """

    labels: list[Label]
    frontend: FrontendConfig
    score_patches: Any
    _embed_patches: Any
    calibration: Calibration | None = None
    calibrated: bool = False

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
        check_top(top)
        if isinstance(audio, (list, tuple)) and all(map(is_sound_file, audio)):
            # An error's traceback would keep them open, and what was read ahead.
            with contextlib.closing(self._scored(audio, hop, sample_rate=sample_rate)) as results:
                return [self.rank(unwrapped(result).mean, top) for result in results]
        result = self._heard(cast("Sound", audio), sample_rate, hop)
        return self.rank(result.mean, top)

    def rank(self, scores: npt.ArrayLike, top: int = 5) -> list[Prediction]:
        """The best of one row of scores, `[classes]`, as a list of `Prediction`, best first."""
        check_top(top)
        row = np.asarray(scores)
        if row.shape != (len(self.labels),):
            raise ValueError(
                f"A row of scores has one for each of {len(self.labels)} labels. Received an array "
                f"of shape {row.shape}."
            )
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
        result = self._heard(audio, sample_rate, hop, keep_rows=True)
        return Timeline(result.start_seconds, result.rows)

    def events(
        self,
        audio: Sound,
        threshold: float | Mapping[str, float] = 0.3,
        *,
        median: int = 1,
        merge_gap: float = 0.0,
        min_seconds: float = 0.0,
        sample_rate: float | None = None,
        hop: float | None = None,
    ) -> list[Event]:
        """Says what is heard in a recording from when to when.

        Args:
            audio: as for `classify`, and so are `sample_rate` and `hop`, which with 0.48 or less
                gives times that are finer than patches.
            threshold: an event lasts as long as a label's score is half of it or more, where it
                is reached meanwhile; or a dict of thresholds by label names, of these alone.
            median: patches, an odd number, over whose median the scores are smoothed.
            merge_gap: events of a label that are less than this apart are one, in s.
            min_seconds: what is shorter then is left out.

        Returns:
            list of `Event` (label, mid, onset and offset in s, peak and mean score), by onset.

        Raises:
            OSError, ValueError: as `classify`; or a threshold or time is out of range.

        Example:

        >>> import zoo
        >>> clf = zoo.AudioClassifier.from_preset("resnet50_w025_opensounds")
        >>> thresholds = {"Clapping": 0.5, "Wind": 0.5}
        >>> for event in clf.events("examples/medley.ogg", thresholds, hop=0.48):
        ...     print(f"{event.onset:.2f} to {event.offset:.2f} s: {event.label}")
        0.00 to 2.16 s: Wind
        4.08 to 6.00 s: Clapping
        """
        finder = EventFinder(
            self.labels,
            self.frontend.with_hop(hop),
            threshold=threshold,
            median=median,
            merge_gap=merge_gap,
            min_seconds=min_seconds,
        )
        result = self._heard(audio, sample_rate, hop, keep_rows=True)
        return finder(result.rows, result.seconds)

    def score_files(
        self,
        files: Iterable[SoundFile],
        *,
        hop: float | None = None,
        keep_rows: bool = False,
        open_file: OpenFile = contextlib.nullcontext,
        patches_before: int = 0,
    ) -> Iterator[FileResult]:
        """Scores any number of sound files, by batches of patches of many.

        Threads read ahead, a few files at a time; memory grows neither with the number of files
        nor, but for `keep_rows`, with their length. A file that cannot be heard ends nothing.

        Args:
            files: iterable of paths or binary file objects.
            hop: seconds between patches, as for `timeline`.
            keep_rows: give the scores of each patch, too.
            open_file: function of one of `files` that gives a context manager of the path or
                file object to read instead, in the thread that reads.
            patches_before: of a run that these files go on with, the sum of the results' `patches`
                so far: scores are then the whole run's to the last bit, which hangs on a patch's
                place in its batch.

        Yields:
            A `FileResult` for each file, in their order: `mean` is what `classify` ranks, `rows`
            are those of `timeline`; what it would raise is `error`, and what it would warn of
            `warnings`.

        Raises:
            ValueError: the hop is not one of this model, or the files are one file.

        Example:

        >>> import zoo
        >>> clf = zoo.AudioClassifier.from_preset("resnet50_w025_opensounds")
        >>> for result in clf.score_files(["examples/wind.ogg", "examples/lost.ogg"]):
        ...     print(result.error or clf.rank(result.mean, top=1)[0].label)
        Wind
        [Errno 2] No such file or directory: 'examples/lost.ogg'
        """
        # Not a generator, so that a wrong hop is said at once.
        return self._scored(
            _several(files),
            hop,
            keep_rows=keep_rows,
            open_file=open_file,
            patches_before=patches_before,
        )

    def embed(
        self, audio: Sound, *, sample_rate: float | None = None, hop: float | None = None
    ) -> npt.NDArray[np.float32]:
        """Embeds each patch of a recording; arguments and errors as `timeline`.

        Returns:
            float32 `[patches, units]`, the network's layer before the classifier.
        """
        (result,) = self._embedded([audio], hop, sample_rate=sample_rate)
        return unwrapped(result).rows

    def embed_files(
        self,
        files: Iterable[SoundFile],
        *,
        hop: float | None = None,
        open_file: OpenFile = contextlib.nullcontext,
        patches_before: int = 0,
    ) -> Iterator[FileResult]:
        """Embeds any number of sound files; as `score_files`, with embeddings as rows and mean."""
        return self._embedded(
            _several(files), hop, open_file=open_file, patches_before=patches_before
        )

    def _embedded(self, sounds, hop, **options):
        frontend = self.frontend.with_hop(hop)
        return run_files(sounds, frontend, self._embed_patches, keep_rows=True, **options)

    def _heard(self, audio, sample_rate, hop, keep_rows=False):
        (result,) = self._scored([audio], hop, keep_rows=keep_rows, sample_rate=sample_rate)
        return unwrapped(result)

    def _scored(self, sounds, hop, **options):
        frontend = self.frontend.with_hop(hop)
        probable = self._probable()
        results = run_files(sounds, frontend, self.score_patches, **options)
        return (self._finished(result, probable) for result in results)

    def _finished(self, result, probable):
        """The result with silence heard as such, and other scores calibrated."""
        if result.silent:
            result.mean = scores_of_silence(self.labels)
            if result.rows is not None:
                result.rows = np.tile(result.mean, (result.patches, 1))
        elif result.error is None:
            result.mean = probable(result.mean)
            if result.rows is not None:
                result.rows = probable(result.rows)
        return result

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
            are scored as silence at once: nobody knows whether a microphone stays muted. Nor does
            anybody know how long it will be: no sound is heard whole.

        Raises:
            ValueError: a block or an argument is not usable, or the blocks end without a sample.
        """
        frontend = self.frontend.with_hop(hop).in_patches()
        probable = self._probable()
        rate = frontend.sample_rate if sample_rate is None else sample_rate
        waveforms = resampled_blocks(blocks, rate, frontend.sample_rate)
        for index, patch in enumerate(waveform_patches(waveforms, frontend, batch=1)):
            (scores,) = np.asarray(self.score_patches(patch))
            start = index * frontend.patch_hop_samples / frontend.sample_rate
            yield start, probable(scores) if patch.any() else scores_of_silence(self.labels)

    def _probable(self):
        """What is done to scores that are not silence's."""
        if not self.calibrated:
            return lambda scores: scores
        if self.calibration is None:
            raise ValueError(
                "This classifier has no calibration; soundzoo evaluate --calibrate fits one."
            )
        calibration = self.calibration
        return lambda scores: calibration(scores, self.labels).astype(np.float32)


def scores_of_silence(labels: list[Label]) -> npt.NDArray[np.float32]:
    """Scores of no sound, `[classes]`: what a network makes of zeros is chance."""
    return np.array([label.name == SILENCE for label in labels], np.float32)


def _several(files):
    if is_sound_file(files):
        raise ValueError(f"files must be a list of sound files. Received one: {files!r}")
    return files
