"""The figures against scikit-learn's, and against their definitions written out."""

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from zoo.evaluation import average_precision, d_prime, lwlrap, roc_auc, top1
from zoo.evaluation.metrics import ClassRanking, balanced_mean, best_thresholds, class_figures

SCORES = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),  # many ties
    st.floats(0, 1, width=32),
)


@st.composite
def truth_and_scores(draw):
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 5)))
    truth = draw(arrays(bool, shape))
    for column in range(shape[1]):
        only = draw(st.sampled_from([None, None, None, False, True]))
        if only is not None:
            truth[:, column] = only
    return truth, draw(arrays(np.float32, shape, elements=SCORES))


@given(truth_and_scores())
@example((np.array([[True], [False]]), np.zeros((2, 1), np.float32)))
@example((np.array([[False]]), np.ones((1, 1), np.float32)))
def test_average_precision_is_scikit_learns(case):
    truth, scores = case
    for column, value in enumerate(average_precision(truth, scores)):
        if truth[:, column].any():
            expected = reference.average_precision_score(truth[:, column], scores[:, column])
            assert value == pytest.approx(expected, abs=1e-6)
        else:
            assert np.isnan(value)


@given(truth_and_scores())
def test_auc_is_scikit_learns(case):
    truth, scores = case
    for column, value in enumerate(roc_auc(truth, scores)):
        if len(set(truth[:, column])) == 2:
            expected = reference.roc_auc_score(truth[:, column], scores[:, column])
            assert value == pytest.approx(expected, abs=1e-6)
        else:
            assert np.isnan(value)


@given(truth_and_scores())
def test_lwlrap_is_scikit_learns_weighted_by_labels(case):
    truth, scores = case
    labels = truth.sum(axis=1)
    if truth.shape[1] == 1:  # scikit-learn takes one column for one that is not multilabel
        truth = np.hstack([truth, np.zeros_like(truth)])
        scores = np.hstack([scores, np.full_like(scores, -1)])
    if labels.any():
        expected = reference.label_ranking_average_precision_score(
            truth, scores, sample_weight=labels
        )
        assert lwlrap(truth, scores) == pytest.approx(expected, abs=1e-6)
    else:
        assert math.isnan(lwlrap(truth, scores))


@given(truth_and_scores())
def test_lwlrap_weighs_classes_by_their_clips(case):
    """The definition of DCASE 2019: a class's mean precision, weighted by its share of labels."""
    truth, scores = case
    precisions = np.zeros(truth.shape)
    for clip, label in zip(*np.nonzero(truth), strict=True):
        ranked = scores[clip] >= scores[clip, label]
        precisions[clip, label] = truth[clip, ranked].mean()
    clips = truth.sum(axis=0)
    per_class = precisions.sum(axis=0) / np.maximum(clips, 1)
    if truth.any():
        expected = (per_class * clips / clips.sum()).sum()
        assert lwlrap(truth, scores) == pytest.approx(expected, abs=1e-6)


@given(truth_and_scores(), st.integers(0, 99))
def test_counts_are_as_good_as_repeated_clips(case, seed):
    truth, scores = case
    counts = np.random.default_rng(seed).integers(0, 4, (3, len(truth)))
    ranking = ClassRanking(truth[:, 0], scores[:, 0])
    for row, pair in zip(counts, zip(*ranking.figures(counts), strict=True), strict=True):
        drawn = np.repeat(np.arange(len(truth)), row)
        if len(drawn):
            expected = class_figures(truth[drawn, :1], scores[drawn, :1])[:2]
            np.testing.assert_allclose(pair, np.ravel(expected), atol=1e-12)
        else:
            assert np.isnan(pair).all()


def test_top1_is_the_share_of_clips_whose_best_label_is_theirs():
    truth = np.array([[True, False, True], [False, True, False], [True, False, False]])
    scores = np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7], [0.6, 0.1, 0.2]])
    assert top1(truth, scores) == pytest.approx(2 / 3)
    without_labels = np.vstack([truth, np.zeros((1, 3), bool)])
    assert top1(without_labels, np.vstack([scores, scores[:1]])) == pytest.approx(2 / 3)
    assert math.isnan(top1(np.zeros((2, 3), bool), scores[:2]))


