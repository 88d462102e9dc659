"""MobileNet V1 as PANNs have it, on whole clips."""

from dataclasses import replace

from zoo import layers
from zoo.architecture import register_architecture, scaled
from zoo.networks.cnn14 import FRONTEND, NORM
from zoo.networks.mobilenet_v1 import PAIRS


@register_architecture(
    "mobilenet_v1_panns",
    source="Howard et al., 2017, changed by Kong et al., 2020 (PANNs)",
    frontend=replace(FRONTEND, sample_rate=32000, fft_length=1024, mel_max_hz=14000),
)
def MobileNetV1PANNs(x, width):
    """MobileNet V1 (Howard et al., 2017) with PANNs' changes (Kong et al., 2020).

    It is not in the paper. Where the original has strides, a convolution is followed by an average
    pool; batch norm of each mel bin stands before all, and a dense layer after the sum of the mean
    and the maximum over time.
    """
    x = layers.norm_mel(x, **NORM)
    x = _conv(x, layers.Conv2D, 2, "stem", filters=scaled(32, width))
    for number, (strides, units) in enumerate(PAIRS, start=1):
        x = _conv(x, layers.DepthwiseConv2D, strides, f"pair{number}_depthwise")
        x = layers.conv_bn(x, scaled(units, width), 1, name=f"pair{number}_pointwise", **NORM)
    x = layers.mean_and_max(x)
    return layers.dense_relu(x, scaled(1024, width), name="hidden")


def _conv(x, convolution, pool, name, **options):
    x = convolution(kernel_size=3, padding="same", use_bias=False, name=f"{name}_conv", **options)(
        x
    )
    if pool > 1:
        x = layers.AveragePooling2D(pool, name=f"{name}_pool")(x)
    return layers.norm_relu(x, name=name, **NORM)
