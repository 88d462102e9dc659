"""Inception V3 on log-mel patches."""

from zoo import layers
from zoo.architecture import PaperFigures, register_architecture, scaled


@register_architecture(
    "inception_v3",
    source="Szegedy et al., 2015, changed by Hershey et al., 2017",
    paper=PaperFigures("28M", "4.7B"),
)
def InceptionV3(x, width):
    """Inception V3 (Szegedy et al., 2015) with the paper's changes for 96 x 64 patches.

    The first four layers of the stem, up to and including its first max pool, and the auxiliary
    classifier are removed, and the average pool covers the last map, 10 x 6.

    28.0 million weights, as in the paper, but 5.44 billion multiplies where it prints 4.7B. The
    text is followed here; without the 1 x 1 convolution as well, which comes next in the stem,
    there would be 27.9 million weights and 4.64 billion multiplies.
    """

    def conv(x, units, kernel_size, name, **kwargs):
        return layers.conv_bn(x, scaled(units, width), kernel_size, name=name, **kwargs)

    x = conv(x, 80, 1, "stem_1x1")  # 96 x 64
    x = conv(x, 192, 3, "stem_3x3", padding="valid")  # 94 x 62
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)  # 46 x 30
    for block, pool_units in enumerate((32, 64, 64), start=1):
        x = _mixed_5x5(x, pool_units, conv, f"mixed_5x5_{block}")
    x = _reduction_1(x, conv, "reduction1")  # 22 x 14
    for block, units in enumerate((128, 160, 160, 192), start=1):
        x = _mixed_7x7(x, units, conv, f"mixed_7x7_{block}")
    x = _reduction_2(x, conv, "reduction2")  # 10 x 6
    for block in (1, 2):
        x = _mixed_wide(x, conv, f"mixed_wide_{block}")
    return layers.GlobalAveragePooling2D(name="average_pool")(x)


def _mixed_5x5(x, pool_units, conv, name):
    """1 x 1, 5 x 5, two 3 x 3 and pooling, side by side (figure 5 of Szegedy et al.)."""
    one = conv(x, 64, 1, f"{name}_1x1")
    five = conv(x, 48, 1, f"{name}_5x5_reduce")
    five = conv(five, 64, 5, f"{name}_5x5")
    double = conv(x, 64, 1, f"{name}_3x3_reduce")
    double = conv(double, 96, 3, f"{name}_3x3_a")
    double = conv(double, 96, 3, f"{name}_3x3_b")
    pooled = _pool_1x1(x, pool_units, conv, name)
    return layers.Concatenate(name=name)([one, five, double, pooled])


def _mixed_7x7(x, units, conv, name):
    """7 x 7 convolutions as 1 x 7 and 7 x 1 (figure 6)."""
    one = conv(x, 192, 1, f"{name}_1x1")
    seven = conv(x, units, 1, f"{name}_7x7_reduce")
    seven = conv(seven, units, (1, 7), f"{name}_7x7_a")
    seven = conv(seven, 192, (7, 1), f"{name}_7x7_b")
    double = conv(x, units, 1, f"{name}_double_reduce")
    double = conv(double, units, (7, 1), f"{name}_double_a")
    double = conv(double, units, (1, 7), f"{name}_double_b")
    double = conv(double, units, (7, 1), f"{name}_double_c")
    double = conv(double, 192, (1, 7), f"{name}_double_d")
    pooled = _pool_1x1(x, 192, conv, name)
    return layers.Concatenate(name=name)([one, seven, double, pooled])


def _mixed_wide(x, conv, name):
    """3 x 3 convolutions that end in 1 x 3 and 3 x 1 side by side (figure 7)."""
    one = conv(x, 320, 1, f"{name}_1x1")
    three = conv(x, 384, 1, f"{name}_3x3_reduce")
    three_a = conv(three, 384, (1, 3), f"{name}_3x3_a")
    three_b = conv(three, 384, (3, 1), f"{name}_3x3_b")
    double = conv(x, 448, 1, f"{name}_double_reduce")
    double = conv(double, 384, 3, f"{name}_double_3x3")
    double_a = conv(double, 384, (1, 3), f"{name}_double_a")
    double_b = conv(double, 384, (3, 1), f"{name}_double_b")
    pooled = _pool_1x1(x, 192, conv, name)
    return layers.Concatenate(name=name)([one, three_a, three_b, double_a, double_b, pooled])


def _reduction_1(x, conv, name):
    """Halves the map by convolutions and max pooling side by side (figure 10)."""
    three = conv(x, 384, 3, f"{name}_3x3", strides=2, padding="valid")
    double = conv(x, 64, 1, f"{name}_double_reduce")
    double = conv(double, 96, 3, f"{name}_double_a")
    double = conv(double, 96, 3, f"{name}_double_b", strides=2, padding="valid")
    pooled = layers.MaxPooling2D(3, 2, name=f"{name}_pool")(x)
    return layers.Concatenate(name=name)([three, double, pooled])


def _reduction_2(x, conv, name):
    three = conv(x, 192, 1, f"{name}_3x3_reduce")
    three = conv(three, 320, 3, f"{name}_3x3", strides=2, padding="valid")
    seven = conv(x, 192, 1, f"{name}_7x7_reduce")
    seven = conv(seven, 192, (1, 7), f"{name}_7x7_a")
    seven = conv(seven, 192, (7, 1), f"{name}_7x7_b")
    seven = conv(seven, 192, 3, f"{name}_7x7_c", strides=2, padding="valid")
    pooled = layers.MaxPooling2D(3, 2, name=f"{name}_pool")(x)
    return layers.Concatenate(name=name)([three, seven, pooled])


def _pool_1x1(x, units, conv, name):
    pooled = layers.AveragePooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    return conv(pooled, units, 1, f"{name}_pool_1x1")
