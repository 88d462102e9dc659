"""ResNet-50 on log-mel patches."""

from zoo import layers
from zoo.architecture import PaperFigures, register_architecture, scaled

# Blocks of each stage, and the units inside them; a block puts out four times as many.
STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))


@register_architecture(
    "resnet50",
    source="He et al., 2015, changed by Hershey et al., 2017",
    paper=PaperFigures("30M", "1.9B"),
)
def ResNet50(x, width):
    """ResNet-50 (He et al., 2015) with the paper's two changes for 96 x 64 patches.

    The stride of 2 of the first 7 x 7 convolution is removed, and the average pool covers the last
    map, 6 x 4. Blocks are the original ones (v1): a stage's stride sits on the first 1 x 1
    convolution. That makes 1.86 billion multiplies, the 1.9B that the paper prints; the later v1.5,
    with the stride on the 3 x 3 convolution, would make 1.97 billion.
    """
    x = layers.conv_bn(x, scaled(64, width), 7, name="stem")  # 96 x 64
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)  # 48 x 32
    for stage, (blocks, units) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):  # 48 x 32, 24 x 16, 12 x 8, 6 x 4
            strides = 2 if stage > 1 and block == 1 else 1
            x = _block(x, units, width, strides, name=f"stage{stage}_block{block}")
    return layers.GlobalAveragePooling2D(name="average_pool")(x)


def _block(x, units, width, strides, name):
    inner, outer = scaled(units, width), scaled(4 * units, width)
    shortcut = x
    if strides != 1 or x.shape[-1] != outer:
        shortcut = layers.conv_bn(x, outer, 1, strides=strides, relu=False, name=f"{name}_shortcut")
    x = layers.conv_bn(x, inner, 1, strides=strides, name=f"{name}_1x1")
    x = layers.conv_bn(x, inner, 3, name=f"{name}_3x3")
    x = layers.conv_bn(x, outer, 1, relu=False, name=f"{name}_expand")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)
