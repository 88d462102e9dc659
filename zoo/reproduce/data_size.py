"""The paper's comparison of training sets of different sizes."""

import numpy as np

from zoo.data import PreparedData
from zoo.data.subset import Subset
from zoo.reproduce.experiment import Experiment, Trial, check_budget, paper_row
from zoo.training import TrainConfig

SHARES = (1.0, 0.3, 0.1, 0.03)
"""Parts of the training clips that are trained on."""

PAPER = {
    "100%": (0.923, 2.019, 0.206),
    "10%": (0.922, 2.006, 0.202),
    "1%": (0.921, 1.997, 0.203),
    "0.1%": (0.909, 1.883, 0.162),
    "0.03%": (0.868, 1.581, 0.118),
}
"""AUC, d' and mAP of parts of 70 million clips: Hershey et al., table 4
(70M, 7M, 700K, 70K, 23K)."""


def data_size(data: PreparedData, config: TrainConfig) -> Experiment:
    """A network trained on all clips of the training split, and on random parts of them.

    Args:
        data: `PreparedData` with the splits train and test.
        config: a `TrainConfig` with `epoch_steps`, for the same budget on more and on fewer clips.

    Returns:
        `Experiment`, which `run` trains.

    Raises:
        ValueError: `epoch_steps` is not set.
    """
    check_budget(config)
    training = data.select(config.train_split)
    # The smaller sets are parts of the larger ones.
    shuffled = np.random.default_rng(0).permutation(training)
    trials = []
    for share in SHARES:
        left_out = shuffled[round(share * len(shuffled)) :]
        part = Subset(data, clips=np.setdiff1d(np.arange(len(data)), left_out))
        trials.append(Trial({"clips": f"{share:.0%}"}, config, part, data))
    title = f"Parts of {len(training)} training clips"
    paper = [paper_row({"clips": share}, figures) for share, figures in PAPER.items()]
    return Experiment("data", title, trials, paper)
