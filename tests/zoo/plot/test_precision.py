"""Precision over recall, and its average class by class."""

import numpy as np
import pytest

from tests.zoo.plot.pictures import legend
from zoo import plot
from zoo.evaluation import average_precision
from zoo.plot.figure import APART

NAMES = ["Cat", "Dog", "Rain"]


def test_pr_curves_are_of_each_class_and_their_mean(scored):
    truth, scores = scored
    axes = plot.pr_curves(truth, scores, NAMES).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")
    assert axes.get_xlim() == (0, 1)
    precisions = average_precision(truth, scores)
    best_first = np.argsort(-precisions)
    assert legend(axes) == [
        *(f"{NAMES[column]} ({precisions[column]:.2f})" for column in best_first),
        f"mean of 3 classes ({precisions.mean():.2f})",
    ]
    *curves, mean = axes.get_lines()
    np.testing.assert_allclose(mean.get_ydata(), np.mean([c.get_ydata() for c in curves], axis=0))
    for curve, column in zip(curves, best_first, strict=True):
        # The area under the curve is the average precision, up to its 200 steps.
        assert curve.get_ydata().mean() == pytest.approx(precisions[column], abs=0.01)
        assert curve.get_ydata()[-1] == pytest.approx(lowest_precision(truth, scores, column))


def lowest_precision(truth, scores, column):
    """Precision at the highest threshold that finds all clips of a class."""
    found = scores[:, column] >= scores[truth[:, column], column].min()
    return truth[found, column].mean()


def test_clips_of_equal_score_are_found_together():
    truth = np.array([[True], [False], [True], [False]])
    axes = plot.pr_curves(truth, np.array([[0.9], [0.5], [0.5], [0.1]]), ["Dog"]).axes[0]
    curve = axes.get_lines()[0]
    expected = np.where(curve.get_xdata() <= 0.5, 1, 2 / 3)
    np.testing.assert_allclose(curve.get_ydata(), expected)


def test_pr_curves_of_many_classes_are_grey_but_for_some():
    rng = np.random.default_rng(0)
    names = [f"Class {n}" for n in range(40)]
    truth, scores = rng.random((200, 40)) < 0.2, rng.random((200, 40))
    truth[:, 7] = False
    precisions = average_precision(truth, scores)
    axes = plot.pr_curves(truth, scores, names).axes[0]
    colours = [line.get_color() for line in axes.get_lines()]
    assert colours.count("0.8") == 39 - 6
    assert len(set(colours)) == 6 + 1 + 1
    assert legend(axes)[-2:] == [
        f"mean of 39 classes ({np.nanmean(precisions):.2f})",
        "other classes",
    ]
    ranked = [names[column] for column in np.argsort(-precisions)[:39]]
    shown = [label.split(" (")[0] for label in legend(axes)[:6]]
    assert shown == [*ranked[:2], *ranked[18:20], *ranked[-2:]]
    named = plot.pr_curves(truth, scores, names, classes=["Class 3", "Class 30"])
    assert [label[:8] for label in legend(named.axes[0])[:2]] == ["Class 3 ", "Class 30"]
    for missing in ("Class 7", "Cow"):
        with pytest.raises(ValueError, match=f"'{missing}' has no curve"):
            plot.pr_curves(truth, scores, names, classes=[missing])


def test_coloured_curves_differ_in_colour_or_dashes():
    rng = np.random.default_rng(0)
    names = [f"Class {n}" for n in range(12)]
    axes = plot.pr_curves(rng.random((50, 12)) < 0.3, rng.random((50, 12)), names).axes[0]
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}
    assert len(styles) == 13


def test_few_curves_are_of_different_colours(scored):
    lines = plot.pr_curves(*scored, NAMES).axes[0].get_lines()
    assert [line.get_color() for line in lines[:3]] == list(APART[:3])


def test_pr_curves_refuse_what_does_not_fit(scored):
    truth, scores = scored
    with pytest.raises(ValueError, match=r"Received shape \(60, 3\) and 2 names"):
        plot.pr_curves(truth, scores, NAMES[:2])
    with pytest.raises(ValueError, match="truth must be bool"):
        plot.pr_curves(truth.astype(int), scores, NAMES)


def test_pr_curves_of_undefined_classes_are_none():
    axes = plot.pr_curves([[True, False]], [[0.5, 0.1]], ["Cat", "Dog"]).axes[0]
    assert not axes.get_lines()
    assert axes.get_legend() is None


@pytest.fixture
def metrics():
    per_class = {"Cat": (3, 0.25), "Dog, barking": (5, 0.75), "$Rain$": (0, None)}
    return {
        "mAP": 0.5,
        "per_class": {name: {"clips": n, "AP": value} for name, (n, value) in per_class.items()},
        "without_positives": ["$Rain$"],
        "without_negatives": [],
    }


def test_average_precision_is_a_bar_for_each_class_best_on_top(metrics):
    axes = plot.average_precision(metrics).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Cat (3)", "Dog, barking (5)"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.75]
    assert [text.get_text() for text in axes.texts] == ["0.25", "0.75"]
    assert axes.get_title() == "mean 0.500"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("average precision", "class (clips)")


def test_undefined_figures_are_left_out(metrics):
    metrics |= {"mAP": None, "without_negatives": ["Cat", "Dog, barking"]}
    axes = plot.average_precision(metrics).axes[0]
    assert not axes.patches
    assert axes.get_title() == ""
