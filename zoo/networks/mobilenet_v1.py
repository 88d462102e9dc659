"""MobileNet V1 on log-mel patches, as YAMNet uses it."""

from frontend.config import FrontendConfig
from zoo import layers
from zoo.architecture import register_architecture, scaled

# Stride and units of each pair of a depthwise and a pointwise convolution.
PAIRS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    *[(1, 512)] * 5,
    (2, 1024),
    (1, 1024),
)
NORM = {"scale": False, "epsilon": 1e-4}  # YAMNet's


@register_architecture(
    "mobilenet_v1",
    source="Howard et al., 2017, as in YAMNet (Plakal and Ellis, 2019)",
    # YAMNet's. It hears every remainder of a sound, however short, as a patch.
    frontend=FrontendConfig(log_offset=0.001, patch_hop_seconds=0.48, tail_fraction=1e-9),
)
def MobileNetV1(x, width):
    """MobileNet V1 (Howard et al., 2017) as YAMNet, Google's AudioSet tagger, uses it.

    It is not in the paper, and comes from the same authors' team: a strided 3 x 3 convolution and
    thirteen pairs of a depthwise and a pointwise one. Batch norm, without a factor of its own,
    follows each of them. At YAMNet's 521 classes 3.75 million weights and 69.2 million multiplies.
    """
    x = layers.conv_bn(x, scaled(32, width), 3, strides=2, name="stem", **NORM)  # 48 x 32
    for number, (strides, units) in enumerate(PAIRS, start=1):
        x = _pair(x, scaled(units, width), strides, f"pair{number}")  # 48 x 32 ... 3 x 2
    return layers.GlobalAveragePooling2D(name="average_pool")(x)


def _pair(x, units, strides, name):
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = layers.norm_relu(x, name=f"{name}_depthwise", **NORM)
    return layers.conv_bn(x, units, 1, name=f"{name}_pointwise", **NORM)
