"""The fully connected baseline on log-mel patches."""

from zoo import layers
from zoo.architecture import PaperFigures, register_architecture, scaled

LAYERS, UNITS = 3, 1000  # the best of the paper's grid of 1-5 layers of 500-5000 units


@register_architecture(
    "fully_connected",
    source="Hershey et al., 2017",
    paper=PaperFigures("11.2M", "11.2M"),
)
def FullyConnected(x, width):
    """The paper's baseline: three fully connected layers of 1000 ReLU units.

    The patch is flattened to 6144 values. 11.24 million weights, and as many multiplies.
    """
    x = layers.Flatten(name="flatten")(x)
    for layer in range(1, LAYERS + 1):
        x = layers.dense_relu(x, scaled(UNITS, width), name=f"dense{layer}")
    return x
