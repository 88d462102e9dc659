"""Linear regression in closed form, of more examples than fit into memory."""

import numpy as np

RIDGE = 1e-2
"""Weight of the squared coefficients, in units of the inputs' mean variance (ours)."""
MOST_SPREAD = 10
"""Times that predictions are spread at most; beyond it they are noise (ours)."""


class RidgeRegression:
    """The least squares of examples that are added batch by batch, and are not kept.

    Minimises the mean squared error plus `RIDGE` times the inputs' mean variance times the sum of
    the squared coefficients: inputs that hardly move get hardly any, where least squares might make
    them large, and int8 then loses all others. Such predictions vary less than what they predict,
    and the less, the less is known of it: those of rare classes would stay below those of common
    ones. Each output's are therefore spread as widely as the output is.

    Args:
        inputs: how many there are.
        outputs: how many there are.
    """

    def __init__(self, inputs, outputs):
        # Of an input that is always 1, too, for the means.
        self._inputs = np.zeros((inputs + 1, inputs + 1))
        self._both = np.zeros((inputs + 1, outputs))
        self._outputs = np.zeros(outputs)

    def add(self, inputs, outputs):
        """Adds examples: `[batch, inputs]` and `[batch, outputs]`."""
        inputs = np.pad(np.asarray(inputs, np.float64), ((0, 0), (0, 1)), constant_values=1)
        outputs = np.asarray(outputs, np.float64)
        self._inputs += inputs.T @ inputs
        self._both += inputs.T @ outputs
        self._outputs += np.square(outputs).sum(axis=0)

    def solve(self):
        """Coefficients `[inputs, outputs]` and intercepts `[outputs]`, float64."""
        examples = self._inputs[-1, -1]
        mean_in, mean_out = self._inputs[-1, :-1] / examples, self._both[-1] / examples
        covariance = self._inputs[:-1, :-1] / examples - np.outer(mean_in, mean_in)
        weight = RIDGE * covariance.diagonal().mean() or 1.0  # where nothing moves, any will do
        coefficients = np.linalg.solve(
            covariance + weight * np.eye(len(covariance)),
            self._both[:-1] / examples - np.outer(mean_in, mean_out),
        )
        predicted = np.sum(coefficients * (covariance @ coefficients), axis=0)
        wanted = self._outputs / examples - np.square(mean_out)
        wide = np.sqrt(np.maximum(wanted, predicted) / np.maximum(predicted, 1e-12))
        coefficients *= np.minimum(wide, MOST_SPREAD)
        return coefficients, mean_out - mean_in @ coefficients
