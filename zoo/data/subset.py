"""A part of prepared data: some of its clips, or some of its classes."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from zoo.data.prepared import PreparedData


class Subset:
    """Prepared data with fewer clips or classes; it is used as `PreparedData` is.

    Clips keep the indices, and their number, that they have in the whole; `select` gives those that
    are kept.

    Args:
        data: a `PreparedData`.
        labels: names of the classes to keep; a clip without any of them is left out. All by
            default.
        clips: indices of the clips to keep; all by default.

    Raises:
        ValueError: the data have no such class.
    """

    def __init__(
        self,
        data: PreparedData,
        *,
        labels: Iterable[str] | None = None,
        clips: npt.ArrayLike | None = None,
    ) -> None:
        self._data = data
        names = [label.name for label in data.labels]
        labels = labels if labels is None else [*labels]
        for name in labels or ():
            if name not in names:
                raise ValueError(f"{data.folder} has no class {name!r}; it has {', '.join(names)}.")
        self._columns = [names.index(name) for name in labels or names]
        self._clips = np.arange(len(data)) if clips is None else np.sort(clips)
        if labels is not None:
            self._clips = self._clips[self.targets(self._clips).any(axis=1)]
        self.labels = [data.labels[column] for column in self._columns]

    def __getattr__(self, name):
        if name.startswith("_"):  # what copying and pickling look for
            raise AttributeError(name)
        return getattr(self._data, name)

    def __len__(self) -> int:
        return len(self._data)

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of the data's and of what is kept of it."""
        digest = hashlib.sha256(self._data.fingerprint.encode())
        digest.update(np.array(self._columns, "<i8").tobytes())
        digest.update(self._clips.astype("<i8").tobytes())
        return digest.hexdigest()

    def select(self, split: str) -> npt.NDArray[np.int64]:
        """Indices, among the data's, of the clips of a split that are kept."""
        return np.intersect1d(self._data.select(split), self._clips)

    def targets(self, indices: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Which of the kept classes are heard in clips: float32 [len(indices), classes]."""
        return self._data.targets(indices)[:, self._columns]
