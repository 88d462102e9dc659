"""The paper's comparison of the five networks."""

import dataclasses

from zoo.data import PreparedData
from zoo.reproduce.experiment import Experiment, Trial, paper_row
from zoo.training import TrainConfig

RATES = {
    "fully_connected": 5e-4,
    "alexnet": 1e-3,
    "vgg": 1e-3,
    "inception_v3": 2e-3,
    "resnet50": 2e-3,
}
"""Adam's learning rate of each network: ours. The paper gives the fully connected one's, 3e-5."""

PAPER = {
    "fully_connected": (0.851, 1.471, 0.058),
    "alexnet": (0.894, 1.764, 0.115),
    "vgg": (0.911, 1.909, 0.161),
    "inception_v3": (0.918, 1.969, 0.181),
    "resnet50": (0.916, 1.952, 0.182),
}
"""AUC, d' and mAP after 5 million steps: Hershey et al., table 2."""


def architectures(data: PreparedData, config: TrainConfig) -> Experiment:
    """The five networks, trained alike: a table as the paper's second.

    Args:
        data: `PreparedData` with the splits train and test.
        config: a `TrainConfig`; its model and learning rate give way to the five networks'.

    Returns:
        `Experiment`, which `run` trains.
    """
    return Experiment(
        "architectures",
        "The five networks under one budget",
        [
            Trial(
                {"network": model},
                dataclasses.replace(config, model=model, learning_rate=rate),
                data,
                data,
            )
            for model, rate in RATES.items()
        ],
        [paper_row({"network": model}, figures) for model, figures in PAPER.items()],
    )
