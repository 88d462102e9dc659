"""The loop in one process; `test_distribution.py` has the others."""

import csv
import dataclasses
import json
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.zoo.training.conftest import SMALL
from zoo import AudioClassifier, head
from zoo.data import CorruptData
from zoo.evaluation import evaluate
from zoo.training import Stopped, TrainConfig, train
from zoo.training.checkpoints import load_checkpoint
from zoo.training.learner import Augmenter
from zoo.training.patches import TrainingPatches
from zoo.training.teaching import Teachers, Teaching
from zoo.training.trainer import Trainer


def weights(classifier):
    return [variable.numpy() for variable in classifier.network.variables]


def assert_same(one, two):
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory):
    """The weights that the small configuration gives without further options."""
    return weights(train(data, tmp_path_factory.mktemp("plain"), TrainConfig(**SMALL)))


def log(folder):
    with open(folder / "log.csv") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


class StopAt(keras.callbacks.Callback):
    """Sends a signal when so many steps are done; an argument, so that no checkpoint keeps it."""

    def __init__(self, left, number=signal.SIGTERM):
        super().__init__()
        self.left = left
        self.number = number

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            signal.raise_signal(self.number)


def test_learns_and_leaves_a_run_folder(data, config, tmp_path):
    folder = tmp_path / "run"
    classifier = train(data, folder, config(epochs=6, epoch_steps=20, learning_rate=3e-3))
    rows = log(folder)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert rows[-1]["val_mAP"] > 0.9
    assert rows[-1]["val_accuracy"] > 0.8
    saved = AudioClassifier.from_preset(folder)
    assert_same(weights(saved), weights(classifier))
    assert [label.name for label in saved.labels] == ["high", "low", "middle"]
    run = json.loads((folder / "run.json").read_text())
    assert (run["replicas"], run["data"]) == (1, str(data.folder))
    metrics = evaluate(saved, data, "validation", tmp_path / "evaluation", bootstrap=0)
    assert metrics["mAP"] == pytest.approx(rows[-1]["val_mAP"])
    assert metrics["top1"] == pytest.approx(rows[-1]["val_accuracy"])


def test_the_same_seed_gives_the_same_weights(data, config, plain, tmp_path):
    assert_same(plain, weights(train(data, tmp_path / "again", config())))
    other = weights(train(data, tmp_path / "other", config(seed=1)))
    assert any((one != two).any() for one, two in zip(plain, other, strict=True))


def test_teachers_are_measured_once_and_a_new_classifier_starts_at_their_mean(
    data, config, saved_teacher, tmp_path
):
    options = config(teachers=[str(saved_teacher)], learning_rate=1e-6, mixup=1.0, speed=1.2)
    with pytest.raises(Stopped):
        train(data, tmp_path / "run", options, callbacks=[StopAt(4)])
    _, _, arrays, _ = load_checkpoint(tmp_path / "run" / "checkpoints")
    resumed = train(data, tmp_path / "run", options)
    assert_same(weights(resumed), weights(train(data, tmp_path / "whole", options)))
    mean, deviation = arrays["teaching/0"], arrays["teaching/1"]
    assert deviation[0] > deviation[1] > deviation[2] > 0  # of high, low and middle
    bias = resumed.network.get_layer("logits").bias.numpy()
    np.testing.assert_allclose(bias, mean, atol=1e-4)


@pytest.mark.parametrize(
    ("step", "number"), [(1, signal.SIGINT), (4, signal.SIGTERM), (7, signal.SIGTERM)]
)
def test_stopped_by_a_signal_it_goes_on_as_if_it_was_not(data, config, tmp_path, step, number):
    options = config(ema=0.9, mixup=0.5, schedule="cosine", warmup_steps=3)
    # All workers learn of it with the step that follows.
    with pytest.raises(Stopped, match=f"Stopped by {number.name} after step {step + 1}") as stopped:
        train(data, tmp_path / "run", options, callbacks=[StopAt(step, number)])
    assert (stopped.value.step, stopped.value.signal) == (step + 1, number)
    resumed = train(data, tmp_path / "run", options)
    undisturbed = train(data, tmp_path / "undisturbed", options)
    assert_same(weights(resumed), weights(undisturbed))
    for row, expected in zip(log(tmp_path / "run"), log(tmp_path / "undisturbed"), strict=True):
        assert row | {"seconds": 0} == pytest.approx(expected | {"seconds": 0})


