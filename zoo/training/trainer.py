"""The training loop: one device, many, or many machines; stopped, killed, and gone on with."""

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras.ops import convert_to_numpy

from frontend.types import StrPath
from zoo.classifier import AudioClassifier
from zoo.data import PreparedData
from zoo.data.records import VALIDATION
from zoo.evaluation.metrics import average_precision, balanced_mean, top1
from zoo.evaluation.scoring import score_clips
from zoo.training.callbacks import CallbackStates
from zoo.training.cluster import choose_strategy, place_of
from zoo.training.config import TrainConfig
from zoo.training.learner import Augmenter, Learner
from zoo.training.patches import TrainingPatches
from zoo.training.run import RunFolder
from zoo.training.signals import Stopped, StopRequest
from zoo.training.start import start
from zoo.training.taught import Taught
from zoo.training.teaching import Teachers, Teaching

POLICIES = {"f32": "float32", "bf16": "mixed_bfloat16", "f16": "mixed_float16"}

LOOK_STEPS = 16
"""Steps between two looks at the loss on an accelerator, which each look lets run dry (ours)."""

MEASURED_STEPS = 32
"""Steps whose mixtures give mean and deviation of what teachers say, before the first (ours)."""


def train(
    data: PreparedData,
    folder: StrPath,
    config: TrainConfig | None = None,
    *,
    strategy: tf.distribute.Strategy | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> AudioClassifier:
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
        OSError: the folder cannot be written, or another process trains there.
        FloatingPointError: the loss is not finite; the message says where.
        Stopped: SIGINT or SIGTERM came; a checkpoint was written.
    """
    config = config or TrainConfig()
    strategy = strategy or choose_strategy()
    with _precision(config.precision), StopRequest().listening() as request:
        return Trainer(data, folder, config, strategy, callbacks).run(request)


class Trainer:
    """One run of training; `train` says what the arguments are."""

    def __init__(self, data, folder, config, strategy, callbacks):
        replicas = strategy.num_replicas_in_sync
        if config.batch % replicas:
            raise ValueError(
                f"A batch must deal evenly to {replicas} devices. Received batch: {config.batch}"
            )
        keras.utils.set_random_seed(config.seed)
        self.data = data
        self.strategy = strategy
        self.worker, self.workers = place_of(strategy)
        config, self.classifier, frontend = start(config, data, Path(folder).name, strategy)
        self.config = config
        self.folder = RunFolder(folder, config, data, writes=self.worker == 0)
        self.taught = Taught(config.taught, config, data, frontend) if config.taught else None
        with strategy.scope():
            augmenter = Augmenter(config, frontend)
            teachers = None
            if config.teachers and not self.taught:
                teachers = Teachers(config.teachers, data.labels, data.sample_rate)
            self.patches = TrainingPatches(
                data, config, frontend, taught=self.taught, **augmenter.takes
            )
            self.steps = config.epochs * self.patches.epoch_steps
            teaching = None
            if config.teachers:
                known = (self.taught or teachers).known
                teaching = Teaching(known, config.teacher_floor, self.patches.complete_classes)
            self.learner = Learner(
                self.classifier,
                config,
                self.steps,
                augmenter,
                self.patches.teacher_classes,
                teaching,
                teachers,
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
        self.callback_states = CallbackStates(self.callbacks)
        self.validation = _validation_clips(data, config)
        self.look_steps = _look_steps()
        self.step = 0
        self.unseen = []  # what the last steps gave, on the device
        self.loss_sum = 0.0  # over the steps of the epoch that were looked at
        self.seconds = 0.0  # of training in the epoch so far
        self.history = []  # what each epoch before gave

    def run(self, request):
        """Trains from the last checkpoint, or from the beginning, to the end."""
        with self.folder.alone():
            return self._run(request)

    def _run(self, request):
        of_callbacks = self._resume()
        ended = self.folder.has_ended() and not self._goes_on()
        replicas = self.strategy.num_replicas_in_sync
        self.folder.describe(replicas, ended=ended)
        if not ended:
            more = {"done": self.step, "refit_steps": self.config.refit_steps}
            self.callbacks.set_params({**self.callbacks.params, **more})
            self.callback_states.begin(*of_callbacks)
            self._loop(request)
            self.learner.swap_averages()
            self.callbacks.on_train_end(self.history[-1])
            # Callbacks may have put back the best weights.
            if self.config.refit_steps:
                with self._explained():
                    self.learner.refit(self._batches_to_refit(request))
            self.folder.save_preset(self.classifier)
            self.folder.describe(replicas, ended=True)
        else:
            self.folder.load_preset(self.classifier)
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
        while self._goes_on():
            epoch, done = divmod(self.step, epoch_steps)
            self.callbacks.on_epoch_begin(epoch)
            for step in range(done, epoch_steps):
                self.callbacks.on_train_batch_begin(step)
                started = time.perf_counter()
                self._train_on(batches, request)
                at_end = step + 1 == epoch_steps
                # No checkpoint is written of what was not looked at.
                save = self.step % self.config.checkpoint_steps == 0
                stop = (at_end or save or self.step % self.look_steps == 0) and self._look()
                if at_end or save or stop:
                    self._check_weights()
                self.seconds += time.perf_counter() - started
                seen = step + 1 - len(self.unseen)
                logs = {"loss": self.loss_sum / seen} if seen else {}
                self.callbacks.on_train_batch_end(step, logs)
                if not at_end:
                    if stop or save:
                        self._save_checkpoint()
                    if stop:
                        raise Stopped(self.step, request.received)
            self._end_epoch(epoch)
            if stop and self._goes_on():
                raise Stopped(self.step, request.received)

    def _goes_on(self):
        """Whether there is more to train; callbacks may have ended it."""
        return self.step < self.steps and not self.classifier.stop_training

    def _dataset(self, context):
        return self.patches.dataset(
            self.step,
            worker=context.input_pipeline_id,
            workers=context.num_input_pipelines,
            replicas=context.num_replicas_in_sync // context.num_input_pipelines,
        )

    def _batches_to_refit(self, request):
        """Those of the first steps; a run that is told to stop meanwhile begins here again."""
        for batch in self.patches.dataset(0).take(self.config.refit_steps):
            if request.received is not None:
                raise Stopped(self.step, request.received)
            yield batch

    def _train_on(self, batches, request):
        """Gives the devices a step to train, and does not wait for it."""
        told = tf.constant(float(request.received is not None))
        with self._explained():
            self.unseen.append(self.learner.step(next(batches), told))
        self.step += 1

    def _look(self):
        """Waits for the steps so far; gives whether any worker was told to stop in one of them."""
        with self._explained():
            results = tf.stack(self.unseen).numpy()
        first = self.step - len(results)
        self.unseen = []
        for step, (loss, _) in enumerate(results, first):
            if not np.isfinite(loss):
                self._refuse_to_go_on(f"The loss of step {step} is {loss}", step)
            self.loss_sum += float(loss)
        return bool(results[:, 1].any())

    def _check_weights(self):
        """Refuses to keep what a step left whose loss was finite, and whose gradients were not."""
        if not all(np.isfinite(convert_to_numpy(w)).all() for w in self.learner.trained):
            last = self.step - 1
            self._refuse_to_go_on(f"Weights are not finite after step {last}", last)

    def _refuse_to_go_on(self, what, step):
        clips = self.patches.clip_ids(step)
        raise FloatingPointError(self.folder.report_not_finite(what, step, clips))

    @contextlib.contextmanager
    def _explained(self):
        """Says what an error of TensorFlow means here: damaged data, or a lost worker."""
        try:
            yield
        except tf.errors.OpError as error:
            if self.patches.error is not None:
                raise self.patches.error from None
            reason, *_ = error.message.split("\n", 1)
            if isinstance(error, tf.errors.ResourceExhaustedError):
                raise MemoryError(
                    f"There is not enough memory for steps of {self.config.batch} patches; pass a "
                    f"smaller batch ({reason})."
                ) from None
            if self.workers == 1:
                raise
            raise ConnectionError(
                f"A worker was lost at step {self.step}; start all of them again, by the same "
                f"commands, to go on from the last checkpoint ({reason})."
            ) from None

    def _end_epoch(self, epoch):
        logs = {
            "loss": self.loss_sum / self.patches.epoch_steps,
            "learning_rate": float(convert_to_numpy(self.learner.optimizer.learning_rate)),
        }
        self.learner.swap_averages()
        if len(self.validation):
            logs.update(self._validate())
        self.folder.save_preset(self.classifier)
        self.callbacks.on_epoch_end(epoch, dict(logs))
        self.learner.swap_averages()
        self.history.append({"epoch": epoch + 1, **logs, "seconds": round(self.seconds, 1)})
        self.loss_sum = self.seconds = 0.0
        self.folder.log(self.history)
        self._save_checkpoint()

    def _validate(self):
        """The paper's two figures to watch, and the loss that callbacks look for."""
        scores = self._scores()
        targets = self.data.targets(self.validation)
        clipped = np.clip(scores, 1e-7, 1 - 1e-7)
        losses = -targets * np.log(clipped) - (1 - targets) * np.log(1 - clipped)
        return {
            "val_loss": float(losses.mean()),
            "val_accuracy": float(top1(targets > 0, scores)),
            "val_mAP": float(balanced_mean(average_precision(targets > 0, scores))),
        }

    def _scores(self):
        """Scores of the validation clips, float32 `[clips, classes]`; each worker hears a part."""
        scores = np.zeros((len(self.validation), len(self.data.labels)), np.float32)
        part = slice(self.worker, None, self.workers)
        heard = score_clips(self.classifier, self.data, self.validation[part])
        for row, of_clip in zip(scores[part], heard, strict=True):
            row[:] = of_clip
        return self._sum_over_workers(scores).astype(np.float32)

    def _sum_over_workers(self, values):
        """The sum of what each worker has, float64: exact where one alone has other than 0."""
        with self._explained():
            sums = self.strategy.run(_sum_over_replicas, args=(tf.constant(values, tf.float64),))
            total = self.strategy.experimental_local_results(sums)[0].numpy()
        return total * self.workers / self.strategy.num_replicas_in_sync

    def _keep_taught_steps(self, steps):
        """Goes on through the steps that teachers had heard as the run began, and no others."""
        if steps is None or not self.taught:
            return
        if steps > self.taught.steps:
            raise ValueError(
                f"{self.config.taught} is of {self.taught.steps} steps, and the run in "
                f"{self.folder.path} began with {steps}; let soundzoo teach go on to as many."
            )
        self.taught.steps = steps

    def _save_checkpoint(self):
        callbacks, arrays = self.callback_states.get()
        state = {
            "loss_sum": self.loss_sum,
            "seconds": self.seconds,
            "history": self.history,
            "stopped_early": self.classifier.stop_training,
            "taught_steps": self.taught and self.taught.steps,
            "callbacks": callbacks,
        }
        self.folder.save_checkpoint(self.step, state, self.learner.variables(), arrays)

    def _resume(self):
        """Goes to the last checkpoint; gives what it holds of callbacks, if there is one."""
        of_callbacks = ()
        found = self.folder.load_checkpoint(self.learner.variables())
        if found is not None:
            state, arrays = found
            self.step = state["step"]
            self.loss_sum = state["loss_sum"]
            self.seconds = state.get("seconds", 0.0)
            self.history = state["history"]
            # Whoever asks for more epochs wants more than what was stopped early, too.
            self.classifier.stop_training = state["stopped_early"] and not state["extended"]
            self._keep_taught_steps(state.get("taught_steps"))
            of_callbacks = state.get("callbacks"), arrays
        elif self.config.teachers:
            self.learner.measure_teachers(map(self.patches.batch, range(MEASURED_STEPS)))
        # Workers on different checkpoints would train on, each on its own.
        if self._sum_over_workers(self.step) != self.step * self.workers:
            raise ValueError(
                f"The workers see different checkpoints; {self.folder.path} must be one folder "
                f"that all of them share. This one is at step {self.step}."
            )
        return of_callbacks


def _validation_clips(data, config):
    if config.validation_split is None and VALIDATION not in data.splits:
        return np.zeros(0, int)
    clips = data.select(config.validation_split or VALIDATION)
    clips = clips[data.labelled(clips)]
    return clips[data.readable(clips)] if config.skip_corrupt else clips


def _sum_over_replicas(value):
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def _look_steps():
    """1 on CPUs, where a step is over when it returns."""
    kinds = {device.device_type for device in tf.config.list_logical_devices()}
    return 1 if kinds == {"CPU"} else LOOK_STEPS


@contextlib.contextmanager
def _precision(precision):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
