"""The fully connected baseline on log-mel patches."""

from keras import layers

from zoo.networks.common import architecture, dense_relu, scaled

LAYERS, UNITS = 3, 1000  # the best of the paper's grid of 1-5 layers of 500-5000 units


@architecture("fully_connected")
def FullyConnected(x, width):
    """The paper's baseline: three fully connected layers of 1000 ReLU units.

    The patch is flattened to 6144 values. 11.24 million weights, and as many multiplies.
    """
    x = layers.Flatten(name="flatten")(x)
    for layer in range(1, LAYERS + 1):
        x = dense_relu(x, scaled(UNITS, width), name=f"dense{layer}")
    return x
