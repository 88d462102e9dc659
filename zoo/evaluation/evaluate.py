"""Evaluates a classifier on a split of prepared data, and writes what it finds to a folder.

`scores.npy` is written clip by clip and then read memory-mapped, as `truth.npy` is: a million clips
take no more memory than their ids and the ranking of one class.
"""

import contextlib
import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from frontend.types import StrPath, Track
from zoo.calibration import Method
from zoo.evaluation.blocks import blocks
from zoo.evaluation.bootstrap import bootstrap_intervals
from zoo.evaluation.calibrate import calibrate, check_calibration
from zoo.evaluation.metrics import balanced_mean, class_figures, d_prime, lwlrap, top1
from zoo.evaluation.scoring import score_clips
from zoo.files import scratch_folder, write_lines
from zoo.locks import alone_in

if TYPE_CHECKING:
    from zoo.classifier import AudioClassifier
    from zoo.data import PreparedData

METRICS = "metrics.json"
PER_CLASS = "per_class.csv"
THRESHOLDS = "thresholds.json"
SCORES = "scores.npy"
TRUTH = "truth.npy"
CLIPS = "clips.txt"
LABELS = "labels.txt"
PRECISION_RECALL = "precision_recall.png"
AVERAGE_PRECISION = "average_precision.png"
CONFUSION = "confusion.png"
RELIABILITY = "reliability.png"

# In the order in which they take their places: what names the figures comes last.
FILES = (
    *(SCORES, TRUTH, CLIPS, LABELS),
    *(PRECISION_RECALL, AVERAGE_PRECISION, CONFUSION, RELIABILITY),
    *(PER_CLASS, THRESHOLDS, METRICS),
)


