"""Batch normalisation that trains as one fused operation on TensorFlow, on one device or many."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="soundzoo")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` for feature maps, fused where the backend can.

    Keras 3 computes batch normalisation from separate mean, variance and scaling operations; on a
    CPU that takes a large share of ResNet-50's training time. TensorFlow has the whole step as one
    kernel, which this layer calls when it trains on TensorFlow. Everywhere else, at inference
    included, it is the stock layer; weights, arguments and configuration are always the stock
    layer's.

    Under a `tf.distribute` strategy the fused layer trains by the statistics of the whole batch,
    over all replicas, as the stock layer does with `synchronized=True`; it needs no argument for
    it. Every replica must have the same number of examples.

    Call arguments:
        inputs: `[batch, height, width, channels]`.
        training: normalise by this batch's statistics and update the moving ones.

    Returns:
        The same shape and dtype as `inputs`.
    """

    def call(self, inputs, training=None, mask=None):
        fused = (
            training
            and self.trainable
            and keras.config.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and not getattr(self, "renorm", False)  # Keras has it since 3.15
            and mask is None
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        # In half precision the kernels still want float32 parameters, and give float32 statistics.
        channels = self.moving_mean.shape
        gamma = ops.cast(self.gamma, "float32") if self.scale else ops.ones(channels, "float32")
        beta = ops.cast(self.beta, "float32") if self.center else ops.zeros(channels, "float32")
        if _replicas() == 1:
            outputs, mean, variance = _normalise(inputs, gamma, beta, self.epsilon)
        else:
            # The moving mean is the same on every replica, and near this batch's mean.
            origin = ops.cast(self.moving_mean, "float32")
            outputs, mean, variance = _normalise_together(inputs, gamma, beta, origin, self.epsilon)
        # As in the stock layer, each replica moves its own copy; the statistics are the same.
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return outputs

    def _move(self, average, value):
        value = ops.cast(value, average.dtype)
        average.assign(average * self.momentum + value * (1 - self.momentum))


# The networks can be built on other backends: TensorFlow is imported where it is used.


def _replicas():
    """Replicas that train together, seen from one of them."""
    import tensorflow as tf

    if tf.distribute.in_cross_replica_context():
        return 1
    return tf.distribute.get_strategy().num_replicas_in_sync


def _normalise(inputs, gamma, beta, epsilon):
    """Outputs, mean and biased variance, of this replica alone."""
    import tensorflow as tf

    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs, gamma, beta, epsilon=epsilon, is_training=True
    )
    # The kernel gives the unbiased variance; the stock layer keeps the biased one.
    count = _count(inputs)
    return outputs, mean, variance * (count - 1) / count


def _normalise_together(inputs, gamma, beta, origin, epsilon):
    """Outputs, mean and biased variance, by the statistics of all replicas.

    `origin` is the point from which the squares are taken that the replicas exchange: the nearer
    to the mean, the less is lost to rounding.
    """
    import tensorflow as tf

    def scaled(x, scale, offset, mean, variance):
        return tf.compat.v1.nn.fused_batch_norm(
            x, scale, offset, mean, variance, epsilon=epsilon, is_training=False
        )[0]

    @tf.custom_gradient
    def normalise(inputs, gamma, beta):
        _, mean, variance = _normalise(inputs, gamma, beta, epsilon)
        offset, square = _mean_over_replicas([mean - origin, variance + (mean - origin) ** 2])
        mean, variance = origin + offset, tf.maximum(square - offset**2, 0)

        def gradient(upstream, *_):
            # With the statistics held constant. The gradients of gamma and beta are sums over the
            # examples here; the optimizer adds those of the other replicas.
            d_inputs, d_gamma, d_beta, *_ = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=upstream,
                x=inputs,
                scale=gamma,
                reserve_space_1=mean,
                reserve_space_2=variance,
                reserve_space_3=tf.zeros([0]),
                epsilon=epsilon,
                is_training=False,
            )
            # What flows through the statistics, from all replicas to the inputs of each.
            count = _count(inputs)
            through_variance, through_mean = _mean_over_replicas([d_gamma / count, d_beta / count])
            slope = gamma * tf.math.rsqrt(variance + epsilon)
            through_both = scaled(
                inputs, slope * through_variance, slope * through_mean, mean, variance
            )
            return d_inputs - through_both, d_gamma, d_beta

        return (scaled(inputs, gamma, beta, mean, variance), mean, variance), gradient

    return normalise(inputs, gamma, beta)


def _mean_over_replicas(vectors):
    """The means of each of some vectors of one length, in one exchange."""
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    total = replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack(vectors))
    return tf.unstack(total / replica.num_replicas_in_sync)


def _count(inputs):
    """Values per channel."""
    return ops.cast(ops.size(inputs) // ops.shape(inputs)[-1], "float32")