def test_top1_is_accuracy_for_one_label_a_clip():
    generator = np.random.default_rng(0)
    truth = np.eye(5, dtype=bool)[generator.integers(0, 5, 200)]
    scores = generator.random((200, 5))
    expected = reference.accuracy_score(truth.argmax(axis=1), scores.argmax(axis=1))
    assert top1(truth, scores) == pytest.approx(expected)


def test_figures_of_many_clips_and_classes_are_read_in_blocks(tmp_path):
    generator = np.random.default_rng(0)
    truth = generator.random((9000, 37)) < 0.1
    scores = np.round(generator.random((9000, 37)) + 0.2 * truth, 3).astype(np.float32)
    np.save(tmp_path / "scores.npy", scores)
    mapped = np.load(tmp_path / "scores.npy", mmap_mode="r")
    average_precisions, areas, _ = class_figures(truth, mapped)
    expected = reference.average_precision_score(truth, scores, average=None)
    np.testing.assert_allclose(average_precisions, expected, atol=1e-6)
    expected = reference.roc_auc_score(truth, scores, average=None)
    np.testing.assert_allclose(areas, expected, atol=1e-6)
    expected = reference.label_ranking_average_precision_score(
        truth, scores, sample_weight=truth.sum(axis=1)
    )
    assert lwlrap(truth, mapped) == pytest.approx(expected, abs=1e-6)


def test_d_prime_of_the_papers_table_2():
    """AUC and d' as printed: ResNet-50, Inception, VGG, AlexNet, fully connected."""
    areas = np.array([0.926, 0.918, 0.911, 0.894, 0.851])
    np.testing.assert_allclose(d_prime(areas), [2.041, 1.969, 1.911, 1.764, 1.471], atol=0.012)


def test_d_prime_of_limits():
    np.testing.assert_equal(d_prime([0.0, 0.5, 1.0, np.nan]), [-np.inf, 0, np.inf, np.nan])


def test_balanced_mean_leaves_out_what_is_undefined():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        means = balanced_mean(np.array([[1.0, np.nan, 0.5], [np.nan, np.nan, np.nan]]))
    np.testing.assert_equal(means, [0.75, np.nan])


@pytest.mark.parametrize("figure", [average_precision, roc_auc, lwlrap, top1])
@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        ([[True, False]] * 3, [[0.5, 0.5], [0.5, float("nan")], [0.5, 0.5]], "first for clip 1"),
        ([[True]], [[0.5, 0.5]], "Received shapes (1, 1) and (1, 2)"),
        ([True], [0.5], "must both be [clips, classes]"),
        (np.zeros((0, 2), bool), np.zeros((0, 2)), "at least one of each"),
        ([[1, 0]], [[0.5, 0.5]], "truth must be bool"),
    ],
)
def test_bad_arguments_are_errors(figure, truth, scores, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        figure(truth, scores)


def test_the_best_threshold_is_that_of_the_highest_f1():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.random((30, 1)) < 0.3
        scores = np.round(rng.random((30, 1)) * 0.7 + truth * 0.3, 1)
        (threshold,) = best_thresholds(truth, scores)
        best = max(f1(truth, scores >= candidate) for candidate in np.unique(scores))
        assert f1(truth, scores >= threshold) == pytest.approx(best)


def f1(truth, guess):
    return reference.f1_score(truth[:, 0], guess[:, 0])


def test_the_best_threshold_has_room_on_both_sides():
    truth = np.array([[True, False], [False, False]])
    assert best_thresholds(truth, np.array([[0.9, 0.5], [0.5, 0.5]]))[0] == pytest.approx(0.7)
    assert np.isnan(best_thresholds(truth, np.array([[0.9, 0.5], [0.5, 0.5]]))[1])
    assert best_thresholds(truth[:1], np.array([[0.9, 0.5]]))[0] == pytest.approx(0.45)
