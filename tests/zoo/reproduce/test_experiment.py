"""The three experiments that train, and how they are run."""

import contextlib
import dataclasses
import itertools
import json
import math
import shutil
import sys

import numpy as np
import pytest

from frontend import FrontendConfig
from tests.zoo.training.conftest import write_saved_teacher
from zoo import AudioClassifier, list_models
from zoo.architecture import find_architecture
from zoo.data.subset import Subset
from zoo.reproduce import architectures, data_size, label_set, run
from zoo.reproduce.experiment import mean_and_range
from zoo.reproduce.report import write_report
from zoo.training import TrainConfig


def test_architectures_differ_in_network_and_rate_alone(data, config):
    trials = architectures(data, config).trials
    assert sorted(trial.settings["network"] for trial in trials) == [
        name for name in list_models() if find_architecture(name).paper
    ]
    for trial in trials:
        assert trial.config.model == trial.settings["network"]
        same = {"model": config.model, "learning_rate": config.learning_rate}
        assert dataclasses.replace(trial.config, **same) == config


def test_label_sets_are_scored_on_the_few(data, config, monkeypatch):
    monkeypatch.setattr(sys.modules["zoo.reproduce.label_set"], "FEW", 2)
    trials = label_set(data, config).trials
    assert [tuple(trial.settings.values()) for trial in trials] == [
        ("no", "all"),
        ("no", "few"),
        ("yes", "all"),
        ("yes", "few"),
    ]
    assert [len(trial.data.labels) for trial in trials] == [3, 2, 3, 2]
    assert [len(trial.test.labels) for trial in trials] == [2] * 4
    assert [trial.config.bottleneck for trial in trials] == [None, None, 128, 128]
    few = trials[1].data.select("train")
    assert 0 < len(few) < len(data.select("train"))


def test_smaller_sets_are_parts_of_larger_ones(data, config):
    sets = [set(trial.data.select("train")) for trial in data_size(data, config).trials]
    assert [len(clips) for clips in sets] == [18, 5, 2, 1]
    for larger, smaller in itertools.pairwise(sets):
        assert smaller < larger
    assert all(trial.test is data for trial in data_size(data, config).trials)


def test_few_labels_are_fewer_than_all(data, config):
    with pytest.raises(ValueError, match="To compare with 30 labels, the data must have more"):
        label_set(data, config)


def test_label_sets_begin_with_random_weights(data, config):
    with pytest.raises(
        ValueError, match=r"from random weights: leave init out. Received: 'yamnet'"
    ):
        label_set(data, dataclasses.replace(config, init="yamnet"))


def test_too_few_clips_are_refused_before_any_training(data, config, tmp_path):
    with pytest.raises(ValueError, match="A batch of 4 patches is more than the data's"):
        run(data_size(data, config), tmp_path)
    assert not list(tmp_path.iterdir())


def test_patches_are_counted_as_the_preset_hears_them(two_sizes, config, tmp_path):
    """27 begin every 0.96 s, and more every 0.48 s."""
    frontend = FrontendConfig(patch_hop_seconds=0.48)
    labels = ["high", "low", "middle"]
    classifier = AudioClassifier("fully_connected", labels, width=0.02, frontend=frontend)
    classifier.save_to_preset(tmp_path / "preset")
    init = {"init": str(tmp_path / "preset"), "model": None, "width": None, "batch": 30}
    trial = two_sizes.trials[0]._replace(config=dataclasses.replace(config, **init))
    (row,) = run(two_sizes._replace(trials=[trial]), tmp_path / "runs")["rows"]
    assert row["steps"] == 4


def test_figures_that_are_undefined_have_no_interval(two_sizes, data, tmp_path):
    trial = two_sizes.trials[0]
    one = Subset(data, clips=np.r_[data.select("train"), data.select("test")[:1]])
    results = run(two_sizes._replace(trials=[trial._replace(test=one)]), tmp_path / "runs")
    assert results["rows"][0]["intervals"]["mAP"] is None
    write_report(results, tmp_path / "report")
    assert "| 100% | - | - |" in (tmp_path / "report" / "data.md").read_text()


def test_other_splits_stay_whole(data, config):
    for trial in data_size(data, config).trials:
        np.testing.assert_array_equal(trial.data.select("test"), data.select("test"))


@pytest.mark.parametrize("experiment", [label_set, data_size])
def test_one_budget_for_more_and_fewer_clips(data, experiment):
    with pytest.raises(ValueError, match="name epoch_steps in the file of --config"):
        experiment(data, TrainConfig())


@pytest.fixture
def two_sizes(data, config):
    experiment = data_size(data, config)
    return experiment._replace(trials=[experiment.trials[0], experiment.trials[1]])


def test_runs_trains_and_evaluates_once(two_sizes, data, tmp_path):
    results = run(two_sizes, tmp_path)
    assert json.loads(json.dumps(results)) == results
    assert [row["settings"] for row in results["rows"]] == [{"clips": "100%"}, {"clips": "30%"}]
    for row, folder in zip(results["rows"], ("100_", "30_"), strict=True):
        metrics = json.loads((tmp_path / folder / "0" / "evaluation" / "metrics.json").read_text())
        assert metrics["clips"] == len(data.select("test"))
        for figure in ("mAP", "AUC", "d_prime"):
            assert row[figure] == metrics[figure]
            assert row["intervals"][figure] == metrics["intervals"][figure]
        assert row["steps"] == 4
        assert 0 < row["hours"] < 1
        assert 0 < row["multiplies"] < row["weights"]  # biases multiply nothing
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("log.csv")}
    assert len(written) == 2
    assert run(two_sizes, tmp_path) == results
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("log.csv")}


