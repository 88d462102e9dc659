"""Makes a preset of a training run: rounded weights, figures on the test recordings, model card.

    python recipes/publish.py --data ../shared/data --prepared runs/opensounds \\
        --run runs/resnet50_w025_opensounds

The figures are those of the preset as it ships, by `zoo.evaluation`. Clips have their classes and
those above them (see `opensounds.py`); figures "as labelled" count the one label that a clip came
with.
"""

import argparse
import collections
import json
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import opensounds
import yaml
from listen import FEWEST

import zoo
from zoo import presets
from zoo.complexity import count_multiplies
from zoo.data import open_prepared
from zoo.evaluation import (
    average_precision,
    bootstrap_intervals,
    evaluate,
    roc_auc,
    score_clips,
)
from zoo.files import read_lines

PRETRAINED = Path(zoo.__file__).parent / "pretrained"

SIGNIFICANT_BITS = 6
"""Of kernels, as they ship: of float16's eleven the rest would be noise to hearing, and to gzip,
and the package would not have room for all networks (ours; figures are of what ships)."""

STARTS = {
    "widened": """The network started from resnet50_w025_opensounds, whose units were copied
        (`recipes/widen.py`): what that preset learned in its own passes counts here, too. """,
    "resnet50_w025_audioset": """The network started from the body of resnet50_w025_audioset, whose
        card says what it heard; nothing of ESC-10 is in that. """,
}
"""What a card says of the preset with which a training began, by its name."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds")
    parser.add_argument("--prepared", type=Path, required=True, help="the same, prepared")
    parser.add_argument("--run", type=Path, required=True, help="folder that soundzoo train wrote")
    parser.add_argument("--output", type=Path, help="preset folder (default: in the package)")
    options = parser.parse_args()
    output = (options.output or PRETRAINED / options.run.name).resolve()

    data = open_prepared(options.prepared)
    classifier = ship(zoo.AudioClassifier.from_preset(options.run), output)
    figures = evaluate(classifier, data, "test", options.run / "evaluation")
    metrics = {
        **metrics_of(figures),
        **figures_as_labelled(options.run / "evaluation", options.data),
        "weights": classifier.network.count_params(),
        "multiplies": count_multiplies(classifier.network),
    }
    (output / presets.METRICS).write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    recipe = yaml.safe_load((options.run / "config.yaml").read_text())
    checksum = presets.read_config(output)["weights_sha256"]
    text = card(classifier, output, checksum, recipe, metrics, options.data)
    (output / presets.CARD).write_text(text)
    print({name: value for name, value in metrics.items() if not isinstance(value, (dict, list))})


def ship(classifier, output):
    """The preset that is published, of a classifier whose kernels are rounded for it."""
    for weight in classifier.network.weights:
        if len(weight.shape) > 1:
            fraction, exponent = np.frexp(weight.numpy())
            rounded = np.round(fraction * 2**SIGNIFICANT_BITS) / 2**SIGNIFICANT_BITS
            weight.assign(np.ldexp(rounded, exponent))
    classifier.save_to_preset(output, weights_dtype="float16", overwrite=True)
    return zoo.AudioClassifier.from_preset(output)


def metrics_of(figures):
    """What `evaluate` found, as the preset's `metrics.json` holds it."""
    left_out = figures["without_positives"]
    return {
        **{name: round(figures[name], 4) for name in ("mAP", "AUC", "d_prime", "lwlrap", "top1")},
        "intervals": {
            name: [round(bound, 4) for bound in bounds]
            for name, bounds in figures["intervals"].items()
        },
        "test_clips": figures["clips"],
        "test_classes": figures["classes"],
        "per_class": _per_class(
            {name: row for name, row in figures["per_class"].items() if name not in left_out}
        ),
        "without_test_clips": left_out,
    }


def _per_class(rows):
    return {
        name: {"clips": row["clips"], "AP": round(row["AP"], 4), "AUC": round(row["AUC"], 4)}
        for name, row in rows.items()
    }


def figures_as_labelled(evaluation, data):
    """mAP and AUC where each clip has the one label that it came with and no other."""
    labels = read_lines(evaluation / "labels.txt")
    clips = read_lines(evaluation / "clips.txt")
    label_of = {str(r.path.resolve().with_suffix("")): r.label for r in opensounds.opensounds(data)}
    own = np.array([labels.index(label_of[clip]) for clip in clips])
    truth = own[:, np.newaxis] == np.arange(len(labels))
    heard = truth.any(axis=0)
    scores = np.load(evaluation / "scores.npy")[:, heard]
    return {
        "mAP_as_labelled": _mean(average_precision(truth[:, heard], scores)),
        "AUC_as_labelled": _mean(roc_auc(truth[:, heard], scores)),
    }


def esc10_figures(classifier, data):
    """Top-1 among ESC-10's ten labels, on the fold that was not trained on."""
    clips = data.select(opensounds.ESC10_TEST)
    scores = np.stack(list(score_clips(classifier, data, clips)))
    heard, truth = (
        values[:, [names.index(name) for name in opensounds.ESC10_LABELS.values()]].argmax(axis=1)
        for values, names in (
            (scores, [label.name for label in classifier.labels]),
            (data.targets(clips), [label.name for label in data.labels]),
        )
    )
    right = heard == truth
    return {
        "esc10_fold5_top1": round(float(right.mean()), 4),
        "esc10_fold5_clips": len(clips),
    }


