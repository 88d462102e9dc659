"""The training loop: one device, many, or many machines; stopped, killed, and gone on with."""

import contextlib
import csv
import dataclasses
import io
import json
import re
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras.ops import convert_to_numpy

from zoo import presets
from zoo._version import __version__
from zoo.classifier import AudioClassifier
from zoo.data.records import VALIDATION
from zoo.evaluation.metrics import average_precision, balanced_mean, top1
from zoo.evaluation.scoring import score_clips
from zoo.files import write_atomically
from zoo.training.checkpoints import assign_checkpoint, load_checkpoint, save_checkpoint
from zoo.training.config import TrainConfig, read_config, write_config
from zoo.training.learner import Augmenter, Learner
from zoo.training.patches import TrainingPatches
from zoo.training.signals import Stopped, StopRequest
from zoo.training.teaching import Teaching

POLICIES = {"f32": "float32", "bf16": "mixed_bfloat16", "f16": "mixed_float16"}

MEASURED_STEPS = 16
"""Steps whose mixtures give mean and deviation of what teachers say, before the first (ours)."""

CONFIG = "config.yaml"
RUN = "run.json"
LOG = "log.csv"
NOT_FINITE = "not_finite.json"
CHECKPOINTS = "checkpoints"


def train(data, folder, config=None, *, strategy=None, callbacks=()):
    """Trains a classifier, or goes on with a run that was stopped.

    The folder then holds `config.yaml`, `run.json` (data and versions), `log.csv` with a row for
    each epoch, `checkpoints/` and, from the first epoch on, `preset/`, which
    `AudioClassifier.from_preset(folder)` loads.

    Args:
        data: a `zoo.data.PreparedData`.
        folder: of the run. One that was stopped or killed goes on from its last checkpoint.
        config: a `TrainConfig`; the paper's recipe by default.
        strategy: a `tf.distribute.Strategy`; by default what `choose_strategy` finds.
        callbacks: Keras callbacks. With many workers each of them runs them.

    Returns:
        The trained `AudioClassifier`.

    Raises:
        ValueError: the options do not fit the data or the run in the folder.
        OSError: the folder cannot be written.
        FloatingPointError: the loss is not finite; the message says where.
        Stopped: SIGINT or SIGTERM came; a checkpoint was written.
    """
    config = config or TrainConfig()
    strategy = strategy or tf.distribute.get_strategy()
    with _precision(config.precision), StopRequest().listening() as request:
        return Trainer(data, Path(folder), config, strategy, callbacks).run(request)


