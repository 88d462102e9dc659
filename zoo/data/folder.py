"""A folder of class folders."""

import os
from pathlib import Path

from frontend.audio import SUFFIXES
from zoo.data.records import (
    TEST,
    TRAIN,
    VALIDATION,
    Clip,
    Skipped,
    Source,
    clip_id,
    name_splits,
    split_named,
)
from zoo.search import find_sounds, in_words, is_hidden, subfolders

_TABLES = {".csv", ".tsv"}
_SPLITS = f"{TRAIN}, {VALIDATION} and {TEST}"


def read_folder(folder):
    """Reads a folder whose folders are the classes; a clip's label is its class folder's name.

    Class folders are searched to any depth. Folders train, validation and test, by any of their
    usual names, that hold class folders are splits. One folder that holds all others is looked
    through (`unwrapped`). Sound files that lie in no class folder are skipped.

    Raises:
        OSError: the folder cannot be read.
        ValueError: it, or one of its class folders, holds no sound files; a split lies beside a
            folder that is none; or the folders cannot be classes, because all hold the same ones.
    """
    found = find_sounds(folder)
    if not found.files:
        raise ValueError(
            f"{folder} holds no sound files, and no data set that is known: "
            f"{_contents(found.left_out)}."
        )
    *_, root = unwrapped(folder)
    splits = _splits(root)
    class_folders = [inner for path in splits for inner in subfolders(root / path)]
    _check_class_folders(class_folders or subfolders(root), found)
    clips, skipped = [], []
    for file in found.files:
        relative = file.relative_to(root)
        *folders, _ = relative.parts
        split = splits[folders.pop(0)] if splits and folders else TRAIN
        if folders:
            clips.append(Clip(clip_id(relative), file, (folders[0],), split))
        else:
            skipped.append(Skipped(clip_id(relative), str(file), "it lies in no class folder"))
    return Source(clips, [], skipped, found.left_out)


def unwrapped(folder):
    """Yields a folder, then the one inside of it, if it holds but that, as a zip leaves it, and on.

    What is a class or a split, by what it holds or by its name, is no such folder inside.
    """
    folder = Path(folder)
    while True:
        yield folder
        inside = subfolders(folder)
        if len(inside) != 1 or _holds(folder, SUFFIXES | _TABLES) or split_named(inside[0].name):
            return
        if not subfolders(inside[0]) and not _holds(inside[0], _TABLES):
            return
        folder = inside[0]


def _splits(root):
    """Splits by the names of the folders that are them; empty where the folders are the classes."""
    folders = subfolders(root)
    inside = {path.name: [inner.name for inner in subfolders(path)] for path in folders}
    splits = [name for name in inside if split_named(name) and inside[name]]
    others = [name for name in inside if name not in splits]
    if splits and others:
        raise ValueError(
            f"{root} has the split {splits[0]}, and beside it {others[0]}, which "
            + ("holds no class folders" if split_named(others[0]) else "is none")
            + f". Splits are called {_SPLITS}, and hold class folders."
        )
    if splits:
        return name_splits(splits, root)
    if inside and all(map(split_named, inside)):
        raise ValueError(
            f"{root} holds no classes but splits, {', '.join(inside)}, without class folders. Put "
            "the sounds of each class into a folder of its own, inside of its split."
        )
    below = [f"{name}/{inner}" for name in inside for inner in inside[name] if split_named(inner)]
    if below:
        raise ValueError(
            f"{root} has the split {below[0]} in a class folder. Splits lie above the classes: "
            f"move it to {'/'.join(reversed(below[0].split('/')))}, and the others likewise."
        )
    first, *rest = inside.values() or [[]]
    if rest and first and all(names == first for names in rest):
        raise ValueError(
            f"The folders of {root} ({_listed(inside)}) all hold the same folders "
            f"({_listed(first)}), so that they are no classes. If they are splits, call them "
            f"{_SPLITS}; if not, put the sounds of each class into one folder."
        )
    return {}


def _check_class_folders(folders, found):
    """Raises ValueError if one of them holds no sound files, and says what it holds."""
    with_sounds = {file.parent for file in found.files}
    with_sounds |= {above for folder in with_sounds for above in folder.parents}
    for folder in folders:
        if folder not in with_sounds:
            inside = [
                entry for entry in found.left_out if Path(entry.folder).is_relative_to(folder)
            ]
            raise ValueError(
                f"The class folder {folder} holds no sound files: {_contents(inside)}. Convert "
                "what it holds, or move it elsewhere."
            )


def _contents(left_out):
    return f"it holds {in_words(left_out)}" if left_out else "it is empty"


def _holds(folder, suffixes):
    return any(
        os.path.splitext(name)[1].lower() in suffixes and not is_hidden(name)
        for name in os.listdir(folder)
    )


def _listed(names):
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
