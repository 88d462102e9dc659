"""Training: a loop for one device, many, or many machines, which survives being stopped."""

from zoo.training.cluster import choose_strategy
from zoo.training.config import TrainConfig, read_config
from zoo.training.signals import Stopped
from zoo.training.trainer import train

__all__ = ["Stopped", "TrainConfig", "choose_strategy", "read_config", "train"]
