import numpy as np

from zoo import plot
from zoo.evaluation import calibrate


def test_both_curves_and_their_errors_are_drawn(tmp_path):
    rng = np.random.default_rng(0)
    scores = rng.uniform(size=(500, 2))
    truth = rng.uniform(size=scores.shape) < scores**2
    found = calibrate(truth, scores, ["A", "B"], "platt")
    figure = plot.reliability(found)
    curve, counts = figure.axes
    drawn = {line.get_label(): line.get_ydata() for line in curve.get_lines()[1:]}
    assert list(drawn) == [
        f"scores (error {found.before.error:.3f})",
        f"probabilities (error {found.after.error:.3f})",
    ]
    np.testing.assert_array_equal(next(iter(drawn.values())), found.before.observed)
    assert sum(bar.get_height() for bar in counts.patches) == 2 * scores.size
    plot.save(figure, tmp_path / "reliability.png")
