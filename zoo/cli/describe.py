"""`soundzoo list` and `soundzoo summary`: what there is, and how large it is."""

import zoo
from zoo import presets
from zoo.cli.output import TableWriter, add_command, print_json
from zoo.complexity import PAPER_FIGURES, count_multiplies, count_weights, final_map
from zoo.networks import ARCHITECTURES
from zoo.networks.common import PAPER_CLASSES


def add_list(commands):
    parser = add_command(
        commands, "list", _list, "List the architectures and the presets.", "soundzoo list"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_summary(commands):
    parser = add_command(
        commands,
        "summary",
        _summary,
        "Count the weights and multiplies of the networks, beside the paper's figures.",
        "soundzoo summary resnet50 vgg --width 0.25",
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="architectures (default: all five)"
    )
    parser.add_argument("--width", type=float, default=1.0, help="default: 1, the paper's networks")
    parser.add_argument("--classes", type=int, default=PAPER_CLASSES, help="default: 3087")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(options):
    found = [presets.describe(name) for name in zoo.list_presets()]
    if options.json:
        print_json({"models": zoo.list_models(), "presets": found})
        return 0
    print(f"Architectures: {', '.join(zoo.list_models())}\n")
    longest = max((len(preset["name"]) for preset in found), default=0)
    table = TableWriter(Preset=longest, Labels=-1, MB=-4, mAP=-5, AUC=-5)
    for preset in found:
        figures = [preset["metrics"].get(name) for name in ("mAP", "AUC")]
        table.row(
            preset["name"],
            preset["labels"],
            f"{preset['bytes'] / 1e6:.1f}",
            *("-" if figure is None else f"{figure:.3f}" for figure in figures),
        )
    return 0


def _summary(options):
    unknown = [name for name in options.models if name not in ARCHITECTURES]
    if unknown:
        raise ValueError(
            f"There is no architecture {unknown[0]!r}; there are {', '.join(ARCHITECTURES)}."
        )
    rows = [_count(name, options) for name in options.models or PAPER_FIGURES]
    if options.json:
        print_json(rows)
        return 0
    print(f"{options.classes} classes, width {options.width:g}, one patch of 0.96 s\n")
    table = TableWriter(Network=15, Weights=-9, paper=-6, Multiplies=-10, paper_=-6, Last_map=-8)
    for row in rows:
        table.row(
            row["model"],
            f"{row['weights'] / 1e6:.2f}M",
            row["paper_weights"],
            f"{row['multiplies'] / 1e6:.1f}M",
            row["paper_multiplies"],
            " x ".join(map(str, row["final_map"] or "-")),
        )
    print(
        "\nWeights of convolutions and dense layers; the paper's figures are for 3087 classes at "
        "width 1.\nInception V3 follows the paper's text, whose printed multiplies it exceeds: see "
        "zoo.InceptionV3."
    )
    return 0


def _count(name, options):
    network = ARCHITECTURES[name](classes=options.classes, width=options.width)
    paper = PAPER_FIGURES[name]
    return {
        "model": name,
        "weights": count_weights(network),
        "paper_weights": paper.weights,
        "multiplies": count_multiplies(network),
        "paper_multiplies": paper.multiplies,
        "final_map": final_map(network),
    }
