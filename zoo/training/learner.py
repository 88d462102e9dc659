"""One step of training: augmentation, loss, gradients and update, on every replica."""

import keras
import numpy as np
import tensorflow as tf

from frontend import LogMelSpectrogram
from zoo import head
from zoo.augment import (
    Mixup,
    MixupAtRatio,
    RandomEqualizer,
    RandomGain,
    RandomSpeed,
    SpecAugment,
    TimeShift,
)
from zoo.training.ridge import RidgeRegression
from zoo.training.schedule import Schedule
from zoo.training.state import state_variable

FIRST_LOSS_SCALE = 2.0**15
"""Factor of a float16 loss before its gradients: Keras' and PyTorch's usual first ones."""
GOOD_STEPS = 2000
"""Steps without an overflow after which that factor doubles, as usual too."""


class Augmenter:
    """The augmentation that a `TrainConfig` asks for, from waveforms to log-mel patches.

    Waveforms become mixtures, in the middle of which the patch stands, and what is around it is
    for teachers alone. Without teachers a mixture is the patch.

    `samples` are those of a waveform that the patch may take, `around` how many it has before and
    after them, and `draws` is the number of uniform ones that it takes for each waveform.
    """

    def __init__(self, config, frontend):
        self.patch_samples = self.samples = frontend.patch_samples
        mixture = self.samples
        if config.teachers:
            mixture = max(mixture, round(config.teacher_seconds * frontend.sample_rate))
        self.patch_start = before = (mixture - self.samples) // 2
        whole = mixture
        self.on_waveforms, self.mixup, self.on_patches = [], None, []
        if config.speed > 1:
            speed = RandomSpeed(mixture, config.speed, fixed=self.patch_start)
            self.on_waveforms.append(speed)
            before, whole = speed.input_fixed, speed.input_samples
            self.samples = int(self.samples * config.speed) + 1
        self.around = (before, whole - before - self.samples)
        if config.gain_db:
            self.on_waveforms.append(RandomGain(config.gain_db))
        if config.time_shift:
            self.on_waveforms.append(TimeShift(config.time_shift * frontend.sample_rate))
        if config.mixup and config.mixup_db is None:
            self.mixup = Mixup(config.mixup)
        elif config.mixup:
            self.mixup = MixupAtRatio(config.mixup, config.mixup_db)
        if config.equalizer_db:
            self.on_patches.append(RandomEqualizer(config.equalizer_db, frontend.log_offset))
        if config.mask_frames or config.mask_bins:
            self.on_patches.append(SpecAugment(config.mask_frames, config.mask_bins))
        self.log_mel = LogMelSpectrogram(frontend)
        layers = [*self.on_waveforms, self.mixup, *self.on_patches]
        self.draws = sum(layer.draws for layer in layers if layer)

    @property
    def takes(self):
        """What `TrainingPatches` must know of it, as keyword arguments."""
        return {"samples": self.samples, "draws": self.draws, "around": self.around}

    def mix(self, batch):
        """Mixtures `[batch, samples]` and targets `[batch, classes]` of a `Batch`."""
        waveforms, targets, uniform, _ = batch
        for layer in self.on_waveforms:
            waveforms, uniform = _apply(layer, waveforms, uniform)
        if self.mixup:
            used = uniform[:, : self.mixup.draws]
            waveforms, targets = _mix_whole_batch(self.mixup, (waveforms, targets), used)
        return waveforms, targets

    def patches(self, mixtures, uniform):
        """Log-mel patches `[batch, 96, 64]` of mixtures, and a batch's uniform numbers."""
        patches = self.log_mel(mixtures[:, self.patch_start :][:, : self.patch_samples])
        uniform = uniform[:, self.draws - sum(layer.draws for layer in self.on_patches) :]
        for layer in self.on_patches:
            patches, uniform = _apply(layer, patches, uniform)
        return patches


def _apply(layer, inputs, uniform):
    """What a layer makes of its inputs, and the numbers that it left."""
    used = uniform[:, : layer.draws]
    return layer(inputs, uniform=used, training=True), uniform[:, layer.draws :]