def evaluate(
    classifier: "AudioClassifier",
    data: "PreparedData",
    split: str,
    folder: StrPath,
    *,
    bootstrap: int = 1000,
    seed: int = 0,
    plots: bool = False,
    ignore_unknown_labels: bool = False,
    calibration: Method | None = None,
    model: StrPath | None = None,
    track: Track | None = None,
) -> dict[str, Any]:
    """Scores every clip of a split and computes how well the scores tell the classes apart.

    The classes are the classifier's; the data's labels are found among them by name. A clip's score
    is the mean of its patches' scores. The means over classes count each class alike, and leave out
    those that no clip has, or that all clips have.

    Args:
        classifier: an `AudioClassifier`.
        data: `zoo.data.PreparedData`.
        split: name of the split.
        folder: where the files go. They replace those of an earlier evaluation when all is done;
            until then, or after an error, what was there stays.
        bootstrap: resamples for the 95% intervals; 0 leaves the intervals out.
        seed: of the resampling.
        plots: draw precision and recall, average precision and, where every clip has one label, the
            confusion matrix. Needs matplotlib.
        ignore_unknown_labels: leave out labels that the classifier does not know, and clips that
            have no other, instead of raising.
        calibration: "platt" or "isotonic" (see `calibrate`): fit one on this split, and set it as
            the classifier's `calibration`.
        model: what `metrics.json` calls the classifier; its name by default.
        track: function of an iterable, its length and a word on it, that gives the same items; it
            may show progress.

    Returns:
        dict, the content of `metrics.json`:

        * mAP, AUC, d_prime (that of the mean AUC, as in the paper's tables), lwlrap, top1: floats,
          or None where undefined or infinite; clips, classes: how many they are of
        * intervals: (low, high) of each figure
        * per_class: of each class its clips, AP, AUC and d_prime
        * without_positives, without_negatives: names of the classes that are left out of the means
        * unknown_labels, clips_left_out: what `ignore_unknown_labels` left out; clips without any
          label, of which nobody said what is heard in them, count as left out, too
        * calibration: its method, how many classes it has curves for, and the expected calibration
          error of these before and after it; None without one
        * model, data, split, data_index_sha256, bootstrap, seed: what was evaluated, and how

    Raises:
        ValueError: there is no such split, it is empty, labels are unknown, sample rates differ, or
            scores are not finite; the message says which.
        OSError: the files cannot be written, another process is about to, or the folder holds files
            of these names that no evaluation wrote.

    Files:
        `metrics.json`; `per_class.csv`; `thresholds.json`, by class name the score from which on
        its F1 is highest here, for `soundzoo events --thresholds`; `scores.npy`, float32
        `[clips, classes]`; `truth.npy`, bool of the same shape; `clips.txt` and `labels.txt`, ids
        of the clips and names of the classes in that order, as `zoo.files.write_lines` writes them;
        plots as PNG,
        with a calibration also `reliability.png`.
    """
    if bootstrap < 0:
        raise ValueError(f"bootstrap must be at least 0 resamples. Received: {bootstrap}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0. Received: {seed}")
    data.check_heard_at(classifier.frontend.sample_rate)
    if plots:
        from zoo import plot  # here, because matplotlib is an extra and slow to import
    indices = data.select(split)
    if not len(indices):
        raise ValueError(f"The split {split!r} of {data.folder} holds no clips.")
    names = [label.name for label in classifier.labels]
    if data.skip_corrupt:
        indices = indices[data.readable(indices)]
        if not len(indices):
            raise ValueError(f"No clip of the split {split!r} of {data.folder} can be read.")
    kept, unknown = _known_clips(data, indices, names)
    if unknown and not ignore_unknown_labels:
        raise ValueError(_complaint(unknown, split))
    if not len(kept):
        raise ValueError(f"No clip of the split {split!r} has a label that the model knows.")

    with _results(folder) as scratch:
        write_lines(scratch / CLIPS, map(data.clip_id, kept))
        write_lines(scratch / LABELS, names)
        truth = _write_array(
            scratch / TRUTH, bool, (len(kept), len(names)), _truth(data, kept, names)
        )
        if calibration is not None:
            check_calibration(truth, calibration)
        scored = score_clips(classifier, data, kept)
        if track is not None:
            scored = track(scored, len(kept), "Scoring clips")
        scores = _write_array(scratch / SCORES, np.float32, truth.shape, scored)
        metrics, thresholds = _metrics(truth, scores, names)
        if bootstrap:
            intervals = bootstrap_intervals(
                truth, scores, resamples=bootstrap, seed=seed, track=track
            )
            metrics["intervals"] = {
                name: list(map(_number, bounds)) for name, bounds in intervals.items()
            }
        calibrated = None
        if calibration is not None:
            calibrated = calibrate(truth, scores, names, calibration, seed=seed)
            classifier.calibration = calibrated.calibration
            if plots:
                plot.save(plot.reliability(calibrated), scratch / RELIABILITY)
        metrics |= {
            "calibration": calibrated and _calibration(calibration, calibrated),
            "unknown_labels": list(unknown),
            "clips_left_out": len(indices) - len(kept),
            "model": classifier.name if model is None else str(model),
            "data": str(data.folder),
            "split": split,
            "data_index_sha256": data.fingerprint,
            "bootstrap": bootstrap,
            "seed": seed,
        }
        _write_per_class(scratch / PER_CLASS, metrics["per_class"])
        if plots:
            _draw(plot, scratch, truth, scores, names, metrics)
        _write_json(scratch / THRESHOLDS, thresholds)
        _write_json(scratch / METRICS, metrics)
    return metrics


def _write_json(path, value):
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # A class may be called as a folder is, whose name need not be text; JSON knows the escape.
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def _calibration(method, calibrated):
    return {
        "method": method,
        "classes": len(calibrated.calibration.curves),
        "error_before": calibrated.before.error,
        "error_after": calibrated.after.error,
    }


def _known_clips(data, indices, names):
    """Clips that a classifier of these labels can be judged by, and how many have unknown labels.

    Returns:
        Indices of the clips that have a label of `names`; and a dict, label -> clips, of the labels
        that are not of `names`.
    """
    known = np.isin([label.name for label in data.labels], names)
    clips = np.zeros(len(known), np.int64)
    kept = []
    for rows in blocks(indices):
        targets = data.targets(rows) > 0
        clips += targets.sum(axis=0)
        kept.append(rows[targets[:, known].any(axis=1)])
    unknown = {
        label.name: int(count)
        for label, count, is_known in zip(data.labels, clips, known, strict=True)
        if count and not is_known
    }
    return np.concatenate(kept), unknown


