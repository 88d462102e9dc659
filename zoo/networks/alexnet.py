"""AlexNet on log-mel patches."""

from zoo import layers
from zoo.architecture import PaperFigures, register_architecture, scaled


@register_architecture(
    "alexnet",
    source="Krizhevsky et al., 2012, changed by Hershey et al., 2017",
    paper=PaperFigures("37.3M", "767M"),
)
def AlexNet(x, width):
    """AlexNet (Krizhevsky et al., 2012) with the paper's changes for 96 x 64 patches.

    The first convolution, 11 x 11, has a stride of 2 in time and 1 in frequency; batch norm follows
    every convolution in place of local response normalisation; the filters are not split over
    devices. The first convolution and the pools are not padded, and one layer of 4096 units stands
    before the classifier where the original has two. The paper does not say so: it follows from
    its counts, 37.3 million weights and 767 million multiplies, which this network has exactly
    (a second such layer would make 54.1 and 784).
    """
    x = layers.conv_bn(
        x, scaled(96, width), 11, strides=(2, 1), padding="valid", name="conv1"
    )  # 43 x 54
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # 21 x 26
    x = layers.conv_bn(x, scaled(256, width), 5, name="conv2")
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)  # 10 x 12
    x = layers.conv_bn(x, scaled(384, width), 3, name="conv3")
    x = layers.conv_bn(x, scaled(384, width), 3, name="conv4")
    x = layers.conv_bn(x, scaled(256, width), 3, name="conv5")
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)  # 4 x 5
    x = layers.Flatten(name="flatten")(x)
    return layers.dense_relu(x, scaled(4096, width), name="dense6")
