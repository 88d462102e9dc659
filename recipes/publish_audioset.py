"""Makes a preset of a training on AudioSet's classes: rounded weights, figures, model card.

    python recipes/publish_audioset.py --data ../shared/data --more ../sound \\
        --opensounds runs/opensounds --audioset runs/audioset --runs runs/resnet50_w025_audioset

The figures are those of the preset as it ships, on recordings that trained nothing: the test splits
of opensounds and of world, and fold 5 of ESC-10. YAMNet's stand beside them, measured alike.
"""

import argparse
import json
import re
from pathlib import Path

import yaml
from audioset import rows_of, without_overlap
from hearing import cell
from listen import FEWEST
from publish import PRETRAINED, paragraph, ship, tested_classes
from yamnet_preset import measure

import zoo
from zoo import presets
from zoo.data import open_prepared

TEACHERS = {
    "mn04": (
        "mn04",
        "EfficientAT's mn04 (Schmid et al., ICASSP 2023; MIT), with {:g} s around the patch",
    ),
    "yamnet_teacher": ("YAMNet", "Google's YAMNet (Apache-2.0), of the patch alone"),
}
"""What they are called, and what a card says of them, by the names of their folders."""

BODIES = {"resnet50": "the body of resnet50_w025_opensounds_only"}
"""With what the first training began, by the network."""

BODY_TEACHERS = {"inception_v3": ["mn04"]}
"""Who taught a body, where others taught the classifier that was fitted to it since."""

HEARD = re.compile(r"^\| (.+) \| (.+) \| (\d+) \| (\d+\.\d\d) \|$", re.MULTILINE)
"""A row of a card on what it was trained on: licence, collections, clips and hours."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of opensounds and world")
    parser.add_argument(
        "--more", type=Path, nargs="*", default=[], help="folders of what else it learned"
    )
    parser.add_argument("--opensounds", type=Path, required=True, help="with ESC-10, prepared")
    parser.add_argument("--audioset", type=Path, required=True, help="what it learned, prepared")
    parser.add_argument(
        "--runs",
        type=Path,
        nargs="+",
        required=True,
        help="folders that soundzoo train wrote, each training from the one before",
    )
    parser.add_argument("--output", type=Path, help="preset folder (default: in the package)")
    options = parser.parse_args()
    output = (options.output or PRETRAINED / options.runs[-1].name).resolve()
    earlier = steps_before(options.runs[0])
    # Of a frozen body, only the classifier was fitted anew.
    trained = [run for run in options.runs if not read_recipe(run)["freeze"]]
    steps = [*earlier, *map(steps_of, trained)]
    # Before the preset takes the place of the one from which it began.
    heard = heard_under_licences(options.data, options.more, options.runs[0])
    classifier = ship(zoo.AudioClassifier.from_preset(options.runs[-1]), output)
    opensounds, audioset = open_prepared(options.opensounds), open_prepared(options.audioset)
    metrics = measure(classifier, opensounds, audioset) | {"steps": steps}
    yamnet = presets.read_metrics(presets.find("yamnet"))  # measured alike
    (output / presets.METRICS).write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    recipe = read_recipe(options.runs[-1])
    checksum = presets.read_config(output)["weights_sha256"]
    text = card(classifier, output, checksum, recipe, metrics, yamnet, heard)
    (output / presets.CARD).write_text(text)
    for name, figures in ((output.name, metrics), ("yamnet", yamnet)):
        print(name, figures["mAP"], figures["world_mAP"], figures["esc10_fold5_top1"])


def read_recipe(run):
    return yaml.safe_load((run / "config.yaml").read_text())


def steps_of(run):
    """Steps that a run took, whether or not it came to its end."""
    epochs = len((run / "log.csv").read_text().splitlines()) - 1
    return epochs * read_recipe(run)["epoch_steps"]


def steps_before(run):
    """Steps of each training that the preset had behind it from which a run began, if from one."""
    init = read_recipe(run).get("init")
    return presets.read_metrics(presets.find(init)).get("steps", []) if init else []


def heard_under_licences(data, more, run):
    """Of each licence, as collections state it: their names, and their training clips and hours.

    What the preset heard from which a run began is taken from its card, where a row may already
    count all that the run heard.
    """
    folders = [(folder, rows_of(folder)) for folder in (data / "opensounds", data / "world")]
    folders += [(folder, without_overlap(folder)) for folder in more]
    found: dict[str, tuple[set[str], int, float]] = {}
    for folder, rows in folders:
        for row in rows:
            if row.get("split", "train") == "train":
                licence = row.get("licence", "per package, from CC0 to GPL")
                names, clips, hours = found.get(licence, (set(), 0, 0.0))
                names = names | {row.get("dataset", folder.name)}
                found[licence] = names, clips + 1, hours + float(row["seconds"]) / 3600
    for licence, listed, clips, hours in HEARD.findall(card_before(run)):
        before = set(listed.split(", "))
        now, clips_now, hours_now = found.get(licence, (set(), 0, 0.0))
        if now <= before:  # the same recordings, unless there are none now
            found[licence] = before, int(clips), float(hours)
        elif not now & before:
            found[licence] = now | before, clips_now + int(clips), hours_now + float(hours)
        elif not before <= now:
            raise SystemExit(
                f"The preset's card counts {', '.join(sorted(now & before))} and others together; "
                "say by hand what both trainings heard."
            )
    return dict(sorted(found.items(), key=lambda item: -item[1][-1]))


def card_before(run):
    """The card of the preset from which a run began; empty if from none."""
    init = read_recipe(run).get("init")
    return Path(presets.find(init), presets.CARD).read_text() if init else ""


def card(classifier, output, checksum, recipe, metrics, yamnet, heard):
    """The model card of the preset in the folder `output`."""
    name, world = output.name, metrics["world"]
    origin = BODIES.get(classifier.architecture, "random weights")

    both = (metrics, yamnet)

    def of_opensounds(figure):
        return " | ".join(cell(each[figure], each["intervals"][figure]) for each in both)

    of_world = " | ".join(cell(each["world_mAP"], each["world"]["interval"]) for each in both)
    of_esc10 = " | ".join(f"{each['esc10_fold5_top1']:.3f}" for each in both)
    low, high = yamnet["world"]["interval"]
    if metrics["world"]["interval"][0] > high:
        standing = "ahead of `yamnet` on world, of whose collections it heard parts, and behind"
    elif metrics["world_mAP"] >= low:
        standing = "level with `yamnet` on world and behind"
    else:
        standing = "behind `yamnet` on world and"
    collected = "\n".join(
        f"| {licence} | {', '.join(sorted(names))} | {clips} | {hours:.2f} |"
        for licence, (names, clips, hours) in heard.items()
    )
    total = sum(hours for *_, hours in heard.values())
    *before, last = metrics["steps"]
    folders = [Path(folder).name for folder in recipe["teachers"]]
    of_body = BODY_TEACHERS.get(classifier.architecture) if recipe["freeze"] else None
    teachers = " and by ".join(
        TEACHERS[folder][1].format(recipe["teacher_seconds"]) for folder in of_body or folders
    )
    mixtures = recipe["refit_steps"] * recipe["batch"]
    fitted = (
        "In the end its classifier was fitted anew, by ridge regression on the body as it was, to "
        f"what {' and '.join(TEACHERS[folder][0] for folder in folders)} say of {mixtures:,} such "
        "mixtures."
    )
    earlier = f", after {sum(before):,} steps before" if before else ""
    preset = name if output.parent == PRETRAINED else f"{output.parent.name}/{name}"
    return f"""# {name}

