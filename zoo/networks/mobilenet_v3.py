"""MobileNet V3 on whole clips, as EfficientAT uses it."""

from frontend.config import FrontendConfig
from zoo import layers
from zoo.architecture import register_architecture

# Kernel, units inside, units, squeeze-and-excitation, activation and stride of each block: the
# paper's table of MobileNetV3-Large.
BLOCKS = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
NORM = {"epsilon": 1e-3}  # EfficientAT's


@register_architecture(
    "mobilenet_v3",
    source="Howard et al., 2019, as in EfficientAT (Schmid et al., 2023)",
    # EfficientAT's, whose clips are of 10 s.
    frontend=FrontendConfig(
        sample_rate=32000,
        fft_length=1024,
        mel_bins=128,
        mel_min_hz=0,
        mel_max_hz=15000,
        log_offset=1e-5,
        patch_frames=1000,
        power=2,
        window="hann_symmetric",
        norm_mean=-4.5,
        norm_std=5,
        preemphasis=0.97,
        center=True,
        whole_seconds=30,
    ),
)
def MobileNetV3(x, width):
    """MobileNetV3-Large (Howard et al., 2019) as EfficientAT (Schmid et al., 2023) uses it.

    It is not in the paper. Fifteen inverted residual blocks, eight of them with
    squeeze-and-excitation, and a dense layer before the classifier. EfficientAT's mn10 is width 1
    and its mn04 width 0.4.
    """
    x = _conv(x, layers.Conv2D, 3, "hard_swish", 2, name="stem", filters=_units(16, width))
    for number, block in enumerate(BLOCKS, start=1):
        x = _block(x, *block, width, name=f"block{number}")
    x = _conv(x, layers.Conv2D, 1, "hard_swish", name="last", filters=6 * x.shape[-1])
    x = layers.GlobalAveragePooling2D(name="average_pool")(x)
    hidden = _units(1280, width)
    return layers.Dense(hidden, activation="hard_swish", name="hidden")(x)


def _block(x, kernel, inner, outer, excite, activation, strides, width, name):
    inner, outer = _units(inner, width), _units(outer, width)
    inputs = x
    if inner != x.shape[-1]:
        x = _conv(x, layers.Conv2D, 1, activation, name=f"{name}_expand", filters=inner)
    x = _conv(x, layers.DepthwiseConv2D, kernel, activation, strides, name=f"{name}_depthwise")
    if excite:
        x = _excited(x, name=f"{name}_excite")
    x = _conv(x, layers.Conv2D, 1, None, name=f"{name}_project", filters=outer)
    if strides == 1 and inputs.shape[-1] == outer:
        x = layers.Add(name=f"{name}_add")([x, inputs])
    return x


def _excited(x, name):
    """Squeeze-and-excitation (Hu et al., 2018): each map times a share, found of all means."""
    units = x.shape[-1]
    share = layers.GlobalAveragePooling2D(name=f"{name}_pool")(x)
    share = layers.Dense(_units(units // 4), activation="relu", name=f"{name}_squeeze")(share)
    share = layers.Dense(units, activation="sigmoid", name=f"{name}_share")(share)
    share = layers.Reshape((1, 1, units), name=f"{name}_reshape")(share)
    return layers.Multiply(name=name)([x, share])


def _conv(x, convolution, kernel, activation, strides=1, *, name, **options):
    """A convolution with batch norm, padded alike on both sides."""
    padding = "same"
    if strides > 1:  # "same" would pad one side less
        x = layers.ZeroPadding2D((kernel - 1) // 2, name=f"{name}_pad")(x)
        padding = "valid"
    x = convolution(
        kernel_size=kernel,
        strides=strides,
        padding=padding,
        use_bias=False,
        name=f"{name}_conv",
        **options,
    )(x)
    x = layers.norm_relu(x, name=name, relu=False, **NORM)
    return layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


def _units(units, width=1.0):
    """The multiple of 8 nearest to `units` times `width`, not a tenth below (the authors')."""
    wanted = units * width
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * wanted else nearest
