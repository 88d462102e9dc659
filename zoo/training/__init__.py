"""Training: a loop for one device, many, or many machines, which survives being stopped."""

from typing import TYPE_CHECKING

from frontend.lazy import lazy_names

if TYPE_CHECKING:
    from zoo.training.cluster import choose_strategy as choose_strategy
    from zoo.training.config import TrainConfig as TrainConfig
    from zoo.training.config import read_config as read_config
    from zoo.training.signals import Stopped as Stopped
    from zoo.training.taught import teach as teach
    from zoo.training.trainer import train as train
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "cluster": ["choose_strategy"],
            "config": ["TrainConfig", "read_config"],
            "signals": ["Stopped"],
            "taught": ["teach"],
            "trainer": ["train"],
        },
    )
