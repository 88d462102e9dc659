import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from export.join import join
from export.operators import operations


def convert(function, **shapes):
    """A function of named tensors to a dict of named tensors, as a .tflite file."""
    specs = [tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()]
    module = tf.Module()
    module.run = tf.function(function, input_signature=specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.run.get_concrete_function()], module
    )
    return converter.convert()


@pytest.fixture(scope="module")
def parts():
    return [
        convert(lambda x: {"sum": x @ tf.ones([2, 3])}, x=[None, 2]),
        convert(lambda sum: {"product": tf.exp(sum) * [1.0, 2.0, 3.0]}, sum=[None, 3]),
        convert(lambda sum, product: {"y": sum - product}, sum=[None, 3], product=[None, 3]),
    ]


def test_runs_the_parts_in_order(parts):
    interpreter = Interpreter(model_content=join(parts))
    run = interpreter.get_signature_runner("serving_default")
    for rows in (1, 4):
        x = np.random.default_rng(0).normal(size=(rows, 2)).astype("float32")
        total = x @ np.ones([2, 3])
        np.testing.assert_allclose(run(x=x)["y"], total - np.exp(total) * [1, 2, 3], atol=1e-5)


def test_ends_are_those_of_the_whole(parts):
    interpreter = Interpreter(model_content=join(parts))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["x"], "outputs": ["y"]}
    }
    assert [end["name"] for end in interpreter.get_input_details()] == ["x"]
    assert [end["name"] for end in interpreter.get_output_details()] == ["y"]


def test_keeps_every_operation(parts):
    separate = [operations(part) for part in parts]
    joined = operations(join(parts))
    assert joined == {
        name: sum(counts.get(name, 0) for counts in separate) for name in set().union(*separate)
    }
