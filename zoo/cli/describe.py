"""`soundzoo list` and `soundzoo summary`: what there is, and how large it is."""

import zoo
from zoo.architecture import PAPER_CLASSES, find_architecture
from zoo.cli.model import DEFAULT_MODEL
from zoo.cli.output import TableWriter, add_command, complain, figure, print_json


def add_list(commands):
    parser = add_command(
        commands,
        "list",
        _list,
        "List the architectures and the presets, or the labels of one.",
        "soundzoo list --presets\n  soundzoo list weights\n  soundzoo list --labels yamnet",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="DIR",
        help="folder of presets to list, those alone (default: the package's, and architectures)",
    )
    parser.add_argument(
        "--presets", action="store_true", help="the presets alone, with all that is known of them"
    )
    parser.add_argument(
        "--labels", metavar="PRESET", help="the labels that a preset knows, with AudioSet's ids"
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
    parser.add_argument("models", nargs="*", metavar="MODEL", help="architectures (default: all)")
    parser.add_argument("--width", type=float, default=1.0, help="default: 1, the paper's networks")
    parser.add_argument("--classes", type=int, help="default: the paper's 3087")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(options):
    from zoo import presets

    if options.labels:
        return _list_labels(presets.labels(options.labels), options.json)
    names = zoo.list_presets(options.folder)
    if options.folder and not names:
        raise ValueError(f"{options.folder} holds no folders of presets.")
    found, status = [], 0
    for name in names:
        try:
            found.append(presets.describe(name))
        except (ValueError, OSError) as error:
            complain(error)
            status = 2
    models = not (options.presets or options.folder)
    if options.json:
        print_json({**({"models": zoo.list_models()} if models else {}), "presets": found})
        return status
    if models:
        print(f"Architectures: {', '.join(zoo.list_models())}\n")
    columns = _COLUMNS if options.presets else ("Preset", "Labels", "MB", "mAP", "AUC", "World")
    rows = [[str(_COLUMNS[name](preset)) for name in columns] for preset in found]
    widths = {
        name: max(map(len, cells), default=0) * (1 if name in _TEXTS else -1)
        for name, *cells in zip(columns, *rows, strict=True)
    }
    table = TableWriter(**widths)
    for row in rows:
        table.row(*row)
    if models:
        print(f"\n{_FIGURES} Without --model, commands take {DEFAULT_MODEL}.")
    return status


def _list_labels(labels, as_json):
    if as_json:
        print_json([label._asdict() for label in labels])
        return 0
    table = TableWriter(Label=max(len(label.name) for label in labels), Id=1)
    for label in labels:
        table.row(label.name, label.mid or "-")
    return 0


def _figure(name):
    def cell(preset):
        return figure(preset["metrics"].get(name))

    return cell


_FIGURES = """\
mAP and AUC are those on opensounds, single sounds and instruments, over the classes of it that each
knows; World is the mAP on streets, kitchens and animals."""

_TEXTS = ("Preset", "Architecture")

# What the table says of what `presets.describe` gives.
_COLUMNS = {
    "Preset": lambda preset: preset["name"],
    "Architecture": lambda preset: preset["architecture"],
    "Width": lambda preset: f"{preset['width']:g}",
    "Labels": lambda preset: preset["labels"],
    "MB": lambda preset: f"{preset['bytes'] / 1e6:.1f}",
    "mAP": _figure("mAP"),
    "AUC": _figure("AUC"),
    "World": _figure("world_mAP"),
    "ESC-10": _figure("esc10_fold5_top1"),
}


def _summary(options):
    chosen = [find_architecture(name) for name in options.models or zoo.list_models()]
    classes = PAPER_CLASSES if options.classes is None else options.classes
    rows = [_count(architecture, classes, options.width) for architecture in chosen]
    if options.json:
        print_json(rows)
        return 0
    print(f"{classes} classes, width {options.width:g}, one patch\n")
    longest = max(len(row["model"]) for row in rows)
    table = TableWriter(
        Network=max(longest, 15), Weights=-9, paper=-6, Multiplies=-10, paper_=-6, Last_map=-8
    )
    for row in rows:
        table.row(
            row["model"],
            f"{row['weights'] / 1e6:.2f}M",
            row["paper_weights"] or "-",
            f"{row['multiplies'] / 1e6:.1f}M",
            row["paper_multiplies"] or "-",
            " x ".join(map(str, row["final_map"] or "-")),
        )
    print(
        "\nWeights of convolutions and dense layers; the paper's figures are for 3087 classes at "
        "width 1,\nand a network without them is not in the paper. Inception V3 follows the "
        "paper's text, whose\nprinted multiplies it exceeds: see zoo.InceptionV3."
    )
    return 0


def _count(architecture, classes, width):
    # Here, because the other commands start faster without Keras.
    from zoo.complexity import count_multiplies, count_weights, final_map

    network = architecture.builder(classes=classes, width=width)
    paper = architecture.paper
    return {
        "model": architecture.name,
        "weights": count_weights(network),
        "paper_weights": paper and paper.weights,
        "multiplies": count_multiplies(network),
        "paper_multiplies": paper and paper.multiplies,
        "final_map": final_map(network),
    }
