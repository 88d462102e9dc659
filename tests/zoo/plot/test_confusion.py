"""Confusion matrices: shares, counts and names."""

import itertools

import numpy as np
import pytest

from tests.zoo.plot.pictures import assert_nothing_is_cut_off, ticks
from zoo import plot

NAMES = ["Cat", "Dog", "Rain"]


def test_confusion_shows_shares_and_counts():
    truth = [0, 0, 0, 0, 1, 1]
    figure = plot.confusion(truth, [0, 0, 0, 1, 1, 2], NAMES)
    axes = figure.axes[0]
    image = axes.get_images()[0]
    np.testing.assert_allclose(image.get_array(), [[0.75, 0.25, 0], [0, 0.5, 0.5]])
    assert image.get_clim() == (0, 1)
    # No clip is of Rain: whatever is taken for it is in one column.
    assert list(ticks(axes.xaxis)) == ["Cat", "Dog", "other labels"]
    assert list(ticks(axes.yaxis)) == ["Cat", "Dog"]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "3",
        (1, 0): "1",
        (1, 1): "1",
        (2, 1): "1",
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert figure.axes[1].get_ylabel() == "share of the true class"


def test_confusion_of_scores_is_that_of_their_best(scored):
    truth, scores = scored
    of_scores = plot.confusion(truth, scores, NAMES).axes[0].get_images()[0].get_array()
    of_indices = plot.confusion(truth.argmax(axis=1), scores.argmax(axis=1), NAMES)
    np.testing.assert_array_equal(of_scores, of_indices.axes[0].get_images()[0].get_array())


@pytest.mark.parametrize("classes", [3, 86])
def test_confusion_of_many_classes_is_larger_and_without_counts(classes):
    names = [f"Class {n} with a name that is rather long" for n in range(classes)]
    figure = plot.confusion(np.arange(classes), np.arange(classes), names)
    axes = figure.axes[0]
    assert len(axes.texts) == (classes if classes == 3 else 0)
    assert len(ticks(axes.yaxis)) == classes
    assert_nothing_is_cut_off(figure)
    labels = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(labels))


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([], [], "class indices"),
        (np.zeros((0, 3), bool), np.zeros((0, 3)), "of one at least"),
        ([0, 1], [0], "Received 2 and 1"),
        ([0, 3], [0, 1], "truth must be class indices .* from 0 to 2"),
        ([0, 1], [0.0, 1.0], "predicted must be class indices"),
        ([0, 1], [[0.1, 0.2], [0.3, 0.4]], r"predicted must be .* Received shape \(2, 2\)"),
        ([0, 1], [[0.1, 0.2, 0], [0.3, np.nan, 0]], "NaN in predicted, first for clip 1"),
        ([[True, False, False], [True, True, False]], [0, 1], "Clip 1 has 2"),
    ],
)
def test_confusion_refuses_what_does_not_fit(truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        plot.confusion(truth, predicted, NAMES)
