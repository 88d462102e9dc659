"""`soundzoo list` and `soundzoo summary`: what there is, and how large it is."""

import zoo
from zoo.cli.output import TableWriter, add_command, figure, print_json
from zoo.networks import ARCHITECTURES


def add_list(commands):
    parser = add_command(
        commands,
        "list",
        _list,
        "List the architectures and the presets.",
        "soundzoo list --presets",
    )
    parser.add_argument(
        "--presets", action="store_true", help="the presets alone, with all that is known of them"
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
    parser.add_argument("--classes", type=int, help="default: the paper's 3087")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(options):
    from zoo import presets

    found = [presets.describe(name) for name in zoo.list_presets()]
    if options.json:
        models = {} if options.presets else {"models": zoo.list_models()}
        print_json({**models, "presets": found})
        return 0
    if not options.presets:
        print(f"Architectures: {', '.join(zoo.list_models())}\n")
    names = _COLUMNS if options.presets else ("Labels", "MB", "mAP", "AUC")
    longest = max((len(preset["name"]) for preset in found), default=0)
    table = TableWriter(Preset=longest, **{name: _COLUMNS[name][0] for name in names})
    for preset in found:
        table.row(preset["name"], *(_COLUMNS[name][1](preset) for name in names))
    return 0


def _figure(name):
    def cell(preset):
        return figure(preset["metrics"].get(name))

    return cell


# What the table says of a preset: a column's width, and the cell of what `presets.describe` gives.
_COLUMNS = {
    "Architecture": (max(map(len, ARCHITECTURES)), lambda preset: preset["architecture"]),
    "Width": (-5, lambda preset: f"{preset['width']:g}"),
    "Labels": (-6, lambda preset: preset["labels"]),
    "MB": (-4, lambda preset: f"{preset['bytes'] / 1e6:.1f}"),
    "mAP": (-5, _figure("mAP")),
    "AUC": (-5, _figure("AUC")),
    "ESC-10": (-6, _figure("esc10_fold5_top1")),
}


def _summary(options):
    unknown = [name for name in options.models if name not in ARCHITECTURES]
    if unknown:
        raise ValueError(
            f"There is no architecture {unknown[0]!r}; there are {', '.join(ARCHITECTURES)}."
        )

    # Here, because the other commands start faster without Keras.
    from zoo.complexity import PAPER_FIGURES
    from zoo.networks.common import PAPER_CLASSES

    classes = PAPER_CLASSES if options.classes is None else options.classes
    rows = [_count(name, classes, options.width) for name in options.models or PAPER_FIGURES]
    if options.json:
        print_json(rows)
        return 0
    print(f"{classes} classes, width {options.width:g}, one patch of 0.96 s\n")
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


def _count(name, classes, width):
    from zoo.complexity import PAPER_FIGURES, count_multiplies, count_weights, final_map

    network = ARCHITECTURES[name](classes=classes, width=width)
    paper = PAPER_FIGURES[name]
    return {
        "model": name,
        "weights": count_weights(network),
        "paper_weights": paper.weights,
        "multiplies": count_multiplies(network),
        "paper_multiplies": paper.multiplies,
        "final_map": final_map(network),
    }
