"""The search for sound files below a folder, the same for all that takes one."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from frontend.audio import SUFFIXES
from frontend.types import StrPath

_OF_THE_SYSTEM = {"__MACOSX", "$RECYCLE.BIN", "System Volume Information"}
"""Folders that macOS' zip files and Windows' drives have beside what a person put there; whatever
else a system keeps for itself begins with a dot."""


class LeftOut(NamedTuple):
    """Files of one kind in one folder that are not taken for sound.

    Attributes:
        files: how many they are.
        what: their suffix, or what they are in words.
        folder: path of the folder.

    Example:

    >>> print(LeftOut(3, ".docx", "recordings/speech"))
    3 .docx in recordings/speech/
    """

    files: int
    what: str
    folder: str

    def __str__(self) -> str:
        return f"{self.files} {self.what} in {os.path.join(self.folder, '')}"


class Found(NamedTuple):
    """What a search found.

    Attributes:
        files: paths of the sound files, sorted.
        left_out: what else lies there, sorted by folder.
    """

    files: list[Path]
    left_out: list[LeftOut]


def find_sounds(folder: StrPath) -> Found:
    """Searches a folder, to any depth, for files whose suffix is one of `frontend.audio.SUFFIXES`.

    Hidden files and folders, and those that a system keeps for itself, are passed over; a hidden
    file with the suffix of a sound is counted, unless it is a companion (`._*`) that macOS made,
    and so is a folder of prepared data or of a training run, which may lie beside its source.
    Links are followed, and no folder is searched twice: where two paths lead to one, the path
    without links is searched.

    Args:
        folder: path of the folder.

    Returns:
        `Found`.

    Raises:
        OSError: the folder cannot be read; one in it is left out.

    Example:

    >>> found = find_sounds("examples")
    >>> len(found.files), *map(str, found.left_out)
    (14, '1 .md in examples/')
    """
    files: list[Path] = []
    left_out: Counter[tuple[str, str]] = Counter()
    searched: set[tuple[int, int]] = set()
    folders, links = [os.fspath(folder)], list[str]()
    while folders or links:
        path = folders.pop() if folders else links.pop(0)
        try:
            status = os.stat(path)
            place = status.st_dev, status.st_ino
            entries = None if place in searched else _entries(path)
        except OSError:
            if path == os.fspath(folder):
                raise
            left_out[path, "folder that cannot be read"] += 1
            continue
        if entries is None:
            left_out[path, "link to a folder that is searched elsewhere"] += 1
            continue
        searched.add(place)
        for entry in entries:
            suffix = os.path.splitext(entry.name)[1].lower()
            if is_hidden(entry.name):
                if suffix in SUFFIXES and not entry.name.startswith("._") and _is(entry.is_file):
                    left_out[path, f"hidden {suffix}"] += 1
            elif _is(entry.is_dir) and _is_output(entry.path):
                left_out[path, "folder that soundzoo wrote"] += 1
            elif _is(entry.is_dir):
                (links if entry.is_symlink() else folders).append(entry.path)
            elif suffix in SUFFIXES and _is(entry.is_file):
                files.append(Path(entry.path))
            elif _is(entry.is_file):
                left_out[path, suffix or "without a suffix"] += 1
            else:
                left_out[path, f"{suffix or 'entry'} that is no file"] += 1
    counted = [LeftOut(count, what, where) for (where, what), count in sorted(left_out.items())]
    return Found(sorted(files), counted)


def listed_files(path: StrPath | int, folder: StrPath | None = None) -> Iterator[str]:
    """Yields the paths that a list names, and holds but one of them.

    Args:
        path: of the list, or a descriptor: a path a line; or a table (`.csv`, `.tsv`) with a column
            `file`.
        folder: to which names in a table are relative, a path or URL; default: the table's.

    Raises:
        OSError: the list cannot be read.
        ValueError: it is a table without such a column.
    """
    if not isinstance(path, int) and os.path.splitext(path)[1].lower() in (".csv", ".tsv"):
        from zoo.data.manifest import named_files  # here, because its package imports TensorFlow

        yield from named_files(path, folder)
        return
    # Names need not be text: what does not decode comes through to the file system as it is.
    with open(
        path, encoding="utf-8-sig", errors="surrogateescape", closefd=not isinstance(path, int)
    ) as file:
        yield from filter(None, map(str.strip, file))


def subfolders(folder: StrPath) -> list[Path]:
    """The folders in a folder that `find_sounds` would search, sorted."""
    return sorted(
        Path(entry.path)
        for entry in _entries(folder)
        if _is(entry.is_dir) and not is_hidden(entry.name) and not _is_output(entry.path)
    )


def _is_output(folder):
    """Whether `soundzoo prepare` or `train` writes this folder."""
    marks = (["plan.json", "shards"], ["data/plan.json"], ["run.json", "config.yaml"])
    return any(all(os.path.exists(os.path.join(folder, name)) for name in names) for names in marks)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is passed over.

    >>> is_hidden("._take 1.wav"), is_hidden("__MACOSX"), is_hidden("take 1.wav")
    (True, True, False)
    """
    return name.startswith(".") or name in _OF_THE_SYSTEM


def in_words(left_out: Iterable[LeftOut]) -> str:
    """What was left out, by kind alone.

    >>> in_words([LeftOut(3, ".docx", "a"), LeftOut(1, ".txt", "a"), LeftOut(2, ".txt", "b")])
    '3 .docx, 3 .txt'
    """
    counts: Counter[str] = Counter()
    for entry in left_out:
        counts[entry.what] += entry.files
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def check_file(path: StrPath) -> None:
    """Raises ValueError where what is to be heard is a folder: it was searched and holds none."""
    if os.path.isdir(path):
        raise ValueError(f"{path} holds no sound files.")


def _entries(folder: StrPath) -> list[os.DirEntry[str]]:
    with os.scandir(os.fspath(folder)) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is(kind):
    """The answer of `DirEntry.is_file` or `is_dir`, of a link that leads in a circle, too."""
    try:
        return kind()
    except OSError:
        return False
