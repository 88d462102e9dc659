"""The batches of training: which patches, in what order, with which targets.

What a step trains on depends on the seed and the step's number alone. So a run that goes on from a
checkpoint, or on more devices, sees what it would have seen.
"""

import fnmatch
import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from zoo.data import CorruptData
from zoo.evaluation.saved_scores import read_scores

TRIES = 4
"""Draws of a patch before a quiet one is taken (ours)."""
QUIET = 0.1
"""Power below which a patch is quiet, as part of its clip's mean power: -10 dB (ours)."""


class Batch(NamedTuple):
    """What a step trains on: waveforms `[batch, samples]`, the patches and what is around them,
    targets `[batch, classes]`, after which those of a teacher's head stand, or, where some labels
    are complete, 0 for clips whose labels are and 1 for others, the uniform numbers
    `[batch, draws]` of the augmentation, and the logits `[batch, classes]` of teachers that heard
    the mixtures before, `[batch, 0]` where none did; all float32."""

    waveforms: np.ndarray
    targets: np.ndarray
    uniform: np.ndarray
    taught: np.ndarray


class Draw(NamedTuple):
    """Where a batch comes from: clips `[batch]`, places in them `[batch, TRIES]` and the
    augmentation's numbers `[batch, draws]`, both in 0..1."""

    clips: np.ndarray
    places: np.ndarray
    uniform: np.ndarray


