"""What training keeps beside the weights."""

import tensorflow as tf


def state_variable(value, name):
    """A float32 `tf.Variable` that training sets itself, alike on all replicas."""
    return tf.Variable(
        value,
        trainable=False,
        name=name,
        dtype=tf.float32,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
