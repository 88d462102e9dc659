"""Batch normalisation that trains as one fused operation on TensorFlow."""

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
            and self.scale
            and self.center
            and not self.synchronized
            and mask is None
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # here, so that the networks can be built on other backends

        # In half precision the kernel still wants float32 parameters, and gives float32 statistics.
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            ops.cast(self.gamma, "float32"),
            ops.cast(self.beta, "float32"),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel gives the unbiased variance; the stock layer keeps the biased one.
        count = ops.cast(ops.size(inputs) // ops.shape(inputs)[-1], "float32")
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1) / count)
        return outputs

    def _move(self, average, value):
        value = ops.cast(value, average.dtype)
        average.assign(average * self.momentum + value * (1 - self.momentum))
