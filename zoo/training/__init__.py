"""Training: a loop for one device, many, or many machines, which survives being stopped."""

from frontend.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "cluster": ["choose_strategy"],
        "config": ["TrainConfig", "read_config"],
        "signals": ["Stopped"],
        "trainer": ["train"],
    },
)
