"""Makes a preset of a training run: float16 weights, figures on the test recordings, model card.

    python recipes/publish.py --data ../shared/data --run runs/resnet50_w025_opensounds

The figures are those of the preset as it ships. Clip scores are means of patch scores; a class's
average precision and AUC are over all test clips of opensounds, and their means weigh all classes
that have test clips alike. d' is sqrt(2) times the normal quantile of the mean AUC, as in the
paper's tables. On ESC-10, the best of its ten labels is compared with the clip's.
"""

import argparse
import collections
import json
import textwrap
from pathlib import Path

import numpy as np
import opensounds
from scipy.special import ndtri
from sklearn.metrics import average_precision_score, roc_auc_score

import zoo
from zoo.presets import CARD, METRICS, WEIGHTS

PRETRAINED = Path(zoo.__file__).parent / "pretrained"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds and esc10")
    parser.add_argument("--run", type=Path, required=True, help="folder that train.py wrote")
    parser.add_argument("--output", type=Path, help="preset folder (default: in the package)")
    options = parser.parse_args()
    run = json.loads((options.run / "run.json").read_text())
    output = (options.output or PRETRAINED / options.run.name).resolve()

    classifier = zoo.AudioClassifier(
        run["model"], opensounds.labels(options.data), width=run["width"], name=output.name
    )
    classifier.network.load_weights(options.run / WEIGHTS)
    classifier.save_to_preset(output, weights_dtype="float16", overwrite=True)
    metrics = evaluate(zoo.AudioClassifier.from_preset(output), options.data)
    (output / METRICS).write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    (output / CARD).write_text(card(classifier, output.name, run, metrics, options.data))
    print({name: value for name, value in metrics.items() if not isinstance(value, (dict, list))})


def evaluate(classifier, data):
    """Figures on the test recordings, as `metrics.json` holds them."""
    names = [label.name for label in classifier.labels]
    clips = [r for r in opensounds.opensounds(data) if r.split == "test"]
    scores = np.array([classifier.timeline(r.path).scores.mean(axis=0) for r in clips])
    per_class = {}
    for column, name in enumerate(names):
        truth = np.array([clip.label == name for clip in clips])
        if truth.any():
            per_class[name] = {
                "clips": int(truth.sum()),
                "AP": round(float(average_precision_score(truth, scores[:, column])), 4),
                "AUC": round(float(roc_auc_score(truth, scores[:, column])), 4),
            }
    auc = np.mean([figures["AUC"] for figures in per_class.values()])

    esc10 = [r for r in opensounds.esc10(data) if r.split == "test"]
    columns = [names.index(name) for name in opensounds.ESC10_LABELS.values()]
    scores = np.array([classifier.timeline(r.path).scores.mean(axis=0)[columns] for r in esc10])
    heard = [names[columns[best]] for best in scores.argmax(axis=1)]
    return {
        "mAP": round(float(np.mean([figures["AP"] for figures in per_class.values()])), 4),
        "AUC": round(float(auc), 4),
        "d_prime": round(float(np.sqrt(2) * ndtri(auc)), 3),
        "test_clips": len(clips),
        "test_classes": len(per_class),
        "esc10_fold5_top1": round(
            float(np.mean([h == r.label for h, r in zip(heard, esc10, strict=True)])), 4
        ),
        "esc10_fold5_clips": len(esc10),
        "per_class": per_class,
        "without_test_clips": [name for name in names if name not in per_class],
    }


def card(classifier, name, run, metrics, data):
    """The model card."""
    clips = [r for r in opensounds.opensounds(data) if r.split == "train"]
    esc10 = [r for r in opensounds.esc10(data) if r.split == "train"]
    counts = collections.Counter(r.label for r in clips + esc10)
    sources = sorted({r.source for r in clips}, key=str.lower)
    weak = sorted(label for label, figures in metrics["per_class"].items() if figures["AP"] < 0.2)
    few = sorted(label for label, count in counts.items() if count < 20)
    table = "\n".join(
        f"| {label} | {counts[label]} | {figures['clips']} | {figures['AP']:.2f} "
        f"| {figures['AUC']:.2f} |"
        for label, figures in metrics["per_class"].items()
    )
    size = f"{classifier.network.count_params():,} parameters"
    return f"""# {name}

{
        _paragraph(f'''
`{run["model"]}` at width {run["width"]:g} ({size}): raw 16 kHz mono sound in, scores for
{len(classifier.labels)} labels out, under AudioSet's names and ids.
''')
    }

```python
import zoo

clf = zoo.AudioClassifier.from_preset("{name}")
clf.classify("street.ogg")
```

## How well it hears

| test recordings | clips | figure | |
|---|---|---|---|
| opensounds, test split | {metrics["test_clips"]} | mAP | {metrics["mAP"]:.3f} |
| | | AUC | {metrics["AUC"]:.3f} |
| | | d' | {metrics["d_prime"]:.2f} |
| ESC-10, fold 5 | {metrics["esc10_fold5_clips"]} | top-1 of its ten labels | \
{metrics["esc10_fold5_top1"]:.3f} |

{
        _paragraph(f'''
mAP and AUC are means over {metrics["test_classes"]} classes, each counted alike. The figures are
those of the float16 weights that ship, as `recipes/publish.py` measured them and wrote them to
`metrics.json`.
''')
    }

## What it was trained on, and how

{
        _item(f'''
The train split of opensounds ({len(clips)} clips): sounds that Debian's packages ship, cut to at
most ten seconds. Labels come from file and folder names and nobody listened to them. No source is
in both splits. The licences were read per package, not per sound: CC0, public domain, MIT, BSD,
CC BY, CC BY-SA, LGPL and GPL are among them. Sources: {_listed(sources)}.
''')
    }
{
        _item('''
Folds 1-4 of ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015;
CC BY 3.0; clips by the users of Freesound whom the data set credits), its ten categories under
AudioSet's names.
''')
    }

{
        _paragraph(f'''
{run["epochs"]} epochs of {run["steps_per_epoch"]} batches of {run["batch"]} random patches, by
AdamW on the sigmoid cross-entropy; random speed, gain, mixup and SpecAugment. Neither test
recordings nor figures on them were used to train, to choose or to stop. `recipes/train.py` is the
whole of it.
''')
    }

## Intended use, and limits

{
        _paragraph('''
A small network for trying the package, for fine-tuning and for devices. It knows instruments and
game and interface sounds better than the street: most clips are clean, single sounds, many of them
synthetic. Scores rank; they are not probabilities.
''')
    }

{_item(f"Heard poorly (average precision below 0.2 on the test split): {_listed(weak)}.")}
{_item(f"Learned from fewer than 20 clips: {_listed(few)}.")}
{_item(f"Without test clips in opensounds: {_listed(metrics['without_test_clips'])}.")}

## Classes

| label | train clips | test clips | AP | AUC |
|---|---|---|---|---|
{table}
"""


def _paragraph(text, **indent):
    return textwrap.fill(" ".join(text.split()), 100, break_on_hyphens=False, **indent)


def _item(text):
    return _paragraph(text, initial_indent="* ", subsequent_indent="  ")


def _listed(names):
    return "; ".join(names) or "none"


if __name__ == "__main__":
    main()