class Learner:
    """Trains a classifier's network step by step, on all replicas of a strategy.

    Build it in the strategy's scope.

    Args:
        classifier: an `AudioClassifier`.
        config: a `TrainConfig`.
        steps: of the whole training, for the schedule.
        augmenter: an `Augmenter`.
        teacher_classes: outputs of a second head, which learns a teacher's scores and is no part
            of the classifier.
        teaching: the `Teaching` by which to learn what teachers say, or None.
        teachers: the `Teachers` who listen, or None, where batches say what they said.
    """

    def __init__(
        self,
        classifier,
        config,
        steps,
        augmenter,
        teacher_classes=0,
        teaching=None,
        teachers=None,
    ):
        self.strategy = tf.distribute.get_strategy()
        self.config = config
        self.augmenter = augmenter
        self.teaching = teaching
        self.teachers = teachers
        self.network = classifier.network
        # Cross-entropy of the logits keeps the gradient where a score is 0 or 1 in float32.
        logits = {"labels": head.logits(self.network).output}
        self.trained = list(self.network.trainable_variables)
        self.teacher_variables = []
        if teacher_classes:
            of_teacher = keras.layers.Dense(teacher_classes, name="teacher_logits", dtype="float32")
            logits["teacher"] = of_teacher(classifier.backbone.output)
            self.teacher_variables = of_teacher.trainable_variables
            self.trained += self.teacher_variables
        self.logits = keras.Model(self.network.input, logits)
        self.optimizer = keras.optimizers.Adam(
            _learning_rate(config, steps), weight_decay=config.weight_decay
        )
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer.build(self.trained)
        self.averages = []
        if config.ema:
            self.averages = [
                state_variable(weight.numpy(), f"average_{number}")
                for number, weight in enumerate(self.network.trainable_variables)
            ]
        self.scaling, self.statistics = [], []
        if config.precision == "f16":
            # Batch norm's move as the loss is computed, before it is known if the step counts.
            self.statistics = [weight.value for weight in self.network.non_trainable_variables]
            self.scaling = [
                state_variable(FIRST_LOSS_SCALE, "loss_scale"),
                state_variable(0.0, "good_steps"),
            ]

    def variables(self):
        """All that training changes: a dict of lists, what a checkpoint holds."""
        return {
            "weights": [weight.value for weight in self.network.variables],
            "optimizer": [variable.value for variable in self.optimizer.variables],
            "teacher_head": [variable.value for variable in self.teacher_variables],
            "teaching": self.teaching.variables() if self.teaching else [],
            "averages": self.averages,
            "scaling": self.scaling,
        }

    @tf.function
    def step(self, batch, stop):
        """Trains on a `Batch`, or one for each replica.

        A step whose gradients overflow float16 changes the scale of the loss, and nothing else: no
        weight, momentum, average, statistic, nor the optimizer's count of steps.

        Args:
            batch: of the strategy's distributed dataset.
            stop: float32, above 0 where this worker was told to stop.

        Returns:
            float32 `[2]`: the loss of the whole batch, and whether any worker was told to stop.
        """
        results, gradients, finite = self.strategy.run(self._try_on_replica, args=(batch, stop))
        if self.scaling:
            # The same on every replica.
            if self.strategy.experimental_local_results(finite)[0]:
                self._update(gradients)
        else:
            self._update(gradients)
        return self.strategy.experimental_local_results(results)[0]

    def measure_teachers(self, batches):
        """Learns of the teachers, from `Batch`es, what they say on average, and how it varies.

        A classifier that is new, whose biases are 0, starts at the average.
        """
        hear = tf.function(lambda *batch: self._said(batch, self.augmenter.mix(batch)[0]))
        self.teaching.measure(hear(*batch).numpy() for batch in batches)
        classifying = head.head(self.network)
        if not np.any(classifying.bias.numpy()):
            classifying.bias.assign(self.teaching.mean.numpy())
            for average, weight in self._averaged_weights():
                average.assign(weight.numpy())

    def refit(self, batches):
        """Fits the classifier anew, in closed form, to what teachers say of `Batch`es."""
        body = head.backbone(self.network)

        @tf.function
        def hear(*batch):
            patches, targets = self._examples(batch)
            embeddings = tf.cast(body(patches, training=False), tf.float32)
            return embeddings, self.teaching.floored(targets)

        classifying = head.head(self.network)
        regression = RidgeRegression(*classifying.kernel.shape)
        for batch in batches:
            regression.add(*(values.numpy() for values in hear(*batch)))
        classifying.set_weights(regression.solve())

    def swap_averages(self):
        """Exchanges the weights with their moving averages, where these are kept."""
        for average, weight in self._averaged_weights():
            trained = weight.numpy()
            weight.assign(average.numpy())
            average.assign(trained)

    def _averaged_weights(self):
        """Pairs of a moving average and its weight; none where averages are not kept."""
        weights = [weight.value for weight in self.network.trainable_variables]
        return list(zip(self.averages, weights, strict=True)) if self.averages else []

    def _try_on_replica(self, batch, stop):
        """What `step` gives, the gradients, and whether they are finite on all replicas."""
        replica = tf.distribute.get_replica_context()
        patches, targets = self._examples(batch)
        scale = self.scaling[0].read_value() if self.scaling else 1.0
        before = [variable.read_value() for variable in self.statistics]
        with tf.GradientTape() as tape:
            # Summed over examples, and over replicas below: the mean of the whole batch.
            losses = self._losses(self.logits(patches, training=True), targets)
            loss = tf.reduce_sum(losses) / self.config.batch
            scaled = loss * scale
        weights = [weight.value for weight in self.trained]
        gradients = tape.gradient(scaled, weights)
        finite = True
        if self.scaling or self.config.clip_norm:
            gradients, finite = self._reduce(replica, gradients, scale)
        for variable, value in zip(self.statistics, before, strict=True):
            variable.assign(tf.where(finite, variable, value))
        results = replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack([loss, stop]))
        return results, gradients, finite

    def _examples(self, batch):
        """What is heard, and what is to be learned of it: patches and targets of a `Batch`."""
        mixtures, targets = self.augmenter.mix(batch)
        if self.teaching:
            targets = self.teaching.targets(self._said(batch, mixtures), targets)
        _, _, uniform, _ = batch
        return self.augmenter.patches(mixtures, uniform), targets

    def _said(self, batch, mixtures):
        """The teachers' mean logits, float32 `[batch, classes]`."""
        *_, taught = batch
        return self.teachers.logits(mixtures) if self.teachers else taught

    def _update(self, gradients):
        def apply(gradients):
            self.optimizer.apply(gradients, self.trained)

        self.strategy.run(apply, args=(gradients,))
        for average, weight in self._averaged_weights():
            average.assign(self.config.ema * average + (1 - self.config.ema) * weight)

    def _losses(self, logits, targets):
        """Each example's cross-entropy, the mean over classes; with its teacher's, if any."""
        if self.teaching:
            return self.teaching.losses(targets, logits["labels"])
        classes = self.network.output.shape[1]
        smoothing = self.config.label_smoothing
        labels = targets[:, :classes] * (1 - smoothing) + smoothing / 2
        loss = _cross_entropy(labels, logits["labels"])
        if self.teacher_variables:
            weight = self.config.teacher_weight
            of_teacher = _cross_entropy(targets[:, classes:], logits["teacher"])
            loss = (1 - weight) * loss + weight * of_teacher
        return loss

    def _reduce(self, replica, gradients, scale):
        """Gradients summed over the replicas, unscaled and clipped as one, and if they are finite.

        Where they overflowed float16, the loss gets another scale, and the step counts for nothing.
        """
        gradients = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        gradients = [gradient / scale for gradient in gradients]
        norm = tf.linalg.global_norm(gradients)
        finite = tf.math.is_finite(norm)
        if self.scaling:
            loss_scale, good_steps = self.scaling
            grown = good_steps + 1 >= GOOD_STEPS
            factor = tf.where(finite, tf.where(grown, 2.0, 1.0), 0.5)
            good_steps.assign(tf.where(finite & ~grown, good_steps + 1, 0.0))
            loss_scale.assign(tf.maximum(1.0, loss_scale * factor))
        if self.config.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.config.clip_norm, use_norm=norm)
        # The optimizer sums over the replicas.
        return [gradient / replica.num_replicas_in_sync for gradient in gradients], finite


def _mix_whole_batch(mixup, inputs, uniform):
    """Mixes the neighbours of the whole batch, whatever part of it this replica has."""
    replica = tf.distribute.get_replica_context()
    share = uniform.shape[0]
    if replica.num_replicas_in_sync == 1 or share % 2 == 0:
        return mixup(inputs, uniform=uniform, training=True)
    # An odd part ends, or begins, with half a pair: the other half is another replica's.
    *inputs, uniform = replica.all_gather([*inputs, uniform], axis=0)
    first = replica.replica_id_in_sync_group * share
    mixed = mixup(tuple(inputs), uniform=uniform, training=True)
    return [batch[first : first + share] for batch in mixed]


def _cross_entropy(targets, logits):
    losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
    return tf.reduce_mean(losses, axis=1)


def _learning_rate(config, steps):
    # A plain number can be set by callbacks such as ReduceLROnPlateau; a schedule can not.
    if config.schedule == "constant" and not config.warmup_steps:
        return config.learning_rate
    return Schedule(
        config.learning_rate,
        steps=steps,
        warmup_steps=config.warmup_steps,
        shape=config.schedule,
    )
