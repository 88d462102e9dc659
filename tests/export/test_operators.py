import numpy as np
import pytest
import tensorflow as tf

from export.operators import check_builtin, operations


@pytest.fixture(scope="module")
def plain_model():
    """A .tflite file of two dense layers and a softmax."""
    weights = tf.constant(np.random.default_rng(0).normal(size=(4, 4)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def run(x):
        return tf.nn.softmax((x @ weights) @ weights)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()])
    return converter.convert()


def test_counts_operations(plain_model):
    assert operations(plain_model) == {"FULLY_CONNECTED": 2, "SOFTMAX": 1}
    check_builtin(plain_model)


def test_sees_operations_that_are_not_builtin(flex_model):
    assert operations(flex_model) == {"FlexMatrixDeterminant": 1, "ADD": 1}
    with pytest.raises(ValueError, match="needs FlexMatrixDeterminant, which plain TFLite"):
        check_builtin(flex_model)


def test_warns_of_operations_that_nobody_is_let_run():
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def run(x):
        return tf.tile(x, [2, 3])

    converter = tf.lite.TFLiteConverter.from_concrete_functions([run.get_concrete_function()])
    with pytest.warns(UserWarning, match="needs TILE, which plain TFLite runtimes have"):
        check_builtin(converter.convert())


def test_reads_the_official_yamnet(shared_data):
    (path,) = (shared_data / "yamnet").glob("*.tflite")
    counts = operations(path.read_bytes())
    assert counts["CONV_2D"] == 14
    assert counts["DEPTHWISE_CONV_2D"] == 13
    check_builtin(path.read_bytes())
