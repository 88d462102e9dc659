"""What teachers say of mixtures, and what a network learns of it."""

import re

import numpy as np
import pytest
import tensorflow as tf

from export import export_saved_model
from tests.zoo.training.conftest import write_saved_teacher
from zoo import AudioClassifier
from zoo.labels import Label
from zoo.training.teaching import (
    ABSENT,
    CROSS_ENTROPY,
    LABELLED,
    SMALLEST_DEVIATION,
    Teachers,
    Teaching,
)

FLOOR = 0.02
LABELS = [Label("high"), Label("low"), Label("middle")]
LOUD = np.full((2, 100), 0.5, "float32")


def logit(score):
    return np.log(score / (1 - score))


@pytest.fixture
def teaching():
    """Of teachers of the first two classes."""
    return Teaching(np.array([1, 1, 0], "float32"), FLOOR)


def test_a_teachers_classes_go_by_their_names(tmp_path):
    write_saved_teacher(tmp_path / "t", ["low", "other", "high"], [-2.0, 9.0, 2.0])
    teachers = Teachers([tmp_path / "t"], LABELS)
    np.testing.assert_allclose(teachers.logits(LOUD), [[1, -1, 0]] * 2, atol=1e-5)
    np.testing.assert_array_equal(teachers.known, [1, 1, 0])


def test_logits_are_means_over_the_teachers_that_know_the_class(tmp_path):
    write_saved_teacher(tmp_path / "a", ["high", "low"], [2.0, 4.0])
    write_saved_teacher(tmp_path / "b", ["middle", "high"], [8.0, 6.0])
    both = Teachers([tmp_path / "a", tmp_path / "b"], LABELS)
    np.testing.assert_allclose(both.logits(LOUD), [[2, 2, 4]] * 2, atol=1e-4)


def test_a_label_raises_the_target_and_its_absence_says_nothing(teaching):
    labels = np.array([[0, 1, 0], [1, 0.5, 0.2]], "float32")
    targets = teaching.targets(np.array([[1, -1, 0]] * 2, "float32"), labels).numpy()
    np.testing.assert_allclose(targets[0, :2], [1, logit(LABELLED)], atol=1e-5)
    # A share of a half is what the teacher says already, or more; the first is sure of it.
    np.testing.assert_allclose(targets[1], [1, -1, logit(0.2 * LABELLED)], atol=1e-5)
    assert targets[0, 2] < -15


def test_absence_counts_where_the_labels_of_all_that_is_mixed_are_complete():
    teaching = Teaching(np.ones(3, "float32"), FLOOR, complete=np.array([True, True, False]))
    said = np.array([[1, -9, 2]] * 3, "float32")
    # The last column: the labels of all are complete, of one are not, of all are.
    labels = np.array([[0, 0, 0, 0], [0, 0, 0, 0.3], [0.2, 0, 0, 0]], "float32")
    targets = teaching.targets(said, labels).numpy()
    np.testing.assert_allclose(targets, [[logit(ABSENT), -9, 2], said[0], said[0]], atol=1e-5)


def test_what_is_nearly_nothing_counts_as_nothing(teaching):
    floor = logit(FLOOR)
    targets = np.array([[2, floor - 5, floor + 1]], "float32")
    np.testing.assert_allclose(teaching.floored(targets), [[2, floor, floor + 1]], atol=1e-5)


def test_what_should_be_nothing_has_to_stay_below_the_floor_alone():
    teaching = Teaching(np.ones(4, "float32"), FLOOR)
    floor = logit(FLOOR)
    # Below it, and far below; above it where it should be below, and the other way round.
    logits = tf.constant([[floor - 1, floor - 9, floor + 1, floor - 1]], tf.float32)
    targets = np.array([[floor - 5, floor - 5, floor - 5, floor + 1]], "float32")
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = teaching.losses(targets, logits)
    gradient = tape.gradient(loss, logits).numpy()[0]
    np.testing.assert_allclose(gradient, [0, 0, 2 * 1 / 4, 2 * -2 / 4], atol=0.001)
    assert loss.numpy()[0] == pytest.approx((1**2 + 2**2) / 4, abs=0.01)


