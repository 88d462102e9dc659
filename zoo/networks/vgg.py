"""VGG on log-mel patches."""

from zoo import layers
from zoo.architecture import PaperFigures, register_architecture, scaled

# Configuration E: the 3 x 3 convolutions of each group, and their units. A max pool ends a group.
GROUPS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))


@register_architecture(
    "vgg",
    source="Simonyan and Zisserman, 2014, changed by Hershey et al., 2017",
    paper=PaperFigures("62M", "2.4B"),
)
def VGG(x, width):
    """VGG configuration E (Simonyan and Zisserman, 2014) with the paper's change: batch norm
    after every convolution.

    Strides are the original's; the paper found reduced ones slower to train and worse. 62.0
    million weights and 2.42 billion multiplies, as in the paper.
    """
    for group, (convolutions, units) in enumerate(GROUPS, start=1):
        for convolution in range(1, convolutions + 1):
            x = layers.conv_bn(x, scaled(units, width), 3, name=f"conv{group}_{convolution}")
        x = layers.MaxPooling2D(2, name=f"pool{group}")(x)  # 48 x 32 ... 3 x 2
    x = layers.Flatten(name="flatten")(x)
    x = layers.dense_relu(x, scaled(4096, width), name="dense6")
    return layers.dense_relu(x, scaled(4096, width), name="dense7")
