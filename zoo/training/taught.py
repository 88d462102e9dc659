"""What teachers said of a training's mixtures, kept, so that they need not listen again.

A folder that `teach` writes holds

    teaching.json       the options that decide the mixtures, the data, the steps, and each part's
                        SHA-256
    logits-00000.npy    float16 [steps * batch, classes]: the teachers' mean logits of the first
                        `PART_STEPS` steps' mixtures, of the next, ...
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from frontend.types import StrPath
from zoo.array_files import map_npy
from zoo.data import PreparedData
from zoo.files import sha256, write_atomically
from zoo.json_text import parse_json
from zoo.locks import alone_in
from zoo.seal import SEAL, check_seal, sealed
from zoo.training.config import TrainConfig
from zoo.training.learner import Augmenter
from zoo.training.patches import Batch, TrainingPatches
from zoo.training.start import start
from zoo.training.teaching import Teachers

INDEX = "teaching.json"

PART_STEPS = 50
"""Steps of a file; what was heard since the last is lost when `teach` is killed (ours)."""

MIXING = (
    "seed",
    "batch",
    "train_split",
    "skip_corrupt",
    "class_balance",
    "skip_quiet",
    "gain_db",
    "speed",
    "time_shift",
    "mixup",
    "mixup_db",
    "equalizer_db",
    "mask_frames",
    "mask_bins",
    "teachers",
    "teacher_seconds",
)
"""Options that decide what teachers hear of a step; those of the masks do by the random numbers
that they take."""

_KINDS = {
    "data_sha256": str,
    "options": dict,
    "frontend": dict,
    "steps": int,
    "known": list,
    "teachers_sha256": str,
    "parts": list,
}

_AGAIN = "run soundzoo teach into another folder"


def teach(
    data: PreparedData,
    folder: StrPath,
    config: TrainConfig,
    *,
    steps: int,
    progress: Callable[[int], object] | None = None,
) -> "Taught":
    """Lets the teachers of a training hear its first steps' mixtures, and keeps what they say.

    Networks of one front end whose trainings mix alike learn from one such folder, by the option
    `taught`. A folder that was not finished, or is of fewer steps, is gone on with.

    Args:
        data: a `zoo.data.PreparedData`.
        folder: to write.
        config: of the training; it names the teachers.
        steps: how many; a training goes through them again and again.
        progress: function that is told how many more steps were heard.

    Returns:
        `Taught`.

    Raises:
        ValueError: there are no teachers or no steps, or the folder is of another training.
        CorruptData: a clip is damaged, and the options do not say to skip those.
        OSError: the folder cannot be written, or another process writes there.
    """
    if not config.teachers:
        raise ValueError("There is nobody to listen: pass teachers, SavedModels.")
    if steps < 1:
        raise ValueError(f"steps must be at least 1. Received: {steps}")
    folder = Path(folder)
    strategy = tf.distribute.get_strategy()  # of one device
    config, _, frontend = start(config, data, folder.name, strategy)
    teachers = Teachers(config.teachers, data.labels, data.sample_rate)
    augmenter = Augmenter(config, frontend)
    patches = TrainingPatches(data, config, frontend, **augmenter.takes)
    index = {
        **_of_training(config, data, frontend),
        "steps": steps,
        "known": (teachers.known > 0).tolist(),
        "teachers_sha256": _content(config.teachers),
        "parts": [],
    }
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        if (folder / INDEX).exists():
            before = _read(folder)
            _check_same(folder, before, index, "teachers_sha256")
            if before["steps"] > steps:
                raise ValueError(
                    f"{folder} is of {before['steps']} steps, not {steps}; ask for as many, or "
                    "name another folder."
                )
            index["parts"] = before["parts"]
            if before["steps"] < steps:
                # Its last part may be shorter than the others, and is heard again.
                index["parts"] = index["parts"][: before["steps"] // PART_STEPS]
                _write(folder, index)
        heard = PART_STEPS * len(index["parts"])
        progress = progress or (lambda steps: None)
        progress(min(heard, steps))
        logits = _listen(teachers, augmenter, patches, heard)
        while heard < steps:
            part = min(PART_STEPS, steps - heard)
            rows = np.concatenate([next(logits) for _ in range(part)]).astype(np.float16)
            path = folder / _part(len(index["parts"]))
            with write_atomically(path) as file:
                np.save(file, rows)
            index["parts"].append(sha256(path))
            _write(folder, index)
            heard += part
            progress(part)
    return Taught(folder, config, data, frontend)


def is_taught(folder: StrPath, steps: int) -> bool:
    """Whether a folder holds what teachers said of so many steps.

    Raises:
        ValueError: its index is damaged.
    """
    if not Path(folder, INDEX).exists():
        return False
    index = _read(Path(folder))
    return PART_STEPS * len(index["parts"]) >= index["steps"] >= steps


def _listen(teachers, augmenter, patches, first_step):
    @tf.function
    def hear(*batch):
        mixtures, _ = augmenter.mix(Batch(*batch))
        return teachers.logits(mixtures)

    try:
        for batch in patches.dataset(first_step):
            yield hear(*batch).numpy()
    except tf.errors.OpError:
        if patches.error is None:
            raise
        raise patches.error from None


class Taught:
    """What a folder that `teach` wrote holds.

    Args:
        folder: its path.
        config: the `TrainConfig` of the training that is to learn from it.
        data: what that trains on, a `PreparedData`.
        frontend: of its network, a `FrontendConfig`.

    Attributes:
        steps: whose mixtures were heard; a run may set fewer, those that it began with.
        known: float32 `[classes]`, 1 for those of the data's that a teacher knows.

    Raises:
        ValueError: the folder is not one, not finished or damaged, or of another training.
    """

    def __init__(self, folder, config, data, frontend):
        folder = Path(folder)
        index = _read(folder)
        _check_same(folder, index, _of_training(config, data, frontend))
        self.steps = index["steps"]
        self.known = np.array(index["known"], np.float32)
        if self.known.shape != (len(data.labels),):
            raise ValueError(f"{folder} is damaged: it is of other classes; {_AGAIN}.")
        self._batch = config.batch
        heard = PART_STEPS * len(index["parts"])
        if heard < self.steps:
            raise ValueError(
                f"{folder} has {heard} of {self.steps} steps; run the same soundzoo teach again, "
                "which goes on."
            )
        self._parts = [self._map(folder / _part(n), sha) for n, sha in enumerate(index["parts"])]
        rows = [len(part) for part in self._parts]
        if sum(rows) != self.steps * config.batch or set(rows[:-1]) - {PART_STEPS * config.batch}:
            raise ValueError(f"{folder} is damaged: its parts are not what it says; {_AGAIN}.")

    def logits(self, step, part=slice(None)):
        """The teachers' mean logits, float32 `[batch, classes]`, of a step's mixtures, or of some
        of them."""
        number, row = divmod(step, PART_STEPS)
        rows = self._parts[number][row * self._batch :][: self._batch]
        return rows[part].astype(np.float32)

    def _map(self, path, expected):
        try:
            if sha256(path) != expected:
                raise ValueError("is damaged: its SHA-256 is another")
            part = map_npy(path, np.dtype(np.float16), 2)
            if part.shape[1] != len(self.known):
                raise ValueError(f"has {part.shape[1]} classes, not {len(self.known)}")
            return part
        except FileNotFoundError:
            raise ValueError(f"{path} is missing; {_AGAIN}.") from None
        except ValueError as error:
            raise ValueError(f"{path} {error}; {_AGAIN}.") from None


def _part(number):
    return f"logits-{number:05}.npy"


def _of_training(config, data, frontend):
    """What decides the mixtures, as JSON types."""
    options = config.to_dict()
    clips = data.select(config.train_split)  # without those of shards that were lost
    return {
        "data_sha256": data.fingerprint,
        "clips_sha256": hashlib.sha256(clips.astype("<i8").tobytes()).hexdigest(),
        "options": {name: options[name] for name in MIXING},
        "frontend": frontend.to_dict(),
    }


def _content(folders):
    """SHA-256 of all files of SavedModels but their fingerprints, which differ for equal ones."""
    digest = hashlib.sha256()
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "fingerprint.pb":
                digest.update(f"{path.relative_to(folder)} {sha256(path)}\n".encode())
    return digest.hexdigest()


def _write(folder, index):
    with write_atomically(folder / INDEX) as file:
        file.write(json.dumps(sealed(index), indent=1).encode())


def _read(folder):
    path = folder / INDEX
    try:
        content = path.read_bytes()
    except OSError:
        raise ValueError(
            f"{folder} holds nothing that teachers said; `soundzoo teach` writes such a folder."
        ) from None
    try:
        index = parse_json(content)
        if (
            not isinstance(index, dict)
            or any(type(index.get(key)) is not kind for key, kind in _KINDS.items())
            or index["options"].keys() != set(MIXING)
            or not (index["steps"] > 0 and all(type(known) is bool for known in index["known"]))
        ):
            raise ValueError("lacks what soundzoo teach writes")
        check_seal(index, set())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}); {_AGAIN}.") from None
    del index[SEAL]
    return index


def _check_same(folder, before, now, *more):
    """ValueError if a folder is of a training that mixes otherwise, or differs in `more`."""
    differing = [
        f"{name} was {before['options'][name]!r} and is now {now['options'][name]!r}"
        for name in MIXING
        if before["options"][name] != now["options"][name]
    ]
    differing += [
        f"other {key.removesuffix('_sha256')}"
        for key in ("data_sha256", "clips_sha256", "frontend", *more)
        if before.get(key, now[key]) != now[key]  # of an older version, it names no clips
    ]
    if differing:
        raise ValueError(
            f"What {folder} holds was said of other mixtures: {'; '.join(differing)}. Go on with "
            f"the same options, data and teachers, or {_AGAIN}."
        )
