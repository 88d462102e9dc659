"""The paper's comparison of label sets, with and without a bottleneck."""

import dataclasses

import numpy as np

from zoo.data import PreparedData
from zoo.data.subset import Subset
from zoo.reproduce.experiment import Experiment, Trial, check_budget, paper_row
from zoo.training import TrainConfig

FEW = 30
"""Labels of the small set (ours): about a third of opensounds' 92, as the paper's 400 are a part of
its 3K."""
BOTTLENECK = 128
"""Units of the paper's bottleneck."""

PAPER = {
    ("no", "all"): (0.930, 2.087, 0.381),
    ("no", "few"): (0.928, 2.067, 0.376),
    ("yes", "many more"): (0.925, 2.035, 0.369),
    ("yes", "all"): (0.919, 1.982, 0.347),
    ("yes", "few"): (0.924, 2.026, 0.365),
}
"""AUC, d' and mAP on 400 labels: Hershey et al., table 3. All are its 3K, few its 400 and many more
its 30K labels."""


def label_set(data: PreparedData, config: TrainConfig) -> Experiment:
    """A network trained on all labels and on a few of them, scored on the few.

    The few are those with the most clips to train on. Who is trained on them sees only their clips.

    Args:
        data: `PreparedData` with the splits train and test.
        config: a `TrainConfig` with `epoch_steps`, for the same budget on more and on fewer clips.

    Returns:
        `Experiment`, which `run` trains.

    Raises:
        ValueError: the data have too few labels, `epoch_steps` is not set, or `init` is: a trained
            body has a bottleneck or none.
    """
    check_budget(config)
    if config.init is not None:
        raise ValueError(
            "labels trains with and without a bottleneck, from random weights: leave init out. "
            f"Received: {config.init!r}"
        )
    if len(data.labels) <= FEW:
        raise ValueError(
            f"To compare with {FEW} labels, the data must have more. Received {len(data.labels)}."
        )
    clips = data.targets(data.select(config.train_split)).sum(axis=0)
    most = np.argsort(-clips, kind="stable")[:FEW]
    few = Subset(data, labels=[data.labels[label].name for label in sorted(most)])
    trials = [
        Trial(
            {"bottleneck": words, "labels": labels},
            dataclasses.replace(config, bottleneck=units),
            of,
            few,
        )
        for words, units in (("no", None), ("yes", BOTTLENECK))
        for labels, of in (("all", data), ("few", few))
    ]
    title = f"{len(data.labels)} labels or {len(few.labels)}, with and without a bottleneck"
    settings = ("bottleneck", "labels")
    paper = [
        paper_row(dict(zip(settings, key, strict=True)), figures) for key, figures in PAPER.items()
    ]
    return Experiment("labels", title, trials, paper)
