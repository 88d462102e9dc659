"""Scores of clips that `soundzoo evaluate` wrote: to learn from, or to compare with."""

from pathlib import Path

import numpy as np

from zoo.array_files import map_npy
from zoo.evaluation.evaluate import CLIPS, LABELS, SCORES
from zoo.files import read_lines


def read_scores(folder, data, clips, *, own_labels=False):
    """Scores in a folder, in the order of the clips and labels of data.

    Args:
        folder: holds `scores.npy`, `clips.txt` and `labels.txt`.
        data: a `PreparedData`.
        clips: indices of its clips.
        own_labels: give the scores of the folder's labels instead of those of the data.

    Returns:
        float32 `[clips, classes]`.

    Raises:
        ValueError: a file is missing, or has no scores of a clip or a label.
    """
    folder = Path(folder)
    try:
        scores = map_npy(folder / SCORES, np.floating, 2)
        ids = read_lines(folder / CLIPS)
        labels = read_lines(folder / LABELS)
        if scores.shape != (len(ids), len(labels)):
            raise ValueError(f"{scores.shape} scores of {len(ids)} clips and {len(labels)} labels")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{folder} holds no scores of clips; `soundzoo evaluate --output {folder}` writes them "
            f"({error})."
        ) from None
    wanted = labels if own_labels else [label.name for label in data.labels]
    columns = _find("label", wanted, labels, folder)
    rows = _find("clip", [data.clip_id(clip) for clip in clips], ids, folder)
    return np.asarray(scores[rows], np.float32)[:, columns]


def _find(kind, wanted, names, folder):
    place = {name: index for index, name in enumerate(names)}
    missing = [name for name in wanted if name not in place]
    if missing:
        raise ValueError(
            f"The scores in {folder} lack {len(missing)} of {len(wanted)} {kind}s: "
            f"{', '.join(map(repr, missing[:3]))}{', ...' if len(missing) > 3 else ''}."
        )
    return [place[name] for name in wanted]
