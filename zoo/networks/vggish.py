"""VGGish: the small VGG whose embeddings AudioSet was released with."""

from zoo import layers
from zoo.architecture import register_architecture, scaled

# The convolutions of each group, and their units: VGG's configuration A without its last group.
GROUPS = ((1, 64), (1, 128), (2, 256), (2, 512))
EMBEDDING = 128


@register_architecture("vggish", source="Hershey et al., 2017, as released (VGGish)")
def VGGish(x, width):
    """VGGish, the embedding that Hershey et al. released with AudioSet.

    Not the paper's VGG: configuration A of four groups and no batch norm; then two dense layers, a
    linear one of 128 units, and the released PCA with whitening, a linear layer, too. Embeddings
    are those of before they are clipped and rounded to 8 bits.
    """
    for group, (convolutions, units) in enumerate(GROUPS, start=1):
        for number in range(1, convolutions + 1):
            x = layers.Conv2D(
                scaled(units, width),
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"conv{group}_{number}",
            )(x)
        x = layers.MaxPooling2D(2, name=f"pool{group}")(x)  # 48 x 32 ... 6 x 4
    x = layers.Flatten(name="flatten")(x)
    x = layers.dense_relu(x, scaled(4096, width), name="dense1")
    x = layers.dense_relu(x, scaled(4096, width), name="dense2")
    x = layers.Dense(scaled(EMBEDDING, width), name="dense3")(x)
    return layers.Dense(scaled(EMBEDDING, width), name="pca")(x)