def test_without_a_floor_all_that_teachers_say_counts():
    teaching = Teaching(np.ones(2, "float32"), 0.0)
    targets = np.array([[-9, -12]], "float32")
    loss = teaching.losses(targets, np.array([[-10, -14]], "float32")).numpy()[0]
    assert loss == pytest.approx((1**2 + 2**2) / 2, abs=1e-4)


def test_the_loss_is_in_units_of_each_classs_deviation(teaching):
    teaching.deviation.assign([2.0, 0.5, 1.0])
    targets = np.array([[1, -1, -16]], "float32")
    exact, off = (
        teaching.losses(targets, np.array([logits], "float32")).numpy()[0]
        for logits in ([1, -1, -16], [3, -2, -16])
    )

    def cross_entropy(logits):
        score, truth = 1 / (1 + np.exp(-np.array(logits))), 1 / (1 + np.exp(-np.array([1, -1])))
        return CROSS_ENTROPY * -(truth * np.log(score) + (1 - truth) * np.log(1 - score)).sum() / 3

    assert exact == pytest.approx(cross_entropy([1.0, -1.0]), abs=1e-5)
    assert off == pytest.approx((1**2 + 2**2) / 3 + cross_entropy([3.0, -2.0]), abs=1e-5)
    # Of the class that no teacher knows the label counts, by cross-entropy alone.
    unknown = teaching.losses(targets, np.array([[1, -1, 2.0]], "float32")).numpy()[0]
    assert unknown - exact == pytest.approx(np.log1p(np.exp(2)) / 3, abs=1e-4)


def test_mean_and_deviation_are_those_of_many_mixtures(teaching):
    said = np.random.default_rng(0).normal(size=(20, 3)).astype("float32") * [1, 9, 0]
    teaching.measure(iter(np.split(said, 5)))
    said = np.maximum(said, logit(FLOOR))
    np.testing.assert_allclose(teaching.mean, said.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(teaching.deviation[:2], said.std(axis=0)[:2], atol=1e-6)
    assert teaching.deviation[2] == np.float32(SMALLEST_DEVIATION)


def test_what_soundzoo_exports_is_a_teacher(tmp_path):
    classifier = AudioClassifier("fully_connected", ["low", "high"], width=0.02)
    export_saved_model(classifier, tmp_path / "t")
    waveforms = np.random.default_rng(0).normal(0, 0.1, (2, 30000)).astype("float32")
    scores = classifier.predict(waveforms, verbose=0)
    heard = tf.sigmoid(Teachers([tmp_path / "t"], LABELS).logits(waveforms)).numpy()
    np.testing.assert_allclose(heard[:, :2], scores[:, ::-1], atol=1e-5)


def test_a_teacher_that_hears_another_rate_is_refused(telephone_preset, tmp_path):
    export_saved_model(AudioClassifier.from_preset(telephone_preset), tmp_path / "t")
    with pytest.raises(ValueError, match="hears sound at 8000 Hz, and mixtures are at 16000"):
        Teachers([tmp_path / "t"], LABELS)
    (tmp_path / "t" / "assets" / "frontend.json").write_text("[]")
    with pytest.raises(ValueError, match="t is not a teacher"):
        Teachers([tmp_path / "t"], LABELS)


def test_what_is_no_teacher(tmp_path):
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'x'} is not a teacher")):
        Teachers([tmp_path / "x"], LABELS)
    write_saved_teacher(tmp_path / "t", ["a", "b"], [1.0, 1.0])
    (tmp_path / "t" / "assets" / "labels.txt").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="t is not a teacher"):
        Teachers([tmp_path / "t"], LABELS)
    (tmp_path / "t" / "assets" / "labels.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match="knows none of the classes; it knows 2 others, 'a', 'b'"):
        Teachers([tmp_path / "t"], LABELS)
