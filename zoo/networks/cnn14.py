"""Cnn14 of PANNs on whole clips."""

from frontend.config import FrontendConfig
from zoo import layers
from zoo.architecture import register_architecture, scaled

# Units of each block, which pools to a half but for the last.
BLOCKS = (64, 128, 256, 512, 1024, 2048)
NORM = {"epsilon": 1e-5}  # PyTorch's

FRONTEND = FrontendConfig(
    log_offset=1e-10,
    window_seconds=0.032,
    mel_min_hz=50,
    mel_max_hz=8000,
    patch_frames=1001,
    power=2,
    mel_scale="slaney",
    log="decibel",
    center=True,
    whole_seconds=30,
)
"""That of Cnn14_16k, whose clips are of 10 s."""


@register_architecture("cnn14", source="Kong et al., 2020 (PANNs)", frontend=FRONTEND)
def Cnn14(x, width):
    """Cnn14 of PANNs (Kong et al., 2020), large and accurate.

    It is not in the paper. Batch norm of each mel bin, six blocks of two 3 x 3 convolutions, and
    the sum of the mean and the maximum over time.
    """
    x = layers.norm_mel(x, **NORM)
    for block, units in enumerate(BLOCKS, start=1):
        for number in (1, 2):
            x = layers.conv_bn(x, scaled(units, width), 3, name=f"conv{block}_{number}", **NORM)
        if block < len(BLOCKS):
            x = layers.AveragePooling2D(2, name=f"pool{block}")(x)
    x = layers.mean_and_max(x)
    return layers.dense_relu(x, scaled(BLOCKS[-1], width), name="hidden")
