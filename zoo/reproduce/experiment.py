"""Experiments: networks that are trained under conditions that differ in one thing."""

import contextlib
import csv
import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from frontend.types import StrPath
from zoo import presets
from zoo.complexity import count_multiplies, count_weights
from zoo.data import PreparedData
from zoo.data.subset import Subset
from zoo.evaluation import evaluate
from zoo.evaluation.evaluate import METRICS
from zoo.training import TrainConfig, teach, train
from zoo.training.patches import TrainingPatches
from zoo.training.run import LOG
from zoo.training.start import frontend_of
from zoo.training.taught import is_taught

FIGURES = ("mAP", "AUC", "d_prime")
"""The paper's three."""

RESAMPLES = 200
"""Of the bootstrap behind an interval."""


class Trial(NamedTuple):
    """One training of an experiment."""

    settings: dict[str, Any]  # what sets it apart from the others, as the table shows it
    config: TrainConfig
    data: PreparedData | Subset  # to train on
    test: PreparedData | Subset  # to evaluate on


def paper_row(settings: dict[str, Any], figures: Sequence[float]) -> dict[str, Any]:
    """What the paper prints for settings that go by the same names: AUC, d' and mAP."""
    return {"settings": settings, **dict(zip(("AUC", "d_prime", "mAP"), figures, strict=True))}


class Experiment(NamedTuple):
    """A comparison of the paper: what is compared, our trials, and its rows."""

    name: str
    title: str
    trials: list[Trial]
    paper: list[dict[str, Any]]  # of `paper_row`


def check_budget(config: TrainConfig) -> None:
    """Raises ValueError if the steps of a training depend on how many clips there are."""
    if config.epoch_steps is None:
        raise ValueError(
            "Trainings on more and fewer clips need one budget: name epoch_steps in the file of "
            "--config."
        )


def _quietly(trial, seed):
    return contextlib.nullcontext(())


def _silently(steps):
    return contextlib.nullcontext(lambda steps: None)


def run(
    experiment: Experiment,
    folder: StrPath,
    *,
    test_split: str = "test",
    seeds: int | Sequence[int] = 1,
    report: Callable[[Trial, int], AbstractContextManager[Iterable[Any]]] = _quietly,
    progress: Callable[[int], AbstractContextManager[Callable[[int], object]]] = _silently,
) -> dict[str, Any]:
    """Trains and evaluates an experiment's trials; one that was stopped goes on where it was.

    Args:
        experiment: an `Experiment` of trials.
        folder: each trial has a run's folder below it, `settings/seed`.
        test_split: split that the figures are of.
        seeds: how often a trial is trained, by seeds 0, 1, ...: a number, or one for each trial.
        report: function of a trial and a seed that gives a context manager of Keras callbacks.
        progress: function of the steps that teachers are to hear that gives a context manager of a
            function, which is told how many more they heard.

    Returns:
        dict, what `write_report` writes: of each trial the figures, means over seeds, and their
        intervals: the smallest and largest of several seeds, or the 95% bootstrap of one.

    Raises:
        ValueError: the folder holds trainings of other options, the data have no such split, those
            of a trial are too few to train on, or `seeds` are not as many as the trials.
        Stopped: SIGINT or SIGTERM came; the same call goes on.
    """
    trials = len(experiment.trials)
    each = np.atleast_1d(seeds).tolist()
    if len(each) not in (1, trials) or min(each) < 1:
        raise ValueError(
            f"seeds must be a number above 0, or {trials} of them, one for each row of "
            f"{experiment.name}. Received: {' '.join(map(str, each))}"
        )
    if max(each) > 1 and any(trial.config.taught for trial in experiment.trials):
        raise ValueError(
            "What `taught` holds is of one seed; leave it out, and teachers hear the mixtures of "
            "each seed once."
        )
    for trial in experiment.trials:
        # Rather than miss it after hours of training.
        trial.test.select(test_split)
        TrainingPatches(trial.data, trial.config, frontend_of(trial.config), samples=1, draws=0)
    rows = []
    for trial, trainings in zip(experiment.trials, np.resize(each, trials), strict=True):
        place = Path(folder, re.sub(r"\W+", "_", "_".join(map(str, trial.settings.values()))))
        results = []
        for seed in range(trainings):
            config = dataclasses.replace(trial.config, seed=seed)
            # Before the report, whose bar would stand beside this one's.
            config = _taught(config, trial.data, Path(folder, "taught"), progress)
            with report(trial, seed) as callbacks:
                results.append(_run(trial, place / str(seed), config, test_split, callbacks))
        rows.append({"settings": trial.settings, **_summary(results)})
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "rows": rows,
        "paper": experiment.paper,
    }


def _taught(config, data, folder, progress):
    """The configuration; its teachers have heard the mixtures, once for all trials of one data."""
    if not config.teachers or config.taught or not config.epoch_steps:
        return config
    folder = folder / f"{data.fingerprint[:16]}_{config.seed}"
    steps = config.epochs * config.epoch_steps
    if not is_taught(folder, steps):
        with progress(steps) as advance:
            teach(data, folder, config, steps=steps, progress=advance)
    return dataclasses.replace(config, taught=str(folder))


def _run(trial, folder, config, test_split, callbacks):
    classifier = train(trial.data, folder, config, callbacks=callbacks)
    weights = presets.read_config(folder / presets.RUN_PRESET)["weights_sha256"]
    metrics = _evaluated(folder / "evaluation", trial.test, test_split, weights)
    if metrics is None:
        metrics = evaluate(
            classifier,
            trial.test,
            test_split,
            folder / "evaluation",
            bootstrap=RESAMPLES,
            model=weights,
        )
    with open(folder / LOG, encoding="utf-8") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    return {
        **{name: metrics[name] for name in FIGURES},
        "intervals": {name: _defined(metrics["intervals"][name]) for name in FIGURES},
        "steps": int(classifier.optimizer.iterations),
        "hours": sum(seconds) / 3600,
        "weights": count_weights(classifier.network),
        "multiplies": count_multiplies(classifier.network),
    }


def _evaluated(folder, data, split, model):
    """The figures of an evaluation of the same weights on the same data, if there was one."""
    path = folder / METRICS
    if not path.is_file():
        return None
    metrics = json.loads(path.read_text(encoding="utf-8"))
    wanted = {
        "data_index_sha256": data.fingerprint,
        "split": split,
        "bootstrap": RESAMPLES,
        "model": model,
    }
    return metrics if wanted.items() <= metrics.items() else None


def _defined(interval):
    """An interval, or None for that of a figure that is undefined."""
    return None if None in interval else interval


def mean_and_range(
    values: Sequence[float | None],
) -> tuple[float | None, list[float] | None]:
    """Of figures, the mean and [smallest, largest]; None where one of them is undefined."""
    defined = [value for value in values if value is not None and math.isfinite(value)]
    if len(defined) < len(values):
        return None, None
    return float(np.mean(defined)), [float(min(defined)), float(max(defined))]


def _summary(results):
    """The figures of several seeds as one row."""
    first = results[0]
    several = {name: mean_and_range([result[name] for result in results]) for name in FIGURES}
    ranges = {name: of_seeds for name, (_, of_seeds) in several.items()}
    return {
        **{name: mean for name, (mean, _) in several.items()},
        "intervals": ranges if len(results) > 1 else first["intervals"],
        "seeds": len(results),
        "hours": float(np.mean([result["hours"] for result in results])),
        **{name: first[name] for name in ("steps", "weights", "multiplies")},
    }
