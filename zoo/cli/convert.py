"""`soundzoo convert`: other people's weights as a preset."""

from pathlib import Path

from zoo import presets
from zoo.cli.model import check_preset_place
from zoo.cli.output import add_command, print_json


def add_convert(commands):
    parser = add_command(
        commands,
        "convert",
        _convert,
        "Make a preset of weights that others released.",
        "soundzoo convert mn04_as_mAP_432.pt mn04 --labels class_labels_indices.csv",
    )
    parser.add_argument("source", metavar="SOURCE", help="their file or folder; see the README")
    parser.add_argument("output", metavar="OUT", help="folder of the preset")
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="the classes in order, one a line or AudioSet's class_labels_indices.csv (default: "
        "what the source says, or that file beside EfficientAT's and PANNs')",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the preset at OUT")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _convert(options):
    check_preset_place(options.output, options.overwrite)
    from zoo.convert import convert  # here, because the other commands start faster without it

    classifier = convert(options.source, labels=options.labels)
    presets.save(classifier, options.output, overwrite=options.overwrite)
    described = {
        "output": options.output,
        "architecture": classifier.architecture,
        "width": classifier.width,
        "labels": len(classifier.labels),
        "sample_rate": classifier.frontend.sample_rate,
        "bytes": Path(options.output, presets.WEIGHTS).stat().st_size,
        "credit": classifier.credit,
    }
    if options.json:
        print_json(described)
    else:
        print(
            "{output}: {architecture} at width {width:g}, {labels} labels, {sample_rate} Hz, "
            "{megabytes:.1f} MB\n{credit}".format(**described, megabytes=described["bytes"] / 1e6)
        )
    return 0