@pytest.mark.parametrize("epochs", [2, 9])
def test_a_signal_in_the_last_step_ends_it_as_it_would_have(data, config, tmp_path, epochs):
    def stops_early():
        return keras.callbacks.EarlyStopping(
            monitor="loss", patience=1, min_delta=100, restore_best_weights=True
        )

    options = config(epochs=epochs, epoch_steps=4, learning_rate=1e-2)
    whole = train(data, tmp_path / "whole", options, callbacks=[stops_early()])
    # All workers learn of it with the step that follows, the last of the second epoch.
    told = train(data, tmp_path / "told", options, callbacks=[stops_early(), StopAt(7)])
    assert_same(weights(told), weights(whole))
    assert_same(weights(AudioClassifier.from_preset(tmp_path / "told")), weights(whole))


def test_memory_that_is_not_enough_is_a_sentence(data, config, tmp_path, monkeypatch):
    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    monkeypatch.setattr("zoo.training.learner.Learner.step", full)
    with pytest.raises(MemoryError, match=r"not enough memory .* smaller batch \(OOM when"):
        train(data, tmp_path, config())


def test_a_finished_run_only_gives_its_classifier(data, config, tmp_path):
    trained = weights(train(data, tmp_path, config(ema=0.9)))
    stopper = StopAt(1)
    assert_same(trained, weights(train(data, tmp_path, config(ema=0.9), callbacks=[stopper])))
    assert stopper.left == 1  # it trained no step


def test_the_workers_of_tf_config_are_asked_for(data, config, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "worker 1 of 2")
    with pytest.raises(ValueError, match="TF_CONFIG is not JSON"):
        train(data, tmp_path, config())


def test_keras_callbacks_work(data, config, tmp_path):
    callbacks = [
        keras.callbacks.CSVLogger(tmp_path / "keras.csv"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_mAP", mode="max"),
        keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=0, min_delta=100),
        keras.callbacks.EarlyStopping(monitor="loss", patience=3, min_delta=100),
        keras.callbacks.TensorBoard(tmp_path / "tensorboard"),
    ]
    classifier = train(data, tmp_path / "run", config(epochs=10), callbacks=callbacks)
    rows = log(tmp_path / "run")
    assert len(rows) == 4  # stopped early
    rates = [row["learning_rate"] for row in rows]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 5e-4, 2.5e-4], rtol=1e-5)
    with open(tmp_path / "keras.csv") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == pytest.approx(
            [row["loss"] for row in rows]
        )
    best = keras.saving.load_model(tmp_path / "best.keras")
    assert_same(weights(best), weights(classifier))
    assert list((tmp_path / "tensorboard").rglob("events.*"))
    # Early stopping holds when the same call comes again.
    train(data, tmp_path / "run", config(epochs=10))
    assert len(log(tmp_path / "run")) == 4


