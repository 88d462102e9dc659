import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import AudioClassifier

LABELS = [("Dog", "/m/0bt9lr"), "Sword, metal clash", ("Rain", "/m/06mb1")]


@pytest.fixture(scope="session")
def classifier():
    """A classifier of random weights, small enough to build and export in a moment."""
    keras.utils.set_random_seed(1)
    return AudioClassifier("fully_connected", LABELS, width=0.05)


@pytest.fixture(scope="session")
def noise():
    """A function of a number of samples: noise that swells and fades, always the same."""

    def make(samples):
        swell = 0.1 + 0.09 * np.sin(np.arange(samples) / 5000)
        return (swell * np.random.default_rng(samples).normal(size=samples)).astype("float32")

    return make


@pytest.fixture(scope="session")
def flex_model():
    """A .tflite file that needs one of TensorFlow's own operations."""

    @tf.function(input_signature=[tf.TensorSpec([2, 2], tf.float32)])
    def determinant(matrix):
        return tf.linalg.det(matrix) + 1

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [determinant.get_concrete_function()]
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    return converter.convert()
