"""What `soundzoo train` tells of a run while it goes on, as a Keras callback."""

import contextlib
import math
import time

import keras
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from zoo.cli.output import JsonArray, TableWriter
from zoo.cli.progress import progress_bar


class Report(keras.callbacks.Callback):
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
        done = self.params["done"]
        self.task = self.bar.add_task("", total=None)
        self.announce(
            f"{self.model.architecture} at width {self.model.width:g}, {len(self.model.labels)} "
            f"classes: {self.params['epochs']} epochs of {self.params['steps']} steps"
            + (f", from step {done} on" if done else "")
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.bar.update(
            self.task,
            description=f"epoch {epoch + 1}",
            total=self.params["steps"],
            completed=max(0, self.params["done"] - epoch * self.params["steps"]),
        )
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        # On an accelerator the loss is looked at some steps late.
        how = {"description": f"loss {logs['loss']:.4f}"} if "loss" in logs else {}
        self.bar.update(self.task, completed=batch + 1, **how)

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        # Without a labelled clip to validate on, some figures are undefined.
        figures = {name: value if math.isfinite(value) else None for name, value in logs.items()}
        self.show({"epoch": epoch + 1, "seconds": seconds, **figures})

    def on_train_end(self, logs=None):
        if steps := self.params["refit_steps"]:
            self.announce(f"\nNow the classifier is fitted anew, to {steps} steps' mixtures.")

    def announce(self, text):
        print(f"{text}\n", flush=True)

    def show(self, figures):
        if self.table is None:
            # A bar and a table on one terminal: the bar stands below.
            names = ["Epoch", *(_COLUMNS[name][0] for name in _COLUMNS if name in figures)]
            self.table = TableWriter(**dict.fromkeys(names, -7))
        cells = [
            "-" if figures[name] is None else _COLUMNS[name][1].format(figures[name])
            for name in _COLUMNS
            if name in figures
        ]
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


class JsonReport(Report):
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
