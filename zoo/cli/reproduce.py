"""`soundzoo reproduce`: the paper's comparisons on the data at hand."""

import contextlib
from pathlib import Path

from zoo.cli.output import add_command, print_json
from zoo.cli.progress import counting, tracking

EXPERIMENTS = {
    "architectures": "the five networks under one budget",
    "labels": "all labels or few, with and without a bottleneck",
    "data": "all training clips, and smaller parts of them",
    "transfer": "a linear classifier on embeddings and on log-mel patches",
}


def add_reproduce(commands):
    parser = add_command(
        commands,
        "reproduce",
        _reproduce,
        "Repeat one of the paper's comparisons.",
        "soundzoo reproduce data prepared/ results/ --config recipes/reproduce.yaml\n"
        "  soundzoo reproduce transfer esc10/ results/ --models runs/trained_without_esc10",
    )
    parser.add_argument(
        "experiment",
        choices=EXPERIMENTS,
        metavar="EXPERIMENT",
        help="; ".join(f"{name}: {words}" for name, words in EXPERIMENTS.items()),
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="folder that soundzoo prepare wrote; for transfer, one whose splits are folds",
    )
    parser.add_argument(
        "folder",
        metavar="OUT",
        help="folder for EXPERIMENT.json, .md and .png, and the trainings; these go on if stopped",
    )
    training = parser.add_argument_group("architectures, labels, data")
    training.add_argument(
        "--config", metavar="FILE.yaml", help="options of `soundzoo train` for all trainings"
    )
    training.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        metavar="N",
        help="trainings of each row, by seeds 0, 1...: a number, or one for each row (default: 1)",
    )
    training.add_argument("--split", help="split that the figures are of (default: test)")
    transfer = parser.add_argument_group("transfer")
    transfer.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="PRESET",
        help="whose embeddings to compare; not trained on DATA",
    )
    transfer.add_argument(
        "--scores",
        nargs="+",
        default=[],
        metavar="DIR",
        help="a model's zero-shot scores, as `soundzoo evaluate --output` writes them",
    )
    parser.add_argument("--json", action="store_true", help="print EXPERIMENT.json")


def _reproduce(options):
    if options.experiment == "transfer":
        _refuse(options, "config", "seeds", "split")
        if not options.models:
            raise ValueError("transfer compares embeddings: name presets, --models.")
    else:
        _refuse(options, "models", "scores")

    import zoo.plot  # noqa: F401, misses matplotlib now rather than after the trainings
    from zoo import reproduce
    from zoo.data import open_prepared
    from zoo.training import TrainConfig, read_config

    config = TrainConfig.from_dict(read_config(options.config) if options.config else {})
    data = open_prepared(options.data, skip_corrupt=config.skip_corrupt)
    if options.experiment == "transfer":
        with tracking() as track:
            results = reproduce.transfer(data, options.models, scores=options.scores, track=track)
    else:
        results = _train(options, config, data)
    reproduce.write_report(results, options.folder)
    if options.json:
        print_json(results)
    else:
        print(Path(options.folder, f"{options.experiment}.md").read_text(encoding="utf-8"))
    return 0


def _refuse(options, *names):
    for name in names:
        if getattr(options, name):
            raise ValueError(f"--{name} is not for {options.experiment}.")


def _train(options, config, data):
    from zoo import reproduce

    experiment = {
        "architectures": reproduce.architectures,
        "labels": reproduce.label_set,
        "data": reproduce.data_size,
    }[options.experiment](data, config)
    runs = Path(options.folder, options.experiment)
    how = {} if options.json else {"report": _report, "progress": _listening}
    return reproduce.run(
        experiment, runs, test_split=options.split or "test", seeds=options.seeds or 1, **how
    )


def _listening(steps):
    return counting(steps, "teachers' steps")


@contextlib.contextmanager
def _report(trial, seed):
    """Says what is trained, and gives the callback that shows how it goes."""
    from zoo.cli.train_report import Report

    settings = ", ".join(f"{name} {value}" for name, value in trial.settings.items())
    print(f"{settings}, seed {seed}")
    with Report() as report:
        yield [report]
    print()
