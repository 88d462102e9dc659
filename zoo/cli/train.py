"""`soundzoo train`: prepared data, or any source of labelled clips, to a trained classifier."""

import argparse
import contextlib
import dataclasses
import os
import time
from importlib.util import find_spec
from pathlib import Path

import keras
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from zoo.cli.output import JsonArray, TableWriter, add_command, complain, warnings_in_a_line
from zoo.cli.progress import progress_bar
from zoo.training import Stopped, TrainConfig, choose_strategy, read_config, train
from zoo.training.config import kind_of


def add_train(commands):
    parser = add_command(
        commands,
        "train",
        _train,
        "Train a classifier, or go on with a run that was stopped.",
        "soundzoo train recordings/ runs/mine --init resnet50_w025_opensounds --epochs 10\n"
        "  soundzoo train prepared/ runs/resnet50 --config recipes/resnet50_w025_opensounds.yaml\n"
        "  soundzoo classify --model runs/mine street.ogg",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="what `soundzoo prepare` wrote, or takes (it is then prepared in RUN/data)",
    )
    parser.add_argument("folder", metavar="RUN", help="folder of the run")
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
        if field.default is not None and kind is not bool:
            description += f" (default: {field.default})"
        how = {"type": kind, "choices": field.metadata["choices"], "metavar": None}
        if kind is bool:
            how = {"action": argparse.BooleanOptionalAction}
        elif not field.metadata["choices"]:
            how["metavar"] = {int: "N", float: "X", str: "NAME"}[kind]
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
    strategy = choose_strategy(options.worker_timeout)
    report = _JsonReport() if options.json else _Report()
    callbacks = [report]
    if options.tensorboard:
        callbacks.append(_tensorboard(Path(options.folder, "tensorboard")))
    try:
        with report, warnings_in_a_line():
            data = _open(options, config, report)
            train(data, options.folder, config, strategy=strategy, callbacks=callbacks)
    except Stopped as stopped:
        complain(f"{stopped} The same command goes on from there.")
        return 128 + stopped.signal if stopped.signal else 0
    except FloatingPointError as error:
        complain(error)
        return 2
    if not options.json:
        print(f"Done. Try it: soundzoo classify --model {options.folder} examples")
    return 0


def _open(options, config, report):
    """The prepared data that DATA names, or what is prepared of the source that it names."""
    from zoo.data import open_prepared, prepare, read_source
    from zoo.data.prepared import INDEX

    if Path(options.data, INDEX).is_file():
        return open_prepared(options.data, skip_corrupt=config.skip_corrupt)
    if os.environ.get("TF_CONFIG"):
        raise ValueError(
            f"{options.data} is not prepared, and with many workers it must be: run "
            f"`soundzoo prepare {options.data} OUT` first, where all workers can read OUT."
        )
    source = read_source(options.data)
    with report.preparing(len(source.clips)) as progress:
        data = prepare(source, Path(options.folder, "data"), progress=progress)
    if data.skipped:
        complain(f"{len(data.skipped)} clips were skipped; {data.folder / INDEX} lists them")
    return data


class _Report(keras.callbacks.Callback):
    """Tells how training goes: a bar on a terminal, and a row of a table for each epoch."""

    def __init__(self):
        super().__init__()
        self.bar = progress_bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self.table = None

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *_):
        self.bar.stop()

    @contextlib.contextmanager
    def preparing(self, clips):
        """Shows that clips are being prepared; gives what to call with the number that are."""
        task = self.bar.add_task("preparing", total=clips)
        yield lambda done: self.bar.advance(task, done)
        self.bar.remove_task(task)

    def on_train_begin(self, logs=None):
        done = int(self.model.optimizer.iterations.numpy())
        self.task = self.bar.add_task("", total=None)
        self.announce(
            f"{self.model.architecture} at width {self.model.width:g}, {len(self.model.labels)} "
            f"classes: {self.params['epochs']} epochs of {self.params['steps']} steps"
            + (f", from step {done} on" if done else "")
        )

    def on_epoch_begin(self, epoch, logs=None):
        done = int(self.model.optimizer.iterations.numpy()) - epoch * self.params["steps"]
        self.bar.update(
            self.task,
            description=f"epoch {epoch + 1}",
            total=self.params["steps"],
            completed=done,
        )
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(self.task, completed=batch + 1, description=f"loss {logs['loss']:.4f}")

    def on_epoch_end(self, epoch, logs=None):
        self.show({"epoch": epoch + 1, "seconds": time.perf_counter() - self.started, **logs})

    def announce(self, text):
        print(f"{text}\n", flush=True)

    def show(self, figures):
        if self.table is None:
            # A bar and a table on one terminal: the bar stands below.
            names = ["Epoch", *(_COLUMNS[name][0] for name in _COLUMNS if name in figures)]
            self.table = TableWriter(**{name.replace(" ", "_"): -7 for name in names})
        cells = [_COLUMNS[name][1].format(figures[name]) for name in _COLUMNS if name in figures]
        self.table.row(figures["epoch"], *cells)


# What a row of the table shows of an epoch's figures.
_COLUMNS = {
    "loss": ("Loss", "{:.4f}"),
    "val_loss": ("Val_loss", "{:.4f}"),
    "val_accuracy": ("Accuracy", "{:.3f}"),
    "val_mAP": ("mAP", "{:.3f}"),
    "learning_rate": ("Rate", "{:.1e}"),
    "seconds": ("Seconds", "{:.0f}"),
}


class _JsonReport(_Report):
    """The same, with a JSON array of the epochs' figures in place of the table."""

    def __enter__(self):
        self.array = JsonArray().__enter__()
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.array.__exit__(*error)

    def announce(self, text):
        pass

    def show(self, figures):
        self.array.write(figures)


def _tensorboard(folder):
    if find_spec("tensorboard") is None:
        raise ValueError(
            "--tensorboard needs the package tensorboard: pip install 'soundzoo[train]'"
        )
    return keras.callbacks.TensorBoard(folder)
