"""A folder of class folders."""

import os
from pathlib import Path

from frontend.audio import SUFFIXES
from zoo.data.records import TEST, TRAIN, VALIDATION, Clip, Skipped, Source, clip_id


def read_folder(folder):
    """Reads a folder whose folders are the classes; a clip's label is its class folder's name.

    Class folders are searched to any depth. Folders train, test and validation that hold class
    folders are splits. Sound files that lie in no class folder are skipped.

    Raises:
        OSError: the folder cannot be read.
        ValueError: it holds no sound files, or, beside a split, a folder of folders that is none.
    """
    clips, skipped, splits, deep = [], [], set(), set()
    for file in sound_files(folder):
        relative = file.relative_to(folder)
        *folders, _ = relative.parts
        split = TRAIN
        if len(folders) > 1 and folders[0] in (TRAIN, TEST, VALIDATION):
            split = folders.pop(0)
            splits.add(split)
        elif len(folders) > 1:
            deep.add(folders[0])
        if folders:
            clips.append(Clip(clip_id(relative), file, (folders[0],), split))
        else:
            reason = "it lies in no class folder"
            skipped.append(Skipped(clip_id(relative), str(file), reason))
    if not clips and not skipped:
        raise ValueError(
            f"{folder} holds no sound files ({', '.join(sorted(SUFFIXES))}), and no data set that "
            "is known."
        )
    if splits and deep:
        raise ValueError(
            f"{folder} has the split {min(splits)}, and beside it {min(deep)}, whose folders would "
            f"all be one class. Splits are called {TRAIN}, {TEST} and {VALIDATION}."
        )
    return Source(clips, [], skipped)


def sound_files(folder):
    """Yields the sound files below a folder, in order of their paths; hidden ones are left out."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.is_symlink() and _is_above(entry.path, folder):
                continue  # it would be searched for ever
            yield from sound_files(entry.path)
        elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
            yield Path(entry.path)


def _is_above(path, folder):
    path = os.path.realpath(path)
    return os.path.commonpath([path, os.path.realpath(folder)]) == path
