"""`soundzoo train`: prepared data, or any source of labelled clips, to a trained classifier."""

import argparse
import dataclasses
import os
from importlib.util import find_spec
from pathlib import Path

from zoo.cli.found import in_a_line, tell_left_out, tell_skipped
from zoo.cli.output import add_command, complain
from zoo.cli.prepare import add_hold_out
from zoo.training import TrainConfig, read_config
from zoo.training.config import kind_of, several


def add_train(commands):
    parser = add_command(
        commands,
        "train",
        _train,
        "Train a classifier, or go on with a run that was stopped.",
        "soundzoo train sounds/ runs/mine --init yamnet --freeze --learning-rate 0.01 --batch 16\n"
        "  soundzoo train prepared/ runs/resnet50 --config recipes/resnet50_w025_opensounds.yaml\n"
        "  soundzoo classify --model runs/mine street.ogg",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="what `soundzoo prepare` wrote, or takes (it is then prepared in RUN/data)",
    )
    parser.add_argument("folder", metavar="RUN", help="folder of the run")
    add_hold_out(parser, "of DATA that is not prepared, ")
    parser.add_argument("--config", metavar="FILE.yaml", help="options; a flag comes before a key")
    parser.add_argument(
        "--tensorboard", action="store_true", help="log for TensorBoard in RUN/tensorboard"
    )
    parser.add_argument(
        "--worker-timeout",
        type=float,
        default=300,
        metavar="SECONDS",
        help="wait for the workers of TF_CONFIG (default: 300)",
    )
    parser.add_argument("--json", action="store_true", help="print each epoch's figures as JSON")
    _add_options(parser)


def _add_options(parser):
    """A flag for each field of `TrainConfig`, which is given only where it was."""
    options = parser.add_argument_group("options, also keys of --config")
    for field in dataclasses.fields(TrainConfig):
        kind, _ = kind_of(field)
        description = field.metadata["help"].replace("%", "%%")
        if field.default not in (None, ()) and kind is not bool:
            description += f" (default: {field.default})"
        how = {"type": kind, "choices": field.metadata["choices"], "metavar": None}
        if kind is bool:
            how = {"action": argparse.BooleanOptionalAction}
        elif not field.metadata["choices"]:
            how["metavar"] = {int: "N", float: "X", str: "NAME"}[kind]
        if several(field):
            how["nargs"] = "+"
        options.add_argument(
            f"--{field.name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=description,
            **how,
        )


def _train(options):
    fields = [field.name for field in dataclasses.fields(TrainConfig)]
    given = read_config(options.config) if options.config else {}
    given |= {name: getattr(options, name) for name in fields if hasattr(options, name)}
    config = TrainConfig.from_dict(given)

    # Here, because what comes before, and the other commands, need no TensorFlow.
    from zoo import presets
    from zoo.cli.train_report import JsonReport, Report
    from zoo.training import choose_strategy, train

    if config.init and "://" not in config.init:
        presets.find(config.init)  # rather than miss it after a data set was prepared
    strategy = choose_strategy(options.worker_timeout)
    report = JsonReport() if options.json else Report()
    callbacks = [report]
    if options.tensorboard:
        callbacks.append(_tensorboard(Path(options.folder, "tensorboard")))
    with report:
        data = _open(options, config, report)
        _tell(data, config, report)
        train(data, options.folder, config, strategy=strategy, callbacks=callbacks)
    if not options.json:
        print(f"Done. Try it: soundzoo classify --model {options.folder} RECORDING")
    return 0


def _open(options, config, report):
    """The prepared data that DATA names, or what is prepared of the source that it names."""
    from zoo.data import open_prepared, prepare, read_source
    from zoo.data.prepared import INDEX
    from zoo.training.start import frontend_of

    if Path(options.data, INDEX).is_file():
        if options.hold_out:
            raise ValueError(
                f"{options.data} is prepared already: pass --hold-out to soundzoo prepare."
            )
        return open_prepared(options.data, skip_corrupt=config.skip_corrupt)
    if os.environ.get("TF_CONFIG"):
        raise ValueError(
            f"{options.data} is not prepared, and with many workers it must be: run "
            f"`soundzoo prepare {options.data} OUT` first, where all workers can read OUT."
        )
    source = read_source(options.data, hold_out=options.hold_out)
    tell_left_out(source.left_out)
    folder, rate = Path(options.folder, "data"), frontend_of(config).sample_rate
    with report.preparing(len(source.clips)) as progress:
        data = prepare(source, folder, sample_rate=rate, progress=progress)
    tell_skipped(data.folder, data.index["skipped"])
    return data


def _tell(data, config, report):
    """Says what is trained on, and what of it is not."""
    from zoo.data.records import VALIDATION

    report.announce(in_a_line(data))
    asked = {config.train_split, config.validation_split or VALIDATION}
    unused = [
        f"the split {split!r}, {of['clips']} clips"
        for split, of in data.index["splits"].items()
        if split not in asked
    ]
    # Training itself says where a split is missing that was asked for.
    if unused and asked - {VALIDATION} <= set(data.splits):
        complain(f"not used in training: {'; '.join(unused)}")
    if not (config.validation_split or VALIDATION in data.splits or unused):
        complain(
            "nothing is held out, so nothing will say how well it hears; --hold-out 0.25 does so."
        )


def _tensorboard(folder):
    if find_spec("tensorboard") is None:
        raise ImportError(
            "--tensorboard needs the package tensorboard: pip install 'soundzoo[train]'"
        )
    from keras.callbacks import TensorBoard

    return TensorBoard(folder)
