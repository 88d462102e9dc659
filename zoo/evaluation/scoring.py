"""Scores of many clips."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from frontend import waveform_patches
from zoo.listener import scores_of_silence

if TYPE_CHECKING:
    from zoo.classifier import AudioClassifier
    from zoo.data import PreparedData


def score_clips(
    classifier: "AudioClassifier",
    data: "PreparedData",
    indices: npt.NDArray[np.int64],
    *,
    batch: int = 128,
) -> Iterator[npt.NDArray[np.float32]]:
    """Scores clips, patches of many clips at a time.

    Args:
        classifier: an `AudioClassifier`.
        data: `zoo.data.PreparedData`.
        indices: of the clips.
        batch: patches at a time.

    Yields:
        float32 `[classes]`, the mean of the patches' scores, clip after clip; of a clip of zeros,
        the scores of silence, as `classify` has them.

    Raises:
        ValueError: the sample rates differ, or scores of a clip are not finite; the message says
            which.
    """
    data.check_heard_at(classifier.frontend.sample_rate)
    patch_scores: list[npt.NDArray[np.float32]] = []
    current = 0
    for patches in _batches(classifier, data, indices, batch):
        positions, waveforms = zip(*patches, strict=True)
        for position, row in zip(
            positions, classifier.score_patches(np.stack(waveforms)).numpy(), strict=True
        ):
            if position != current:
                yield _mean(patch_scores, classifier, data, indices[current])
                patch_scores, current = [], position
            patch_scores.append(row)
    if patch_scores:
        yield _mean(patch_scores, classifier, data, indices[current])


def _batches(classifier, data, indices, batch):
    """Lists of (position in `indices`, waveform of a patch), `batch` long but for the last."""
    if classifier.frontend.whole_samples:
        batch = 1  # each patch is as long as its clip
    patches = []
    for position, index in enumerate(indices):
        for block in waveform_patches([data.waveform(index)], classifier.frontend):
            for patch in block:
                patches.append((position, patch))
                if len(patches) == batch:
                    yield patches
                    patches = []
    if patches:
        yield patches


def _mean(patch_scores, classifier, data, index):
    if not data.power[index]:
        return scores_of_silence(classifier.labels)
    scores = np.mean(patch_scores, axis=0)
    if not np.isfinite(scores).all():
        raise ValueError(
            f"The model's scores of the clip {data.clip_id(index)!r} are not finite: its weights "
            "are damaged, or its training went astray."
        )
    return scores
