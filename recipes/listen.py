"""What a preset or a teacher hears in prepared clips, and how well it agrees with another.

    python recipes/listen.py --model runs/mn04 --prepared runs/esc10 --output runs/zero_shot/mn04
    python recipes/listen.py --model runs/resnet50_w025_audioset --prepared runs/audioset \\
        --split world_test --output runs/heard/resnet50 --truth runs/heard/mn04

Scores of clips are written as `soundzoo reproduce transfer --scores` takes them, which tells how
well classes are heard without training (zero-shot). `--truth` names scores of the same clips, of
which those above 0.3 count as what is there: the figure is the mean average precision of the
classes that are there in five clips or more.
"""

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo import AudioClassifier
from zoo.data import open_prepared
from zoo.evaluation.metrics import average_precision, balanced_mean
from zoo.evaluation.scoring import score_clips
from zoo.files import write_lines

THERE = 0.3
"""A teacher's score from which on a class counts as heard."""
FEWEST = 5
"""Clips of a class that is judged."""


def listen(model, data, clips):
    """Labels' names, and scores float32 `[clips, classes]`, of a preset or a SavedModel."""
    if not Path(model, "saved_model.pb").is_file():
        classifier = AudioClassifier.from_preset(model)
        scores = list(score_clips(classifier, data, clips))
        return [label.name for label in classifier.labels], np.stack(scores)
    loaded = tf.saved_model.load(str(model))
    score = loaded.signatures["serving_default"]
    text = Path(model, "assets", "labels.txt").read_text(encoding="utf-8")
    waveforms = (data.waveform(clip)[np.newaxis] for clip in clips)
    scores = [score(waveform=tf.constant(w))["scores"][0].numpy() for w in waveforms]
    return text.splitlines(), np.stack(scores)


def there(scores, truth):
    """What another hears, bool, and scores, `[clips, classes]` of the classes that are judged."""
    found = truth > THERE
    judged = found.sum(axis=0) >= FEWEST
    return found[:, judged], scores[:, judged]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="preset, or folder of a SavedModel")
    parser.add_argument("--prepared", type=Path, required=True, help="folder of prepared data")
    parser.add_argument("--split", help="of the clips (default: all)")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--truth", type=Path, help="folder of another's scores to compare with")
    options = parser.parse_args()
    data = open_prepared(options.prepared)
    clips = data.select(options.split) if options.split else np.arange(len(data))
    labels, scores = listen(options.model, data, clips)
    options.output.mkdir(parents=True, exist_ok=True)
    np.save(options.output / "scores.npy", scores)
    write_lines(options.output / "clips.txt", map(data.clip_id, clips))
    write_lines(options.output / "labels.txt", labels)
    if options.truth:
        names = (options.truth / "labels.txt").read_text(encoding="utf-8").splitlines()
        shared = [name for name in labels if name in names]
        truth = np.load(options.truth / "scores.npy")[:, [names.index(name) for name in shared]]
        found, heard = there(scores[:, [labels.index(name) for name in shared]], truth)
        mean = balanced_mean(average_precision(found, heard))
        print(f"mAP {mean:.3f} over {found.shape[1]} classes that {options.truth} hears.")


if __name__ == "__main__":
    main()