{
        paragraph(f'''
`{classifier.architecture}` at width {classifier.width:g}
({classifier.network.count_params():,} parameters, {metrics["multiplies"] / 1e6:.1f} million
multiplies a patch): raw 16 kHz mono sound in, scores for AudioSet's {len(classifier.labels)}
classes out. The SHA-256 of the weights is `{checksum}`.
''')
    }

```python
import zoo

clf = zoo.AudioClassifier.from_preset("{preset}")
clf.classify("street.ogg")
```

## How well it hears

| test recordings | this preset | `yamnet` |
|---|---:|---:|
| opensounds, test split, classes that each knows: mAP | {of_opensounds("mAP")} |
| the same: AUC | {of_opensounds("AUC")} |
| world, test split, {world["classes"]} classes with {FEWEST} clips or more: mAP | {of_world} |
| ESC-10, fold 5, top-1 of its ten labels | {of_esc10} |

{
        paragraph(f'''
{metrics["test_clips"]} clips of opensounds ({metrics["test_classes"]} classes), {world["clips"]} of
world and 80 of ESC-10, none of which trained, chose or stopped anything. YAMNet knows
{yamnet["test_classes"]} of the first and {yamnet["world"]["classes"]} of the second. Labels come
from file names and folders. The figures are those of the weights that ship, rounded as they are, as
`recipes/publish_audioset.py` measured them.
''')
    }

## Intended use, and limits

{
        paragraph(f'''
For fine-tuning, and to go on training from. It learned from few hours: where scores are taken as
they are, it is {standing} on ESC-10, as the table says. Scores rank; they are not probabilities.
''')
    }

## What it was trained on, and how

{
        paragraph(f'''
{last:,} steps of {recipe["batch"]} random patches of {total:.1f} hours, of which some sources
were set aside to watch it by{earlier}, by Adam with weight decay; it began with {origin}. It was
taught by {teachers}. Teachers hear every augmented mixture as the student does; the labels of the
recordings raise what they say, and those of opensounds, where each clip is one sound, lower it for
others, too. {fitted} What teachers mistake elsewhere, the student learns. Recordings in which
`recipes/overlap.py` finds a piece of a test recording or of ESC-10 were left out, and so was what
bears a name or an id of ESC-50, whose other sounds were not at hand to compare. `make {name}`
trains it on, for as many steps as its recipe says.
''')
    }

| licence, as they state it | collections | training clips | hours |
|---|---|---:|---:|
{collected}

{
        paragraph('''
Where a licence is unverified, grey or not stated, the terms of single clips are not known:
collections took them from Freesound, Pixabay and elsewhere without saying more.
''')
    }

## Classes

{tested_classes(classifier, metrics)}"""


if __name__ == "__main__":
    main()
