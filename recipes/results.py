"""Writes docs/results.md, with figures and pictures, from what `soundzoo reproduce` found.

python recipes/results.py runs/results
"""

import argparse
import shutil
import textwrap
from pathlib import Path

from zoo import presets
from zoo.reproduce import read_results
from zoo.reproduce.report import draw, markdown

DOCS = Path(__file__).parents[1] / "docs"

HEAD = """\
# The paper's comparisons, repeated

The paper compares its networks on 70 million videos. Here are its four comparisons on what two CPU
cores and a few hours of sound allow, opensounds and ESC-10, and its networks on AudioSet's 527
classes, by what teachers hear. Absolute figures differ, since classes, clips and steps do; what can
be compared is which rows do better.

`make results` repeats all of it, and writes this page. Hours are wall time on two cores that did
other work, too.
"""

SECTIONS = {
    "architectures": (
        "The networks",
        "reproduce architectures runs/opensounds runs/results "
        "--config recipes/reproduce_architectures.yaml --seeds 3 3 3 1 3",
        """
        Inception V3 comes before ResNet-50 here; the paper has them 0.001 apart. VGG's seeds and
        ResNet-50's overlap. Twelve epochs are few, and at this budget ResNet-50's place says how
        fast it learns rather than how well: weights/resnet50_w025_opensounds_only, trained by the
        same recipe for 48 epochs, reaches an mAP of {narrow:.3f}. Inception V3 has almost three
        times its multiplies.
        """,
    ),
    "world/architectures": (
        "The networks, on AudioSet's classes",
        "reproduce architectures runs/audioset runs/results/world "
        "--config recipes/reproduce_world.yaml --seeds 3 3 1 1 1 --split world_test",
        """
        Each network begins with random weights and learns what mn04 and YAMNet hear in 600 steps of
        64 mixtures. mAP is that on world's test split over all of its classes, with labels and not
        teachers as truth. So few steps tell how fast a network learns: Inception V3 comes first, as
        above, AlexNet before VGG, and ResNet-50 in the middle, which hears the most in the presets,
        after 44,000 steps. One seed of the last three says little of an order in which intervals
        overlap.
        """,
    ),
    "labels": (
        "Size of the label set, and a bottleneck",
        "reproduce labels runs/opensounds runs/results --config recipes/reproduce.yaml --seeds 3",
        """
        All rows are scored on the few labels. Here who learns the few alone hears them better; in
        the paper all labels help a little. In as many steps, who learns the few sees each of their
        clips more often, and at this budget that weighs more than what the other labels teach; the
        paper trains for far longer. Whether that would turn the order here, too, was not tried.
        With and without the bottleneck, seeds overlap: it has more units than there are labels, and
        costs the paper most where it has far fewer.
        """,
    ),
    "data": (
        "Size of the training set",
        "reproduce data runs/opensounds runs/results --config recipes/reproduce.yaml",
        """
        More clips are better, here as there. Here every cut costs much, and there hardly any before
        the last two: the paper's smallest set, 0.03% of 70 million videos, has 23 thousand, which
        is four times the whole of ours. Nor do more units make up for few clips: ResNet-50 at the
        paper's width (`recipes/resnet50_w100_opensounds.yaml`) reaches {wide:.3f}, and at a
        quarter of it {narrow:.3f}. Hearing more of the world before does: resnet50_w025_opensounds,
        which began with the body of resnet50_w025_audioset, reaches {taught:.3f}.
        """,
    ),
    "transfer": (
        "Transfer",
        "reproduce transfer runs/esc10 runs/results "
        "--models weights/resnet50_w025_opensounds_only resnet50_w025_opensounds "
        "fully_connected_w025_audioset alexnet_w025_audioset vgg_w025_audioset "
        "inception_v3_w025_audioset resnet50_w025_audioset yamnet runs/presets/mn04 "
        "--scores runs/zero_shot/resnet50_w025_audioset runs/zero_shot/yamnet "
        "runs/zero_shot/yamnet_tflite runs/zero_shot/mn04",
        """
        Embeddings carry over, as in the paper: the same linear classifier does better on those of
        networks that never heard ESC-10 than on log-mel patches. The more a network heard of the
        world, the better: resnet50_w025_opensounds_only heard single sounds, those on AudioSet's
        classes some hours of streets and kitchens, too, and YAMNet AudioSet itself. The five that
        mn04 and YAMNet taught had steps of 64 patches: ResNet-50 44,000 after others had taught its
        body, the fully connected network 12,000, AlexNet and VGG 6,500, and Inception V3, the
        slowest to train, 2,500 by mn04 alone. Scores of the ten classes as they come, without any
        training on them (zero-shot), ask more: ResNet-50's embeddings tell the ten apart almost as
        YAMNet's do, and its scores name them less often. mn04, a teacher, is the ceiling of what it
        can teach, both by its embeddings and by its scores; it hears clips whole, here resampled
        from 16 to 32 kHz, and where it ranks a fold without a mistake there is no d'. yamnet_tflite
        is Google's own file, of another training than the preset.
        """,
    ),
}
"""Of each comparison a heading, the command, and what is known of its outcome."""


def page():
    """The text of docs/results.md, from docs/results/*.json."""
    weights = DOCS.parent / "weights"
    reached = {
        name: presets.read_metrics(folder)["mAP"]
        for name, folder in {
            "narrow": weights / "resnet50_w025_opensounds_only",
            "wide": weights / "resnet50_w100_opensounds",
            "taught": presets.find("resnet50_w025_opensounds"),
        }.items()
    }
    parts = [HEAD]
    for name, (heading, command, known) in SECTIONS.items():
        parts.append(f"## {heading}\n\n    soundzoo {command}\n")
        parts.append(markdown(read_results(DOCS / "results", name)))
        parts.append(f"![mAP of each row, here and in the paper](results/{name}.png)\n")
        words = known.format(**reached).split()
        parts.append(textwrap.fill(" ".join(words), 100, break_on_hyphens=False) + "\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, help="folder that soundzoo reproduce wrote")
    options = parser.parse_args()
    for name in SECTIONS:
        (DOCS / "results" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(options.results / f"{name}.json", DOCS / "results" / f"{name}.json")
        draw(read_results(options.results, name)).savefig(DOCS / "results" / f"{name}.png")
    (DOCS / "results.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
