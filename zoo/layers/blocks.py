"""The few layers that several networks stack in the same way."""

from keras import layers

from zoo.layers.batch_norm import FusedBatchNormalization


def conv_bn(x, filters, kernel_size, *, name, strides=1, padding="same", relu=True, **norm):
    """Convolution, then `norm_relu`. Batch norm brings the bias."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return norm_relu(x, name=name, relu=relu, **norm)


def norm_relu(x, *, name, relu=True, **norm):
    """Batch norm, of the arguments in `norm`, and, unless turned off, ReLU."""
    x = FusedBatchNormalization(name=f"{name}_bn", **norm)(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def dense_relu(x, units, *, name):
    """Fully connected layer with ReLU."""
    return layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(x)


def norm_mel(x, **norm):
    """Batch norm of each mel bin of a map `[batch, frames, mel_bins, 1]`, as PANNs begin."""
    return layers.BatchNormalization(axis=2, name="mel_bn", **norm)(x)


def mean_and_max(x):
    """The mean over mel; then the sum of the mean and the maximum over time, as PANNs end."""
    x = layers.AveragePooling2D((1, x.shape[2]), name="mel_pool")(x)
    mean = layers.GlobalAveragePooling2D(name="average_pool")(x)
    most = layers.GlobalMaxPooling2D(name="max_pool")(x)
    return layers.Add(name="pooled")([mean, most])
