"""A regression of batches is that of all examples at once."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from zoo.training.ridge import RIDGE, RidgeRegression


@pytest.fixture
def examples():
    """400 examples of four inputs of other units, one of which never moves, and two outputs."""
    rng = np.random.default_rng(0)
    inputs = rng.normal([5, 0, -3, 2], [10, 0.1, 1, 0], (400, 4)).astype("float32")
    outputs = inputs @ rng.normal(size=(4, 2)) + rng.normal(0, 0.5, (400, 2))
    return inputs, outputs.astype("float32")


def add_in_parts(regression, inputs, outputs):
    for first, last in ((0, 150), (150, 160), (160, 400)):
        regression.add(inputs[first:last], outputs[first:last])
    return regression


def test_it_is_that_of_all_at_once_but_for_its_spread(examples):
    inputs, outputs = examples
    coefficients, intercepts = add_in_parts(RidgeRegression(4, 2), inputs, outputs).solve()
    alpha = RIDGE * inputs.var(axis=0, dtype="float64").mean() * len(inputs)
    expected = Ridge(alpha=alpha).fit(inputs.astype("float64"), outputs)
    spread = outputs.std(axis=0) / expected.predict(inputs).std(axis=0)
    assert (spread > 1.001).all()
    np.testing.assert_allclose(coefficients, expected.coef_.T * spread, rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(coefficients[3], 0, atol=1e-9)
    np.testing.assert_allclose(
        intercepts, outputs.mean(0) - inputs.mean(0) @ coefficients, rtol=1e-3
    )


def test_what_cannot_be_predicted_varies_no_more_than_it_did(examples):
    inputs, outputs = examples
    outputs = np.random.default_rng(1).normal(0, 1, (400, 2))
    outputs[:, 1] = 3.0
    coefficients, intercepts = add_in_parts(RidgeRegression(4, 2), inputs, outputs).solve()
    predicted = inputs @ coefficients + intercepts
    assert 0.3 < predicted[:, 0].std() <= 1.01
    np.testing.assert_allclose(predicted[:, 1], 3, atol=1e-3)


def test_inputs_that_never_move_predict_the_mean():
    regression = RidgeRegression(2, 1)
    regression.add(np.full((9, 2), 5.0), np.arange(9.0)[:, None])
    coefficients, intercepts = regression.solve()
    np.testing.assert_array_equal(coefficients, 0)
    np.testing.assert_allclose(intercepts, 4)