class Trainer:
    """One run of training; `train` says what the arguments are."""

    def __init__(self, data, folder, config, strategy, callbacks):
        replicas = strategy.num_replicas_in_sync
        if config.batch % replicas:
            raise ValueError(
                f"A batch must deal evenly to {replicas} devices. Received batch: {config.batch}"
            )
        keras.utils.set_random_seed(config.seed)
        initial = AudioClassifier.from_preset(config.init) if config.init else None
        self.config = config = _complete(config, initial)
        self.data = data
        self.folder = folder
        self.strategy = strategy
        self.is_chief = _is_chief(strategy)
        with strategy.scope():
            self.classifier = _classifier(config, data.labels, initial, folder.name)
            augmenter = Augmenter(config, self.classifier.frontend)
            self.patches = TrainingPatches(
                data,
                config,
                self.classifier.frontend,
                samples=augmenter.samples,
                draws=augmenter.draws,
                around=augmenter.around,
            )
            self.steps = config.epochs * self.patches.epoch_steps
            self.learner = Learner(
                self.classifier,
                config,
                self.steps,
                augmenter,
                self.patches.teacher_classes,
                Teaching(config.teachers, data.labels) if config.teachers else None,
            )
            # For callbacks, which look for the optimizer and set `stop_training`.
            self.classifier.compile(
                self.learner.optimizer, "binary_crossentropy", jit_compile=False
            )
        self.classifier.stop_training = False
        self.callbacks = keras.callbacks.CallbackList(
            list(callbacks),
            model=self.classifier,
            epochs=config.epochs,
            steps=self.patches.epoch_steps,
        )
        self.validation = _validation_clips(data, config)
        self.step = 0
        self.loss_sum = 0.0  # over the steps of the epoch so far
        self.seconds = 0.0  # of training in the epoch so far
        self.history = []  # what each epoch before gave
        self.checkpoint = None  # path of the newest

    def run(self, request):
        """Trains from the last checkpoint, or from the beginning, to the end."""
        self._resume()
        if self.is_chief:
            self._describe_run()
        if self.step < self.steps and not self.classifier.stop_training:
            self.callbacks.on_train_begin()
            self._loop(request)
            self.learner.swap_averages()
            self.callbacks.on_train_end(self.history[-1])
            self._save_preset()  # callbacks may have put back the best weights
        else:
            folder = self.folder / presets.RUN_PRESET
            presets.load_weights(self.classifier.network, folder, presets.read_config(folder))
        return self.classifier

    def _loop(self, request):
        batches = iter(self.strategy.distribute_datasets_from_function(self._dataset))
        try:
            self._train_epochs(batches, request)
        finally:
            # Its threads run Python; at the interpreter's end they would wait for it for ever.
            del batches

    def _train_epochs(self, batches, request):
        epoch_steps = self.patches.epoch_steps
        while self.step < self.steps and not self.classifier.stop_training:
            epoch, done = divmod(self.step, epoch_steps)
            self.callbacks.on_epoch_begin(epoch)
            for step in range(done, epoch_steps):
                self.callbacks.on_train_batch_begin(step)
                started = time.perf_counter()
                stop = self._train_on(batches, request)
                self.seconds += time.perf_counter() - started
                self.callbacks.on_train_batch_end(step, {"loss": self.loss_sum / (step + 1)})
                if step + 1 < epoch_steps:
                    if stop or self.step % self.config.checkpoint_steps == 0:
                        self._save_checkpoint()
                    if stop:
                        raise Stopped(self.step, request.received)
            self._end_epoch(epoch)
            if stop:
                raise Stopped(self.step, request.received)

    def _dataset(self, context):
        return self.patches.dataset(
            self.step,
            worker=context.input_pipeline_id,
            workers=context.num_input_pipelines,
            replicas=context.num_replicas_in_sync // context.num_input_pipelines,
        )

    def _train_on(self, batches, request):
        """Trains a step; gives whether any worker was told to stop."""
        told = tf.constant(float(request.received is not None))
        try:
            loss, stop = self.learner.step(next(batches), told).numpy()
        except tf.errors.OpError as error:
            if self.patches.error is not None:
                raise self.patches.error from None
            if self.strategy.cluster_resolver is None:
                raise
            raise ConnectionError(
                f"A worker was lost at step {self.step}; start all of them again, by the same "
                f"commands, to go on from the last checkpoint ({error.message.splitlines()[0]})."
            ) from None
        if not np.isfinite(loss):
            raise FloatingPointError(self._not_finite(loss))
        self.loss_sum += float(loss)
        self.step += 1
        return stop > 0

    def _not_finite(self, loss):
        ids = self.patches.clip_ids(self.step)
        if self.is_chief:
            _write(
                self.folder / NOT_FINITE, json.dumps({"step": self.step, "clips": ids}, indent=1)
            )
        return (
            f"The loss of step {self.step} is {loss}. Its {len(ids)} clips, {', '.join(ids[:3])} "
            f"and others, are in {self.folder / NOT_FINITE}; the last good checkpoint is "
            f"{self.checkpoint or 'the beginning'}. A lower learning rate or clip_norm may help."
        )

    def _end_epoch(self, epoch):
        logs = {
            "loss": self.loss_sum / self.patches.epoch_steps,
            "learning_rate": float(convert_to_numpy(self.learner.optimizer.learning_rate)),
        }
        self.learner.swap_averages()
        if len(self.validation):
            logs.update(self._validate())
        self._save_preset()
        self.callbacks.on_epoch_end(epoch, dict(logs))
        self.learner.swap_averages()
        self.history.append({"epoch": epoch + 1, **logs, "seconds": round(self.seconds, 1)})
        self.loss_sum = self.seconds = 0.0
        if self.is_chief:
            _write(self.folder / LOG, _csv(self.history))
        self._save_checkpoint()

    def _validate(self):
        """The paper's two figures to watch, and the loss that callbacks look for."""
        scores = np.stack(list(score_clips(self.classifier, self.data, self.validation)))
        targets = self.data.targets(self.validation)
        clipped = np.clip(scores, 1e-7, 1 - 1e-7)
        losses = -targets * np.log(clipped) - (1 - targets) * np.log(1 - clipped)
        return {
            "val_loss": float(losses.mean()),
            "val_accuracy": float(top1(targets > 0, scores)),
            "val_mAP": float(balanced_mean(average_precision(targets > 0, scores))),
        }

    def _save_preset(self):
        if self.is_chief:
            self.classifier.save_to_preset(self.folder / presets.RUN_PRESET, overwrite=True)

    def _save_checkpoint(self):
        if self.is_chief:
            state = {
                "data": self.data.fingerprint,
                "loss_sum": self.loss_sum,
                "seconds": self.seconds,
                "history": self.history,
                "stopped_early": self.classifier.stop_training,
            }
            variables = self.learner.variables()
            self.checkpoint = save_checkpoint(
                self.folder / CHECKPOINTS, self.step, state, variables
            )

    def _resume(self):
        found = load_checkpoint(self.folder / CHECKPOINTS)
        if found is not None:
            self.checkpoint, state, arrays = found
            self._check_same_run(state)
            assign_checkpoint(self.checkpoint, arrays, self.learner.variables())
            self.step = state["step"]
            self.loss_sum = state["loss_sum"]
            self.seconds = state.get("seconds", 0.0)
            self.history = state["history"]
            self.classifier.stop_training = state["stopped_early"]
        elif self.config.teachers:
            self.learner.measure_teachers(map(self.patches.batch, range(MEASURED_STEPS)))
        # Workers on different checkpoints would train on, each on its own.
        steps = self.strategy.run(_sum_over_replicas, args=(tf.constant(self.step, tf.float64),))
        if self.strategy.experimental_local_results(steps)[0] != (
            self.step * self.strategy.num_replicas_in_sync
        ):
            raise ValueError(
                f"The workers see different checkpoints; {self.folder} must be one folder that "
                f"all of them share. This one is at step {self.step}."
            )

    def _check_same_run(self, state):
        path = self.folder / CONFIG
        # Of an older version: an option that it did not have yet is off, as by default.
        before = TrainConfig.from_dict(read_config(path)).to_dict()
        differing = [
            f"{key} was {before[key]!r} and is now {value!r}"
            for key, value in self.config.to_dict().items()
            if before[key] != value
        ]
        if differing:
            raise ValueError(
                f"{self.folder} holds a run of other options: {'; '.join(differing)}. Go on with "
                "the same options, or name another folder."
            )
        if state["data"] != self.data.fingerprint:
            raise ValueError(
                f"{self.folder} holds a run on other data than {self.data.folder}. Go on with the "
                "same data, or name another folder."
            )

    def _describe_run(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        run = {
            "data": str(self.data.folder),
            "data_sha256": self.data.fingerprint,
            "soundzoo": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "replicas": self.strategy.num_replicas_in_sync,
        }
        _write(self.folder / CONFIG, write_config(self.config))
        _write(self.folder / RUN, json.dumps(run, indent=1) + "\n")


def _complete(config, initial):
    """The options with what the preset of `init`, or else the paper, says of the network."""
    sources = {
        "model": initial.architecture if initial else "resnet50",
        "width": initial.width if initial else 1.0,
        "bottleneck": initial.bottleneck if initial else None,
    }
    for name, value in sources.items():
        wanted = getattr(config, name)
        if initial and wanted not in (None, value):
            raise ValueError(
                f"The preset {config.init} has {name} {value}, so it cannot start a network "
                f"of {name} {wanted}. Leave {name} out."
            )
        if wanted is None:
            config = dataclasses.replace(config, **{name: value})
    return config


def _classifier(config, labels, initial, name):
    classifier = AudioClassifier(
        config.model,
        labels,
        width=config.width,
        bottleneck=config.bottleneck,
        frontend=initial.frontend if initial else None,
        name=re.sub(r"\W", "_", name) or None,
    )
    if initial:
        same_labels = [label.name for label in initial.labels] == [
            label.name for label in classifier.labels
        ]
        for layer in classifier.network.layers:
            if layer.name != "logits" or same_labels:
                layer.set_weights(initial.network.get_layer(layer.name).get_weights())
    if config.freeze:
        for layer in classifier.network.layers:
            layer.trainable = layer.name == "logits"
    return classifier


def _validation_clips(data, config):
    if config.validation_split is None and VALIDATION not in data.splits:
        return np.zeros(0, int)
    clips = data.select(config.validation_split or VALIDATION)
    return clips[data.readable(clips)] if config.skip_corrupt else clips


def _sum_over_replicas(value):
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def _is_chief(strategy):
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().jobs if resolver else []
    if not jobs:
        return True
    return resolver.task_type == "chief" or ("chief" not in jobs and resolver.task_id == 0)


@contextlib.contextmanager
def _precision(precision):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _csv(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _write(path, text):
    with write_atomically(path) as file:
        file.write(text.encode())
