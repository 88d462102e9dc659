import numpy as np
import pytest

from zoo.evaluation import average_precision, bootstrap, bootstrap_intervals, d_prime, roc_auc


def sample(generator, clips, classes=6):
    truth = generator.random((clips, classes)) < np.geomspace(0.02, 0.2, classes)
    scores = generator.normal(size=truth.shape) + truth * np.linspace(0.5, 3, classes)
    return truth, scores.astype(np.float32)


def test_same_seed_same_intervals_and_blocks_do_not_matter(monkeypatch):
    truth, scores = sample(np.random.default_rng(0), 200)
    intervals = bootstrap_intervals(truth, scores, resamples=50, seed=3)
    assert intervals == bootstrap_intervals(truth, scores, resamples=50, seed=3)
    assert intervals != bootstrap_intervals(truth, scores, resamples=50, seed=4)
    monkeypatch.setattr(bootstrap, "_COUNTS", 200 * 7)
    monkeypatch.setattr(bootstrap, "_RANKED", 200 * 2)
    blocks = bootstrap_intervals(truth, scores, resamples=50, seed=3)
    for name, bounds in intervals.items():
        assert blocks[name] == pytest.approx(bounds, abs=1e-12)


def test_interval_covers_the_figure_of_other_clips_as_often_as_it_says():
    generator = np.random.default_rng(1)
    figures = [
        (average_precision(*case).mean(), roc_auc(*case).mean())
        for case in (sample(generator, 400) for _ in range(200))
    ]
    expected = dict(zip(("mAP", "AUC"), np.mean(figures, axis=0), strict=True))
    covered = {"mAP": 0, "AUC": 0}
    for seed in range(60):
        intervals = bootstrap_intervals(*sample(generator, 400), resamples=100, seed=seed)
        for name, value in expected.items():
            low, high = intervals[name]
            covered[name] += low <= value <= high
    # 57 of 60 on average; the standard deviation is 1.7.
    assert 51 <= covered["mAP"] <= 60
    assert 51 <= covered["AUC"] <= 60


def test_interval_of_a_share_is_the_binomials():
    generator = np.random.default_rng(2)
    truth = np.eye(2, dtype=bool)[generator.integers(0, 2, 2000)]
    right = generator.random(2000) < 0.7
    scores = np.where(right[:, np.newaxis], truth, ~truth).astype(float)
    low, high = bootstrap_intervals(truth, scores, resamples=1000)["top1"]
    deviation = np.sqrt(right.mean() * (1 - right.mean()) / 2000)
    assert (low + high) / 2 == pytest.approx(right.mean(), abs=0.003)
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_d_prime_is_that_of_the_auc_and_steps_are_tracked():
    truth, scores = sample(np.random.default_rng(0), 100)
    told = []

    def track(items, length, words):
        items = list(items)
        told.append((len(items), length, words))
        return iter(items)

    intervals = bootstrap_intervals(truth, scores, resamples=20, track=track)
    assert intervals["d_prime"] == pytest.approx(tuple(d_prime(intervals["AUC"])))
    assert told == [(6, 6, "Resampling")]


def test_perfect_scores_have_an_interval_of_no_width():
    truth = np.eye(3, dtype=bool)[np.arange(60) % 3]
    intervals = bootstrap_intervals(truth, truth.astype(np.float32), resamples=20)
    assert intervals["mAP"] == (1, 1)
    assert intervals["top1"] == (1, 1)
