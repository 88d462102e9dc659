"""`soundzoo evaluate`: how well a model hears the clips of prepared data."""

import argparse
from importlib.util import find_spec
from pathlib import Path

import zoo
from zoo.calibration import METHODS
from zoo.cli.model import add_model, check_preset_place
from zoo.cli.output import TableWriter, add_command, figure, print_json
from zoo.cli.progress import tracking

_FIGURES = {
    "mAP": "mean average precision",
    "AUC": "mean AUC",
    "d_prime": "d' of the mean AUC",
    "lwlrap": "lwlrap",
    "top1": "top-1",
}

_SHOWN = 10
"""Of the names of classes that are left out."""


def add_evaluate(commands):
    parser = add_command(
        commands,
        "evaluate",
        _evaluate,
        "Measure how well a model hears the clips of prepared data.",
        "soundzoo evaluate --model runs/mine prepared/ --split test --output evaluation/",
    )
    parser.add_argument("data", metavar="DATA", help="folder that soundzoo prepare wrote")
    add_model(parser, ", or the folder of a run")
    parser.add_argument(
        "--split", help="split of the data (default: test, or validation where there is no test)"
    )
    parser.add_argument(
        "--output", metavar="DIR", required=True, help="folder for figures, scores and plots"
    )
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=1000,
        metavar="N",
        help="resamples for the 95%% intervals; 0 for none (default: 1000)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the resampling (default: 0)"
    )
    parser.add_argument(
        "--ignore-unknown-labels",
        action="store_true",
        help="leave out labels that the model does not know, and clips that have no other",
    )
    parser.add_argument(
        "--skip-corrupt", action="store_true", help="leave out clips that are damaged"
    )
    parser.add_argument(
        "--plots",
        action=argparse.BooleanOptionalAction,
        default=find_spec("matplotlib") is not None,
        help="draw plots (default: where matplotlib is installed)",
    )
    parser.add_argument(
        "--calibrate",
        choices=METHODS,
        help="fit a calibration on this split, so that scores can be read as probabilities: a "
        "sigmoid for each class, or, of many clips, a curve that grows",
    )
    parser.add_argument(
        "--preset",
        metavar="DIR",
        help="save the model with its calibration, for soundzoo classify --calibrated",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the preset at DIR")
    parser.add_argument("--per-class", action="store_true", help="print the classes, too")
    parser.add_argument("--json", action="store_true", help="print metrics.json")


def _evaluate(options):
    # Here, because commands that need neither start faster without them.
    from zoo.data import open_prepared
    from zoo.data.records import TEST, VALIDATION
    from zoo.evaluation import evaluate

    if bool(options.calibrate) != bool(options.preset):
        raise ValueError("--calibrate METHOD and --preset DIR go together; name both.")
    if options.preset:
        check_preset_place(options.preset, options.overwrite)
        if Path(options.output).resolve().is_relative_to(Path(options.preset).resolve()):
            raise ValueError(
                f"--output {options.output} lies in --preset {options.preset}, which is written as "
                "a whole; name another folder."
            )
    if Path(options.data).is_file():
        raise ValueError(
            f"{options.data} is a file, and not what soundzoo prepare writes. If it is a table of "
            f"events (file, label, onset, offset): soundzoo events FILES --reference {options.data}"
        )
    data = open_prepared(options.data, skip_corrupt=options.skip_corrupt)
    split = options.split
    if split is None:
        split = VALIDATION if VALIDATION in data.splits and TEST not in data.splits else TEST
    classifier = zoo.AudioClassifier.from_preset(options.model)
    with tracking() as track:
        metrics = evaluate(
            classifier,
            data,
            split,
            options.output,
            bootstrap=options.bootstrap,
            seed=options.seed,
            plots=options.plots,
            ignore_unknown_labels=options.ignore_unknown_labels,
            calibration=options.calibrate,
            model=options.model,
            track=track,
        )
    if options.preset:
        classifier.save_to_preset(options.preset, overwrite=options.overwrite)
    if options.json:
        print_json(metrics)
    else:
        _print(metrics, options)
    return 0


def _print(metrics, options):
    from zoo.evaluation.evaluate import FILES

    table = TableWriter(
        Figure=max(map(len, _FIGURES.values())),
        Value=-5,
        **({"95%_interval": -15} if metrics["intervals"] else {}),
    )
    for name, words in _FIGURES.items():
        low_high = metrics["intervals"].get(name)
        interval = []
        if low_high:
            interval = ["-" if None in low_high else " to ".join(map(figure, low_high))]
        table.row(words, figure(metrics[name]), *interval)
    if options.per_class:
        print()
        _print_classes(metrics["per_class"])
    clips = f"{metrics['clips']} clips of the split {metrics['split']!r}"
    print(f"\n{clips}, {metrics['classes']} classes, each counted alike.")
    for key, words in (
        ("without_positives", "Left out, because no clip has them"),
        ("without_negatives", "Left out, because every clip has them"),
        ("unknown_labels", "Labels that the model does not know"),
    ):
        if names := metrics[key]:
            more = f"; and {len(names) - _SHOWN} more, in metrics.json" if names[_SHOWN:] else ""
            shown = "; ".join(" ".join(name.split()) for name in names[:_SHOWN])
            print(f"{words}: {shown}{more}.")
    if metrics["clips_left_out"]:
        print(f"Clips left out, without a label that it knows: {metrics['clips_left_out']}.")
    if calibration := metrics["calibration"]:
        before, after = (calibration[f"error_{when}"] for when in ("before", "after"))
        print(
            f"Calibration error of {calibration['classes']} classes: {figure(before)} before, "
            f"{figure(after)} after, on clips that had no part in it: {options.preset}."
        )
    written = [name for name in FILES if Path(options.output, name).exists()]
    print(f"Wrote to {options.output}: {', '.join(written)}.")


def _print_classes(per_class):
    table = TableWriter(Class=max(map(len, per_class)), Clips=-5, AP=-5, AUC=-5, d_prime=-5)
    for name, figures in per_class.items():
        clips, *values = figures.values()
        table.row(name, clips, *map(figure, values))