def _complaint(unknown, split):
    first = ", ".join(f"{name!r} ({clips} clips)" for name, clips in list(unknown.items())[:3])
    rest = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return (
        f"The split {split!r} has labels that the model does not know: {first}{rest}. To leave "
        "them out, and the clips that have no other, pass --ignore-unknown-labels "
        "(ignore_unknown_labels=True)."
    )


def _truth(data, indices, names):
    """Yields bool `[1, classes]` of each clip: which of `names` it has."""
    places = {name: column for column, name in enumerate(names)}
    columns = [
        (source, places[label.name])
        for source, label in enumerate(data.labels)
        if label.name in places
    ]
    sources, targets = np.array(columns, np.int64).reshape(-1, 2).T
    for rows in blocks(indices):
        truth = np.zeros((len(rows), len(names)), bool)
        truth[:, targets] = data.targets(rows)[:, sources] > 0
        yield from truth


def _metrics(truth, scores, names):
    """What `metrics.json` and `thresholds.json` hold."""
    average_precisions, areas, thresholds = class_figures(truth, scores)
    clips = sum(rows.sum(axis=0) for rows in blocks(truth))
    counted = (clips > 0) & (clips < len(truth))
    area = balanced_mean(areas[counted])
    metrics = {
        "mAP": _number(balanced_mean(average_precisions[counted])),
        "AUC": _number(area),
        "d_prime": _number(d_prime(area)),
        "lwlrap": _number(lwlrap(truth, scores)),
        "top1": _number(top1(truth, scores)),
        "clips": len(truth),
        "classes": int(counted.sum()),
        "intervals": {},
        "per_class": {
            name: {
                "clips": int(count),
                "AP": _number(average_precision),
                "AUC": _number(area),
                "d_prime": _number(d_prime(area)),
            }
            for name, count, average_precision, area in zip(
                names, clips, average_precisions, areas, strict=True
            )
        },
        "without_positives": [name for name, count in zip(names, clips, strict=True) if not count],
        "without_negatives": [
            name for name, count in zip(names, clips, strict=True) if count == len(truth)
        ],
    }
    return metrics, {
        name: float(threshold)
        for name, threshold in zip(names, thresholds, strict=True)
        if threshold > 0  # which an undefined one is not, and events begin above 0
    }


def _number(value):
    """As JSON has it: None for what is undefined or infinite."""
    return float(value) if np.isfinite(value) else None


@contextlib.contextmanager
def _results(folder):
    """A scratch folder whose files take their places in `folder` when the block ends."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _check_results(folder)
    with alone_in(folder), scratch_folder(folder, ".evaluation-") as scratch:
        yield scratch
        for name in FILES:
            if Path(scratch, name).exists():
                os.replace(Path(scratch, name), folder / name)
            else:  # of an earlier evaluation
                (folder / name).unlink(missing_ok=True)


def _check_results(folder):
    """Refuses to replace files of the same names that no evaluation wrote."""
    found = [name for name in FILES if (folder / name).exists()]
    # They take their places in this order, and one may be killed before the second.
    if TRUTH not in found and found not in ([], [SCORES]):
        raise FileExistsError(
            f"{folder} holds {found[-1]}, and is not the folder of an earlier evaluation, whose "
            "files would be replaced; name another folder."
        )


def _write_array(path, dtype, shape, rows):
    """Writes rows as they come to a .npy file; returns it memory-mapped."""
    with open(path, "wb") as file:
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        np.lib.format.write_array_header_1_0(
            file, {"descr": descr, "fortran_order": False, "shape": shape}
        )
        for row in rows:
            file.write(row.astype(dtype, copy=False).tobytes())
    return np.load(path, mmap_mode="r")


def _write_per_class(path, per_class):
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["label", "clips", "AP", "AUC", "d_prime"])
        for name, figures in per_class.items():
            rows.writerow([name, *figures.values()])


def _draw(plot, folder, truth, scores, names, metrics):
    figures = {
        PRECISION_RECALL: plot.pr_curves(truth, scores, names),
        AVERAGE_PRECISION: plot.average_precision(metrics),
    }
    if all((rows.sum(axis=1) == 1).all() for rows in blocks(truth)):
        figures[CONFUSION] = plot.confusion(truth, scores, names)
    for name, figure in figures.items():
        plot.save(figure, folder / name)