def test_teachers_hear_a_seeds_mixtures_once(data, config, tmp_path):
    write_saved_teacher(tmp_path / "t", ["high", "low"], [2.0, 4.0])
    experiment = architectures(data, dataclasses.replace(config, teachers=[str(tmp_path / "t")]))
    dense = [trial for trial in experiment.trials if trial.config.model == "fully_connected"]
    both = [
        trial._replace(
            settings={"rate": rate}, config=dataclasses.replace(trial.config, learning_rate=rate)
        )
        for trial in dense
        for rate in (1e-3, 1e-4)
    ]
    heard = []

    @contextlib.contextmanager
    def progress(steps):
        yield lambda more: heard.append((steps, more))

    run(experiment._replace(trials=both), tmp_path / "runs", seeds=2, progress=progress)
    assert heard == [(4, 0), (4, 4)] * 2
    said = {
        (tmp_path / "runs" / rate / seed / "config.yaml").read_text().split("taught: ")[1]
        for rate, seed in itertools.product(("0_001", "0_0001"), "01")
    }
    assert len(said) == len(list((tmp_path / "runs" / "taught").iterdir())) == 2
    # Elsewhere, and without the teachers, what is there is enough.
    shutil.rmtree(tmp_path / "t")
    (tmp_path / "runs").rename(tmp_path / "moved")
    run(experiment._replace(trials=both), tmp_path / "moved", seeds=2)


def test_what_teachers_said_is_of_one_seed(data, config, tmp_path):
    experiment = architectures(data, dataclasses.replace(config, teachers=["x"], taught="y"))
    with pytest.raises(ValueError, match="What `taught` holds is of one seed; leave it out"):
        run(experiment, tmp_path, seeds=2)


def test_evaluates_again_on_other_data(two_sizes, data, tmp_path):
    one = two_sizes._replace(trials=two_sizes.trials[:1])
    run(one, tmp_path)
    fewer = Subset(data, clips=np.r_[data.select("train"), data.select("test")[:5]])
    run(one._replace(trials=[one.trials[0]._replace(test=fewer)]), tmp_path)
    (path,) = tmp_path.rglob("metrics.json")
    assert json.loads(path.read_text())["clips"] == 5


def test_trains_on_and_evaluates_again_with_more_epochs(data, config, tmp_path):
    def one(epochs):
        experiment = data_size(data, dataclasses.replace(config, epochs=epochs))
        return experiment._replace(trials=experiment.trials[:1])

    (row,) = run(one(1), tmp_path)["rows"]
    (longer,) = run(one(3), tmp_path)["rows"]
    assert longer["steps"] == 3 * row["steps"]
    assert run(one(3), tmp_path / "anew")["rows"][0]["AUC"] == longer["AUC"]


def test_a_split_that_is_not_there_is_missed_before_training(two_sizes, tmp_path):
    with pytest.raises(ValueError, match="no split 'evaluation'"):
        run(two_sizes, tmp_path, test_split="evaluation")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("undefined", [None, math.inf])
def test_what_is_undefined_has_no_mean(undefined):
    assert mean_and_range([1.0, undefined]) == (None, None)
    assert mean_and_range([1.0, 2.0]) == (1.5, [1.0, 2.0])


def test_seeds_of_each_trial(two_sizes, tmp_path):
    rows = run(two_sizes, tmp_path, seeds=[2, 1])["rows"]
    assert [row["seeds"] for row in rows] == [2, 1]
    assert sorted(path.name for path in (tmp_path / "100_").iterdir()) == ["0", "1"]
    with pytest.raises(ValueError, match=r"or 2 of them, one for each row .* Received: 1 1 1"):
        run(two_sizes, tmp_path, seeds=[1, 1, 1])


def test_several_seeds_give_means_and_what_lies_between(two_sizes, tmp_path):
    one = two_sizes._replace(trials=two_sizes.trials[:1])
    (row,) = run(one, tmp_path, seeds=3)["rows"]
    seeds = [
        json.loads((tmp_path / "100_" / str(seed) / "evaluation" / "metrics.json").read_text())
        for seed in range(3)
    ]
    figures = [metrics["mAP"] for metrics in seeds]
    assert len(set(figures)) > 1
    assert row["mAP"] == pytest.approx(np.mean(figures))
    assert row["intervals"]["mAP"] == [min(figures), max(figures)]


def test_a_folder_of_other_options(two_sizes, data, config, tmp_path):
    run(two_sizes._replace(trials=two_sizes.trials[:1]), tmp_path)
    other = data_size(data, dataclasses.replace(config, batch=2))
    with pytest.raises(ValueError, match="other options: batch was 4 and is now 2"):
        run(other._replace(trials=other.trials[:1]), tmp_path)
