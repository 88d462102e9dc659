"""How well presets hear what trained none of them: the README's table.

    python recipes/hearing.py --opensounds runs/opensounds --audioset runs/audioset \\
        --esc10 runs/esc10 --teacher runs/mn04 --teacher-preset runs/presets/mn04 \\
        --models resnet50_w025_audioset yamnet weights/resnet50_w025_opensounds_only

`--teacher` is a SavedModel, whose scores are judged, and `--teacher-preset` the same network, whose
embeddings are. Each figure is over the classes that all models with AudioSet's classes know:

* world: mean average precision on its test split, of classes with 5 clips or more;
* opensounds: mean average precision on its test split;
* agreement: mean average precision on world's test split, where what the teacher scores above 0.3
  counts as what is there;
* zero-shot: the share of ESC-10's clips whose own class scores highest of the ten;
* probe: the same by a linear classifier on frozen embeddings, over five folds, as `soundzoo
  reproduce transfer` has it;
* three a class: the same on fold 5, by a logistic regression on clips' mean embeddings that saw the
  first three clips of each class.

Intervals are 95% bootstraps over clips, and for the probe the worst and the best fold. None of the
models may have heard ESC-10.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from listen import FEWEST, listen, there
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zoo import AudioClassifier
from zoo.data import open_prepared
from zoo.evaluation import bootstrap_intervals
from zoo.evaluation.metrics import average_precision, balanced_mean, top1
from zoo.reproduce.transfer import transfer

TESTED = "5"
"""The fold of ESC-10 on which few recordings are judged, as by the notebook."""
FEW = 3
KNOWS = 500
"""Who knows as many labels has AudioSet's."""
FIGURES = {
    "mAP": lambda truth, scores: balanced_mean(average_precision(truth, scores)),
    "top1": top1,
}
"""Under the names that their intervals have."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--opensounds", type=Path, required=True, help="prepared opensounds")
    parser.add_argument("--audioset", type=Path, required=True, help="prepared, with world_test")
    parser.add_argument("--esc10", type=Path, required=True, help="prepared ESC-10, by its folds")
    parser.add_argument("--teacher", required=True, help="folder of a SavedModel")
    parser.add_argument("--teacher-preset", required=True, help="folder of it as a preset")
    parser.add_argument("--models", nargs="+", required=True, help="names or folders of presets")
    options = parser.parse_args()
    esc10 = open_prepared(options.esc10)
    world, opensounds, ten = (
        listen_all([*options.models, options.teacher], data, clips)
        for data, clips in (
            splits(options.audioset, "world_test"),
            splits(options.opensounds, "test"),
            (esc10, np.arange(len(esc10))),
        )
    )
    presets = [*options.models, options.teacher_preset]
    probes = transfer(esc10, presets)["rows"][1:]  # the first is that of log-mel patches
    print("\n| | world | opensounds | agreement | zero-shot | probe | three a class |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for model, preset, probe in zip(
        [*options.models, options.teacher], presets, probes, strict=True
    ):
        cells = [mean_precision(world, model, FEWEST), mean_precision(opensounds, model, 1)]
        cells += [agreed(world, model, options.teacher), first(ten, model)]
        cells += [cell(probe["top1"], probe["intervals"]["top1"]), few(preset, esc10)]
        print(f"| {Path(model).name} | {' | '.join(cells)} |", flush=True)


class Heard(NamedTuple):
    """What models heard in the same clips."""

    truth: dict[str, np.ndarray]
    """By label, which clips have it, bool `[clips]`."""
    scores: dict[str, dict[str, np.ndarray]]
    """By model, and then by label, `[clips]`."""

    def columns(self, model, least):
        """Truth and scores `[clips, classes]`, of classes that all know and `least` clips have."""
        known = [scores for scores in self.scores.values() if len(scores) >= KNOWS]
        names = [
            name
            for name, there in self.truth.items()
            if there.sum() >= least and all(name in scores for scores in known)
        ]
        scores = self.scores[model]
        if not all(name in scores for name in names):
            return None
        return tuple(
            np.stack([values[name] for name in names], axis=1) for values in (self.truth, scores)
        )


def splits(folder, split):
    data = open_prepared(folder)
    return data, data.select(split)


def listen_all(models, data, clips):
    """`Heard` of some clips."""
    names = [label.name for label in data.labels]
    truth = dict(zip(names, (data.targets(clips) > 0).T, strict=True))
    scores = {}
    for model in models:
        labels, of_clips = listen(model, data, clips)
        scores[model] = dict(zip(labels, of_clips.T, strict=True))
    return Heard(truth, scores)


def mean_precision(heard, model, least):
    """Mean average precision of the classes that `least` clips have."""
    return judged(heard.columns(model, least), "mAP")


def first(heard, model):
    """Share of the clips whose class scores highest."""
    return judged(heard.columns(model, 1), "top1")


def judged(columns, name):
    """A figure of truth and scores, and its interval; empty where there are none."""
    if columns is None:
        return ""
    return cell(FIGURES[name](*columns), bootstrap_intervals(*columns)[name])


def agreed(heard, model, teacher):
    """Mean average precision against what the teacher hears."""
    names = [name for name in heard.scores[model] if name in heard.scores[teacher]]
    if model == teacher or len(names) < KNOWS:
        return ""
    scores, of_teacher = (
        np.stack([heard.scores[who][name] for name in names], axis=1) for who in (model, teacher)
    )
    return judged(there(scores, of_teacher), "mAP")


def few(model, data):
    """Share of the clips of a fold that few recordings of the others teach to tell apart."""
    classifier = AudioClassifier.from_preset(model)
    clips = np.arange(len(data))
    truth = data.targets(clips).argmax(axis=1)
    tested = np.isin(clips, data.select(TESTED))
    taught = np.concatenate(
        [np.flatnonzero(~tested & (truth == label))[:FEW] for label in np.unique(truth)]
    )
    mean = {
        clip: classifier.embed(data.waveform(clip), sample_rate=data.sample_rate).mean(axis=0)
        for clip in [*taught, *np.flatnonzero(tested)]
    }
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(np.stack([mean[clip] for clip in taught]), truth[taught])
    scores = probe.predict_proba(np.stack([mean[clip] for clip in np.flatnonzero(tested)]))
    there = np.eye(scores.shape[1], dtype=bool)[truth[tested]]
    return judged((there, scores), "top1")


def cell(figure, interval):
    low, high = interval
    return f"{figure:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
