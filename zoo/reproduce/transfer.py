"""The paper's comparison of log-mel patches and embeddings as features of a shallow classifier."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from frontend import FrontendConfig, LogMelSpectrogram
from frontend.types import StrPath, Track
from zoo.classifier import AudioClassifier
from zoo.data import PreparedData
from zoo.evaluation.metrics import average_precision, balanced_mean, d_prime, roc_auc, top1
from zoo.evaluation.saved_scores import read_scores
from zoo.reproduce.experiment import mean_and_range, paper_row

EPOCHS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 100, 128, 1e-3, 1e-2
"""How the linear classifier is trained, by Adam (ours)."""

PAPER = [
    paper_row({"features": "log-mel"}, (0.904, 1.846, 0.137)),
    paper_row({"features": "the paper's ResNet-50"}, (0.959, 2.452, 0.314)),
]
"""A shallow classifier on AudioSet's classes: Hershey et al., table 5."""


def transfer(
    data: PreparedData,
    models: Sequence[StrPath],
    *,
    scores: Sequence[StrPath] = (),
    track: Track = lambda items, *_: items,
) -> dict[str, Any]:
    """A linear classifier on frozen features, cross-validated over the splits of the data.

    Each split is tested once by a classifier that was trained on the patches of all others. A
    clip's scores are the mean of its patches' scores.

    Args:
        data: `PreparedData` whose splits are folds, as `soundzoo prepare` makes of ESC-10.
        models: names or folders of presets whose embeddings are the features, beside log-mel
            patches; those that hear another rate get the clips resampled. They must not have been
            trained on the clips at hand.
        scores: folders of scores of all clips, as `soundzoo evaluate` writes them, of a model that
            is not trained on the folds at all: its scores of the data's labels are taken as they
            are.
        track: function of an iterable, its length and a word on it, that gives the same items.

    Returns:
        dict, what `write_report` writes: figures are means over folds, intervals their smallest and
        largest.

    Raises:
        ValueError: there is one split only, two models have one name, the data are not at 16 kHz,
            as log-mel patches want, or a folder holds no scores of a clip or a label.
    """
    if len(data.splits) < 2:
        raise ValueError(
            f"{data.folder} has the split {data.splits[0]!r} alone; its splits must be folds."
        )
    names = ["log-mel", *(Path(model).name for model in models)]
    zero_shot = [f"{Path(folder).name}, zero-shot" for folder in scores]
    if len(set(names)) < len(names):
        raise ValueError(f"Models must have different names. Received: {', '.join(names[1:])}")
    if len(set(zero_shot)) < len(zero_shot):
        raise ValueError(
            f"Folders of scores must have different names. Received: {', '.join(map(str, scores))}"
        )
    clips = np.sort(np.concatenate([data.select(split) for split in data.splits]))
    folds = [np.isin(clips, data.select(split)) for split in data.splits]
    truth = data.targets(clips) > 0
    rows = [
        _row(name, truth, _cross_validated(features, truth, folds, track, name), folds)
        for name, features in zip(names, _features(data, clips, models, track), strict=True)
    ]
    rows += [
        _row(name, truth, read_scores(folder, data, clips), folds)
        for name, folder in zip(zero_shot, scores, strict=True)
    ]
    return {
        "experiment": "transfer",
        "title": f"A linear classifier of {len(data.labels)} classes on frozen features",
        "rows": rows,
        "paper": PAPER,
    }


def _features(data, clips, models, track):
    """Of each kind the features of each clip, a list of float32 `[patches, units]`."""
    frontend = FrontendConfig()
    log_mel = LogMelSpectrogram(frontend)
    classifiers = [AudioClassifier.from_preset(model) for model in models]
    data.check_heard_at(frontend.sample_rate)

    def flat_patches(waveform):
        return np.reshape(log_mel(waveform[np.newaxis]), (-1, math.prod(frontend.patch_shape)))

    yield [flat_patches(data.waveform(clip)) for clip in track(clips, len(clips), "log-mel")]
    for model, classifier in zip(models, classifiers, strict=True):
        yield [
            classifier.embed(data.waveform(clip), sample_rate=data.sample_rate)
            for clip in track(clips, len(clips), Path(model).name)
        ]


def _cross_validated(features, truth, folds, track, name):
    """Scores `[clips, classes]`, of each clip by the classifier that was not trained on it."""
    scores = np.zeros(truth.shape, np.float32)
    counts = np.array([len(patches) for patches in features])
    patches = np.concatenate(features)
    clip_of = np.repeat(np.arange(len(features)), counts)
    for fold in track(folds, len(folds), f"{name}: folds"):
        training = ~fold[clip_of]
        mean, deviation = patches[training].mean(axis=0), patches[training].std(axis=0)
        standard = (patches - mean) / np.maximum(deviation, 1e-6)
        classifier = _fit(standard[training], truth[clip_of[training]])
        tested = classifier.predict(standard[~training], verbose=0)
        sums = np.zeros_like(scores)
        np.add.at(sums, clip_of[~training], tested)
        scores[fold] = sums[fold] / counts[fold, np.newaxis]
    return scores


def _fit(patches, targets):
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential([keras.layers.Dense(targets.shape[1], activation="sigmoid")])
    optimizer = keras.optimizers.Adam(LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    classifier.compile(optimizer, "binary_crossentropy", jit_compile=False)
    classifier.fit(patches, targets.astype("float32"), batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return classifier


def _row(name, truth, scores, folds):
    of_folds = [_figures(truth[fold], scores[fold]) for fold in folds]
    several = {
        figure: mean_and_range([fold[figure] for fold in of_folds]) for figure in of_folds[0]
    }
    return {
        "settings": {"features": name},
        **{figure: mean for figure, (mean, _) in several.items()},
        "intervals": {figure: of_all for figure, (_, of_all) in several.items()},
    }


def _figures(truth, scores):
    area = balanced_mean(roc_auc(truth, scores))
    return {
        "mAP": float(balanced_mean(average_precision(truth, scores))),
        "AUC": float(area),
        "d_prime": float(d_prime(area)),
        "top1": float(top1(truth, scores)),
    }