def world_figures(classifier, data):
    """Figures on world's test split, of its classes that `FEWEST` clips have or more."""
    with tempfile.TemporaryDirectory() as folder:
        found = evaluate(
            classifier,
            data,
            "world_test",
            folder,
            bootstrap=0,
            plots=False,
            ignore_unknown_labels=True,
        )
        names = read_lines(Path(folder, "labels.txt"))
        truth, scores = (np.load(Path(folder, f"{array}.npy")) for array in ("truth", "scores"))
    judged = {name: row for name, row in found["per_class"].items() if row["clips"] >= FEWEST}
    columns = [names.index(name) for name in judged]
    interval = bootstrap_intervals(truth[:, columns], scores[:, columns])["mAP"]
    return {
        "world_mAP": _mean([row["AP"] for row in judged.values()]),
        "world": {
            "interval": [round(bound, 4) for bound in interval],
            "classes": len(judged),
            "clips": found["clips"],
            "per_class": _per_class(judged),
        },
    }


def tested_classes(classifier, metrics):
    """The end of a card: figures of the classes that opensounds or world test, and other names."""
    tested = metrics["per_class"], metrics["world"]["per_class"]
    lines, untested = [], []
    for name in (label.name for label in classifier.labels):
        if any(name in collection for collection in tested):
            cells = [cell for found in tested for cell in _class_cells(found.get(name))]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        else:
            untested.append(name)
    table = "\n".join(lines)
    others = f"""
Neither opensounds' test split nor {FEWEST} clips of world's have the others, so that no figure here
says how well they are heard: {"; ".join(untested)}.
"""
    return f"""\
| label | opensounds: clips | AP | AUC | world: clips | AP | AUC |
|---|---:|---:|---:|---:|---:|---:|
{table}

{paragraph(others)}
"""


def _class_cells(row):
    return [str(row["clips"]), f"{row['AP']:.2f}", f"{row['AUC']:.2f}"] if row else [""] * 3


def card(classifier, output, checksum, recipe, metrics, data):
    """The model card of the preset in the folder `output`."""
    name = output.name
    if output.parent == PRETRAINED.resolve():
        preset, again = name, f"`recipes/{name}.yaml` has the options; "
        again += "`make presets` trains another by them"
    else:
        preset = f"{output.parent.name}/{name}"
        again = f"`make {output.parent.name}` trains another by the same options"
    start = STARTS.get(Path(recipe["init"] or "").name, "")
    clips = [r for r in opensounds.opensounds(data) if r.split == "train"]
    counts = collections.Counter(r.label for r in clips)
    sources = sorted({r.source for r in clips}, key=str.lower)
    weak = sorted(label for label, figures in metrics["per_class"].items() if figures["AP"] < 0.2)
    few = sorted(label for label, count in counts.items() if count < 20)

    def between(figure):
        low, high = metrics["intervals"][figure]
        return f"{low:.3f} to {high:.3f}"

    table = "\n".join(
        f"| {label} | {counts[label]} | {figures['clips']} | {figures['AP']:.2f} "
        f"| {figures['AUC']:.2f} |"
        for label, figures in metrics["per_class"].items()
    )
    weights, multiplies = f"{metrics['weights']:,}", f"{metrics['multiplies'] / 1e6:.1f}"
    return f"""# {name}

{
        paragraph(f'''
`{classifier.architecture}` at width {classifier.width:g} ({weights} parameters,
{multiplies} million multiplies a patch): raw 16 kHz mono sound in, scores for
{len(classifier.labels)} labels out, under AudioSet's names and ids. The SHA-256 of the weights is
`{checksum}`.
''')
    }

```python
import zoo

clf = zoo.AudioClassifier.from_preset("{preset}")
clf.classify("street.ogg")
```

## How well it hears

| test recordings | clips | figure | | 95% interval |
|---|---|---|---|---|
| opensounds, test split | {metrics["test_clips"]} | mAP | {metrics["mAP"]:.3f} | {between("mAP")} |
| | | AUC | {metrics["AUC"]:.3f} | {between("AUC")} |
| | | d' | {metrics["d_prime"]:.3f} | {between("d_prime")} |
| | | lwlrap | {metrics["lwlrap"]:.3f} | {between("lwlrap")} |
| | | top-1 of all labels | {metrics["top1"]:.3f} | {between("top1")} |
| the same, as labelled | {metrics["test_clips"]} | mAP | {metrics["mAP_as_labelled"]:.3f} | |
| | | AUC | {metrics["AUC_as_labelled"]:.3f} | |

{
        paragraph(f'''
mAP and AUC are means over {metrics["test_classes"]} classes, each counted alike; intervals are
bootstrapped over clips. Clips have their own class and those above it in AudioSet's ontology, as a
snare drum is a drum; "as labelled" counts the one label that a clip came with. The figures are
those of the weights that ship, rounded as they are, as `recipes/publish.py` measured them and wrote
them to `metrics.json`.
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
* Nothing of ESC-10, so that what it hears there says something.

{
        paragraph(f'''
{recipe["epochs"]} passes over the recordings in batches of {recipe["batch"]} random patches, by
Adam with weight decay on the sigmoid cross-entropy; random speed, gain, time shift, equalizer,
mixup and SpecAugment. A second head, which is dropped, learned what YAMNet (Apache-2.0) hears in
the same clips. {start}Neither test recordings nor figures on them were used to train, to choose
or to stop. {again}.
''')
    }

## Intended use, and limits

{
        paragraph(f'''
A {"small " if classifier.width < 1 else ""}network for trying the package, for fine-tuning and for
devices. It knows instruments and
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


def _mean(values):
    return round(float(np.mean(values)), 4)


def paragraph(text, **indent):
    return textwrap.fill(" ".join(text.split()), 100, break_on_hyphens=False, **indent)


def _item(text):
    return paragraph(text, initial_indent="* ", subsequent_indent="  ")


def _listed(names):
    return "; ".join(names) or "none"


if __name__ == "__main__":
    main()