class TrainingPatches:
    """Random patches of prepared clips, each with all labels of its clip, as the paper draws them.

    A clip is drawn as often as it has patches, and the patch starts anywhere in it.

    Args:
        data: a `PreparedData`.
        config: a `TrainConfig`.
        frontend: a `FrontendConfig`.
        samples: of a patch.
        draws: uniform numbers that the augmentation takes for each example.
        around: samples of the clip that come before the patch and after it, which are silent where
            the clip has begun or ended.
        taught: the `Taught` of teachers that heard the first steps' mixtures; these are drawn again
            and again.

    Raises:
        ValueError: the split is not there, holds less patches than a batch, or has a single class;
            or no labelled clip is one whose labels are said to be complete.
    """

    def __init__(self, data, config, frontend, *, samples, draws, around=(0, 0), taught=None):
        self.data = data
        self.config = config
        self.samples = samples
        self.draws = draws
        self.around = around
        self.taught = taught
        self.tail = frontend.tail_samples
        self.clips = data.select(config.train_split)
        if not config.teachers and not config.teacher:
            self.clips = _labelled(data, self.clips)
        # Training cuts patches of what is otherwise heard whole, too.
        patches = frontend.in_patches().num_patches(data.samples[self.clips].astype(np.int64))
        self.count = int(patches.sum())
        if config.batch > self.count:
            raise ValueError(
                f"A batch of {config.batch} patches is more than the data's {self.count} (of "
                f"{len(self.clips)} clips); pass a smaller batch, or more data."
            )
        self.cumulative = np.cumsum(self._weights(patches))
        self.teacher = None
        if config.teacher:
            self.teacher = read_scores(
                config.teacher, data, self.clips, own_labels=config.teacher_head
            )
        self.complete = None
        if config.complete_labels:
            self.complete = self._complete(config.complete_labels)
        self.corrupt = set()  # clips that could not be read
        self.error = None  # what ended the reading of a batch

    @property
    def teacher_classes(self):
        """Targets of the teacher's head."""
        return self.teacher.shape[1] if self.config.teacher_head else 0

    @property
    def complete_classes(self):
        """Whether complete labels name a class, bool `[classes]`; None if none are complete."""
        if self.complete is None:
            return None
        clips = self.clips[self.complete]
        blocks = np.array_split(clips, len(clips) // 4096 + 1)
        return np.any([self.data.targets(block).any(axis=0) for block in blocks], axis=0)

    @property
    def epoch_steps(self):
        """Steps in which as many patches are drawn as there are."""
        return self.config.epoch_steps or max(1, round(self.count / self.config.batch))

    def draw(self, step):
        """The `Draw` of a step, always the same."""
        rng = np.random.Generator(np.random.Philox(key=[self.config.seed, self._drawn_as(step)]))
        # In one go for the whole batch, of which a worker may use a part.
        numbers = rng.random((self.config.batch, 1 + TRIES + self.draws))
        drawn = np.searchsorted(self.cumulative, numbers[:, 0] * self.cumulative[-1], "right")
        positions = np.minimum(drawn, len(self.clips) - 1)
        return Draw(positions, numbers[:, 1 : 1 + TRIES], numbers[:, 1 + TRIES :])

    def _drawn_as(self, step):
        """The step whose draw a step takes."""
        return step % self.taught.steps if self.taught else step

    def clip_ids(self, step):
        """The ids of the clips of a step's batch, each once."""
        return sorted({self.data.clip_id(self.clips[row]) for row in self.draw(step).clips})

    def batch(self, step, part=slice(None)):
        """The `Batch` of a step, or a part of its examples."""
        draw = Draw(*(values[part] for values in self.draw(step)))
        patches = [self._patch(*one) for one in zip(draw.clips, draw.places, strict=True)]
        waveforms = np.stack([patch for _, patch in patches])
        clips = [clip for clip, _ in patches]
        targets = self.data.targets(self.clips[clips])
        if self.config.teacher_head:
            targets = np.concatenate([targets, self.teacher[clips]], axis=1)
        elif self.teacher is not None:
            weight = self.config.teacher_weight
            targets = (1 - weight) * targets + weight * self.teacher[clips]
        if self.complete is not None:
            targets = np.column_stack([targets, ~self.complete[clips]])
        taught = np.zeros((len(waveforms), 0), np.float32)
        if self.taught:
            taught = self.taught.logits(self._drawn_as(step), part)
        return Batch(waveforms, targets.astype(np.float32), draw.uniform.astype(np.float32), taught)

    def dataset(self, first_step, *, worker=0, workers=1, replicas=1):
        """The batches from a step on, without end, as `tf.data` for one of several workers.

        Yields a `Batch` for each replica of the worker in turn, in the order of the whole batch.
        """
        share = self.config.batch // workers
        part = slice(worker * share, (worker + 1) * share)

        def load(step):
            try:
                return tuple(self.batch(int(step), part))
            except Exception as error:
                self.error = error  # what tf.data makes of it has lost its type
                raise

        def load_in_graph(step):
            batch = tf.numpy_function(load, [step], [tf.float32] * 4, stateful=False)
            samples, classes = self.samples + sum(self.around), len(self.data.labels)
            taught = classes if self.taught else 0
            more = self.teacher_classes + (self.complete is not None)
            widths = (samples, classes + more, self.draws, taught)
            return Batch(
                *(tf.ensure_shape(b, [share, w]) for b, w in zip(batch, widths, strict=True))
            )

        steps = tf.data.Dataset.counter(first_step)
        batches = steps.map(load_in_graph, num_parallel_calls=2, deterministic=True)
        if replicas > 1:
            batches = batches.rebatch(share // replicas, drop_remainder=True)
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
        return batches.prefetch(2 * replicas).with_options(options)

    def _weights(self, patches):
        """How often each clip is drawn: as often as it has patches, times what balances.

        Clips without labels are balanced as a class of their own.
        """
        balance = self.config.class_balance
        per_class = np.zeros(len(self.data.labels) + 1)
        blocks = np.array_split(np.arange(len(patches)), len(patches) // 4096 + 1)
        for block in blocks:
            per_class += patches[block] @ self._classes(block)
        if np.count_nonzero(per_class[:-1]) < 2 and not self.config.teachers:
            raise ValueError(
                f"The split {self.config.train_split!r} has clips of one class only; a classifier "
                "needs two at least."
            )
        if not balance:
            return patches.astype(np.float64)
        # A clip of several classes counts as one of its rarest.
        rarity = np.maximum(per_class, 1) ** -balance
        rarest = [np.max(self._classes(block) * rarity, axis=1) for block in blocks]
        return patches * np.concatenate(rarest)

    def _classes(self, clips):
        """The classes of clips, and whether they have none: float32 `[clips, classes + 1]`."""
        targets = self.data.targets(self.clips[clips])
        return np.column_stack([targets, ~targets.any(axis=1)])

    def _complete(self, pattern):
        """Whether a clip has labels and an id like the pattern, bool `[clips]`."""
        fits = [fnmatch.fnmatchcase(self.data.clip_id(clip), pattern) for clip in self.clips]
        labelled = self.data.labelled(self.clips)
        complete = np.array(fits) & labelled
        if not complete.any():
            such = [f", such as {self.data.clip_id(clip)!r}" for clip in self.clips[labelled][:1]]
            raise ValueError(
                "complete_labels must be like the id of a clip of the split "
                f"{self.config.train_split!r} that has labels{''.join(such)}. Received: {pattern!r}"
            )
        return complete

    def _patch(self, clip, places):
        """The clip that was read, and a patch of it; with `skip_corrupt`, the next that can be."""
        for _ in range(len(self.clips)):
            try:
                return clip, self._read(self.clips[clip], places)
            except CorruptData as error:
                if not self.config.skip_corrupt:
                    raise
                if clip not in self.corrupt:
                    warnings.warn(f"Left out of training: {error}", stacklevel=2)
                self.corrupt.add(clip)
                clip = (clip + 1) % len(self.clips)
        raise CorruptData(f"{self.data.folder} has no clip that can be read.")

    def _read(self, index, places):
        """A patch of a clip, and what is around it, at the first of some places where the patch is
        not quiet, or at the last."""
        before, after = self.around
        length = int(self.data.samples[index])
        # A patch may reach past the end, as the last patch of a clip does.
        latest = max(0, length - self.tail) if length > self.samples else 0
        for place in places if self.config.skip_quiet and latest else places[:1]:
            start = int(place * (latest + 1))
            first = max(0, start - before)
            window = self.data.waveform(index, first, start + self.samples + after - first)
            patch = window[start - first :][: self.samples]
            if np.mean(np.square(patch)) >= QUIET * self.data.power[index]:
                break
        missing = before - (start - first)
        whole = before + self.samples + after
        return np.pad(window, (missing, whole - missing - len(window)))


def _labelled(data, clips):
    """The clips of which somebody said what is heard; a warning counts the others."""
    labelled = data.labelled(clips)
    if not labelled.all():
        warnings.warn(
            f"Left out of training: {np.count_nonzero(~labelled)} of {len(clips)} clips, which "
            "have no labels, and there are no teachers to say what is heard in them.",
            stacklevel=3,
        )
    return clips[labelled]