def test_a_loss_that_is_not_finite_stops_the_run(data, config, tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
                kernel = self.model.network.get_layer("logits").kernel
                kernel.assign(kernel * float("nan"))

    message = r"The loss of step 3 is nan.*last good checkpoint is .*step-00000002\.npz"
    with pytest.raises(FloatingPointError, match=message):
        train(data, tmp_path, config(checkpoint_steps=2), callbacks=[Spoil()])
    spoiled = json.loads((tmp_path / "not_finite.json").read_text())
    assert spoiled["step"] == 3
    known = {data.clip_id(index) for index in range(len(data))}
    assert set(spoiled["clips"]) <= known
    assert spoiled["clips"]
    train(data, tmp_path, config(checkpoint_steps=2))  # goes on from there


def test_weights_that_are_not_finite_are_no_checkpoint(data, config, tmp_path, monkeypatch):
    """Of a step whose loss is finite, and whose gradients are not."""
    trained = Trainer._train_on

    def overflow(trainer, *arguments):
        trained(trainer, *arguments)
        if trainer.step == 4:
            kernel = trainer.classifier.network.get_layer("logits").kernel
            kernel.assign(kernel * float("nan"))

    monkeypatch.setattr(Trainer, "_train_on", overflow)
    message = r"Weights are not finite after step 3\. .* is .*step-00000002\.npz.*another folder"
    with pytest.raises(FloatingPointError, match=message):
        train(data, tmp_path, config(checkpoint_steps=2))
    monkeypatch.undo()
    assert np.isfinite(
        np.concatenate(
            [w.ravel() for w in weights(train(data, tmp_path, config(checkpoint_steps=2)))]
        )
    ).all()


@pytest.fixture
def accelerated(monkeypatch):
    """Looks at the loss as on an accelerator, every 4 steps; gives how many steps each look saw."""
    monkeypatch.setattr("zoo.training.trainer._look_steps", lambda: 4)
    looks = []
    look = Trainer._look

    def noted(trainer):
        looks.append(len(trainer.unseen))
        return look(trainer)

    monkeypatch.setattr(Trainer, "_look", noted)
    return looks


def test_an_accelerator_is_not_waited_for_at_each_step(data, config, tmp_path, accelerated):
    class Losses(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs.get("loss"))

    losses = []
    options = config(epoch_steps=10, checkpoint_steps=7)
    late = train(data, tmp_path / "late", options, callbacks=[Losses()])
    assert accelerated == [4, 3, 1, 2, 2, 2, 2, 4]  # after 4, 7, 8, 10, 12, 14, 16, 20
    assert losses[:3] == [None] * 3
    assert losses[3] == losses[5] != losses[6]
    accelerated.clear()
    assert_same(weights(late), weights(train(data, tmp_path / "again", options)))
    stopped = StopAt(1)
    with pytest.raises(Stopped, match="after step 4"):
        train(data, tmp_path / "stopped", options, callbacks=[stopped])
    assert_same(weights(late), weights(train(data, tmp_path / "stopped", options)))
    rows = [log(tmp_path / name) for name in ("late", "stopped")]
    assert [row["loss"] for row in rows[0]] == pytest.approx([row["loss"] for row in rows[1]])


def test_a_loss_that_is_looked_at_late_is_of_its_own_step(data, config, tmp_path, accelerated):
    class Spoil(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 5:
                kernel = self.model.network.get_layer("logits").kernel
                kernel.assign(kernel * float("nan"))

    options = config(epoch_steps=10)
    with pytest.raises(FloatingPointError, match=r"The loss of step 5 is nan.*the beginning"):
        train(data, tmp_path, options, callbacks=[Spoil()])
    assert accelerated == [4, 4]
    spoiled = json.loads((tmp_path / "not_finite.json").read_text())
    assert spoiled["step"] == 5
    assert spoiled["clips"] == Trainer(
        data, tmp_path, options, tf.distribute.get_strategy(), ()
    ).patches.clip_ids(5)


def test_each_worker_validates_a_part(data, config, tmp_path, monkeypatch):
    trainer = Trainer(data, tmp_path, config(), tf.distribute.get_strategy(), ())
    heard = []

    def scores(classifier, data, indices):
        heard.extend(indices)
        return [np.full(3, index) for index in indices]

    monkeypatch.setattr("zoo.training.trainer.score_clips", scores)
    trainer.workers, parts = 2, []
    monkeypatch.setattr(trainer, "_sum_over_workers", lambda values: values)
    for trainer.worker in range(2):
        parts.append(trainer._scores())
    assert sorted(heard) == sorted(trainer.validation)
    np.testing.assert_array_equal(sum(parts)[:, 0], trainer.validation)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_more_epochs_make_a_run_go_on(data, config, plain, tmp_path, schedule):
    train(data, tmp_path / "run", config(epochs=1, schedule=schedule))
    longer = config(epochs=2, schedule=schedule)
    if schedule == "constant":
        assert_same(plain, weights(train(data, tmp_path / "run", longer)))
    else:
        with pytest.warns(UserWarning, match="From step 5 on .* the cosine of 2 epochs"):
            train(data, tmp_path / "run", longer)
    assert [row["epoch"] for row in log(tmp_path / "run")] == [1, 2]
    with pytest.raises(ValueError, match="epochs was 2 and is now 1"):
        train(data, tmp_path / "run", config(epochs=1, schedule=schedule))


def test_more_epochs_take_up_what_was_stopped_early(data, config, tmp_path):
    class StopEarly(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    train(data, tmp_path, config(), callbacks=[StopEarly()])
    train(data, tmp_path, config(epochs=3))
    assert [row["epoch"] for row in log(tmp_path)] == [1, 2, 3]


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "bf16"},
        {"precision": "f16", "clip_norm": 1.0, "epoch_steps": 20},  # the first ones overflow
        {"clip_norm": 0.1},
        {"ema": 0.5},
        {"weight_decay": 0.1},
        {"label_smoothing": 0.1},
        {"bottleneck": 4},
        {"model": "alexnet", "precision": "bf16"},
    ],
    ids=str,
)
def test_every_departure_changes_the_weights_and_learns(data, config, plain, tmp_path, options):
    classifier = train(data, tmp_path / "run", config(**options))
    assert keras.config.dtype_policy().name == "float32"
    assert all(np.isfinite(array).all() for array in weights(classifier))
    if "model" not in options and "bottleneck" not in options:
        pairs = zip(weights(classifier), plain, strict=True)
        assert any((one != two).any() for one, two in pairs)
    rows = log(tmp_path / "run")
    assert rows[1]["loss"] < rows[0]["loss"]


def test_a_teachers_head_trains_the_body_and_is_dropped(data, config, teacher, plain, tmp_path):
    options = config(teacher=str(teacher.folder), teacher_head=True, ema=0.9)
    with pytest.raises(Stopped):
        train(data, tmp_path / "run", options, callbacks=[StopAt(4)])
    classifier = train(data, tmp_path / "run", options)
    assert_same(weights(classifier), weights(train(data, tmp_path / "undisturbed", options)))
    assert len(weights(classifier)) == len(plain)
    untaught = dataclasses.replace(options, teacher_weight=0.0)
    body = slice(None, -2)
    untaught = weights(train(data, tmp_path / "untaught", untaught))
    pairs = zip(weights(classifier)[body], untaught[body], strict=True)
    assert any((one != two).any() for one, two in pairs)
    assert classifier.classify(np.zeros(20000, "float32"))[0].label in {"low", "middle", "high"}


def test_a_teachers_head_of_weight_zero_changes_nothing(data, config, teacher, tmp_path):
    of_labels = train(data, tmp_path / "labels", config(seed=3))
    options = config(seed=3, teacher=str(teacher.folder), teacher_head=True, teacher_weight=0.0)
    taught = train(data, tmp_path / "taught", options)
    for one, two in zip(weights(of_labels), weights(taught), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_in_the_end_the_classifier_is_fitted_anew(data, config, saved_teacher, tmp_path):
    """It is nearer to what the teacher says than what gradients found, on the same body."""
    options = config(teachers=[str(saved_teacher)], mixup=0.5, speed=1.2, ema=0.9)
    plain = train(data, tmp_path / "plain", options)
    refit = dataclasses.replace(options, refit_steps=20)
    classifier = train(data, tmp_path / "run", refit)
    body = slice(None, -2)
    assert_same(weights(classifier)[body], weights(plain)[body])
    assert_same(weights(AudioClassifier.from_preset(tmp_path / "run")), weights(classifier))

    teachers = Teachers(options.teachers, data.labels)
    teaching = Teaching(teachers.known, options.teacher_floor)
    augmenter = Augmenter(options, classifier.frontend)
    patches = TrainingPatches(data, options, classifier.frontend, **augmenter.takes)

    def error(of):
        squares = []
        for step in range(refit.refit_steps):
            batch = patches.batch(step)
            mixtures, labels = augmenter.mix(batch)
            targets = teaching.floored(teaching.targets(teachers.logits(mixtures), labels))
            heard = head.logits(of.network)(augmenter.patches(mixtures, batch.uniform))
            squares.append(np.square(heard - targets).mean())
        return np.mean(squares)

    assert error(classifier) < 0.7 * error(plain)


def test_stopped_while_it_is_fitted_it_begins_there_again(data, config, saved_teacher, tmp_path):
    options = config(teachers=[str(saved_teacher)], refit_steps=4)
    expected = weights(train(data, tmp_path / "whole", options))

    class Stop(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped, match="Stopped by SIGTERM after step 10"):
        train(data, tmp_path / "run", options, callbacks=[Stop()])
    assert_same(weights(train(data, tmp_path / "run", options)), expected)


def test_float16_halves_its_scale_where_a_gradient_overflows(data, config, tmp_path):
    train(data, tmp_path, config(precision="f16", epoch_steps=4))
    _, _, arrays, _ = load_checkpoint(tmp_path / "checkpoints")
    scale, good_steps = arrays["scaling/0"], arrays["scaling/1"]
    overflows = np.log2(2.0**15 / scale)
    assert overflows == round(overflows)
    assert 0 < good_steps <= 8 - overflows


def test_fine_tuning_from_a_preset(data, config, tmp_path):
    train(data, tmp_path / "first", config())
    start = AudioClassifier.from_preset(tmp_path / "first")
    preset = str(tmp_path / "first")
    options = {"init": preset, "model": None, "width": None}
    frozen = train(data, tmp_path / "frozen", config(**options, freeze=True))
    whole = train(data, tmp_path / "whole", config(**options))
    assert (whole.architecture, whole.width) == ("fully_connected", 0.03)
    for layer in start.network.layers:
        for before, of_frozen, of_whole in zip(
            layer.get_weights(),
            frozen.network.get_layer(layer.name).get_weights(),
            whole.network.get_layer(layer.name).get_weights(),
            strict=True,
        ):
            assert (before == of_frozen).all() == (layer.name != "logits")
            assert (before != of_whole).any()
    with pytest.raises(ValueError, match=r"has width 0\.03.* Leave width out"):
        train(data, tmp_path / "other", config(**options | {"width": 0.5}))


def test_batch_norm_that_is_kept(data, config, tmp_path):
    train(data, tmp_path / "first", config(model="mobilenet_v1", width=0.05))
    start = AudioClassifier.from_preset(tmp_path / "first")
    options = config(init=str(tmp_path / "first"), model=None, width=None, freeze_norm=True)
    tuned = train(data, tmp_path / "tuned", options)
    for layer in start.network.layers:
        if weights := layer.get_weights():
            kept = tuned.network.get_layer(layer.name).get_weights()
            same = all((a == b).all() for a, b in zip(weights, kept, strict=True))
            assert same == isinstance(layer, keras.layers.BatchNormalization)


def test_new_labels_get_a_new_classifier_on_the_old_body(small_preset, data, config, tmp_path):
    start = AudioClassifier.from_preset(small_preset)
    options = config(init=str(small_preset), freeze=True, model=None, width=None)
    classifier = train(data, tmp_path, options)
    assert [label.name for label in classifier.labels] == ["high", "low", "middle"]
    body = start.network.layers[:-2]
    for layer in body:
        kept = classifier.network.get_layer(layer.name).get_weights()
        assert_same(layer.get_weights(), kept)


def test_a_folder_of_another_run(data, unlike, config, tmp_path):
    train(data, tmp_path, config())
    with pytest.raises(ValueError, match=r"other options: model was 'fully_connected' and is now"):
        train(data, tmp_path, config(model="alexnet"))
    with pytest.raises(ValueError, match="epochs was 2 and is now 1"):
        train(data, tmp_path, config(epochs=1))
    with pytest.raises(ValueError, match="a run on other data than"):
        train(unlike, tmp_path, config())
    train(data, tmp_path, config(skip_corrupt=True, checkpoint_steps=3))
    with pytest.raises(ValueError, match="skip_corrupt was True and is now False"):
        train(data, tmp_path, config())


def test_a_run_of_an_older_version_goes_on(data, config, tmp_path):
    with pytest.raises(Stopped):
        train(data, tmp_path, config(), callbacks=[StopAt(4)])
    path = tmp_path / "config.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("equalizer_db")))
    train(data, tmp_path, config())
    assert len(log(tmp_path)) == 2


def test_a_checkpoint_of_another_network(data, config, tmp_path):
    train(data, tmp_path / "small", config())
    train(data, tmp_path / "large", config(width=0.05))
    for path in (tmp_path / "small" / "checkpoints").iterdir():
        path.unlink()
    for path in (tmp_path / "large" / "checkpoints").iterdir():
        path.rename(tmp_path / "small" / "checkpoints" / path.name)
    with pytest.raises(ValueError, match="is a checkpoint of another network"):
        train(data, tmp_path / "small", config())


def test_a_damaged_record_stops_with_its_name(data, config, tmp_path, monkeypatch):
    def damaged(*_):
        raise CorruptData("shard 3 is damaged")

    monkeypatch.setattr(data, "waveform", damaged)
    with pytest.raises(CorruptData, match="shard 3 is damaged"):
        train(data, tmp_path, config())
