"""Pictures of sounds, scores and embeddings. Needs matplotlib, the extra `soundzoo[plot]`.

Every function makes a figure of its own and returns it: `figure.savefig(path)` writes it, and a
notebook shows it. Most also draw into Axes that they are given, `ax`, and then return their figure.
Nothing goes through pyplot and its global state.
"""

import os
import textwrap
from pathlib import Path

import numpy as np

try:  # before the imports that take seconds
    from matplotlib.figure import Figure
except ImportError:
    raise ImportError("Plots need matplotlib: pip install 'soundzoo[plot]'") from None

from frontend import (
    FrontendConfig,
    LogMelSpectrogram,
    check_waveform,
    load_audio,
    waveform_patches,
)
from zoo.evaluation.metrics import class_rankings

# Perceptually uniform and readable with every kind of colour vision.
COLOURS = "cividis"
BLUE = "#00336f"  # of the same map
ORANGE = "#e69f00"
VERMILLION = "#d55e00"

# Okabe and Ito's colours, told apart with every kind of colour vision. As lines they come in pairs;
# yellow is too pale for a line, and black is the mean's.
_LINE_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#cc79a7", ORANGE, VERMILLION)
_APART = (*_LINE_COLOURS[::2], *_LINE_COLOURS[1::2])
_DASHES = ("-", "-.", "--", ":")
_POINT_COLOURS = (*_APART, "#f0e442", "#000000")
# 13 and 8 have no common factor: 104 classes differ in marker or colour, and neighbours in both.
_MARKERS = "os^DvPX<>phd*"

_OCTAVES = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)
_RECALLS = np.linspace(0.005, 1, 200)
_ROWS = 4096


def spectrogram(audio, *, frontend=None, ax=None):
    """Draws the log-mel spectrogram of a sound, as the network hears it.

    Args:
        audio: path or binary file object of a sound file, or a mono waveform, floating point
            `[samples]` in -1..1 at the front end's sample rate (16 kHz).
        frontend: a `FrontendConfig`; the paper's by default.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`. Time is in seconds, and frequency in hertz on the mel scale. A
        remainder of the sound too short to make a patch is not heard, and not drawn.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the sound is not usable; the message says why.

    Example:

    >>> figure = spectrogram("examples/birdsong.ogg")
    >>> figure.axes[0].get_ylabel()
    'frequency (Hz)'
    """
    frontend = frontend or FrontendConfig()
    waveform = _waveform(audio, frontend)
    hear = LogMelSpectrogram(frontend)
    log_mel = np.concatenate(
        [
            hear(patches).numpy().reshape(-1, frontend.mel_bins)
            for patches in waveform_patches([waveform], frontend)
        ]
    )
    # Without the silence that fills the last patch.
    frames = log_mel[: max(1, round(len(waveform) / frontend.hop_samples))]
    seconds = len(frames) * frontend.hop_samples / frontend.sample_rate

    axes = ax or new_axes(9, 3.2)
    bottom, top = _mel(frontend.mel_min_hz), _mel(frontend.mel_max_hz)
    # Filters reach from their lower to their upper neighbour's middle, the outer ones to the ends
    # of the scale: with one more bin beyond each end, all middles stand at their frequencies.
    half = (top - bottom) / (frontend.mel_bins + 1) / 2
    image = axes.imshow(
        np.pad(frames.T, ((1, 1), (0, 0)), "edge"),
        origin="lower",
        aspect="auto",
        cmap=COLOURS,
        extent=(0, seconds, bottom - half, top + half),
    )
    ticks = _frequency_ticks(frontend)
    axes.set_yticks([_mel(hz) for hz in ticks], [f"{hz:g}" for hz in ticks])
    axes.set(xlim=(0, seconds), ylim=(bottom, top), xlabel="time (s)", ylabel="frequency (Hz)")
    axes.figure.colorbar(image, ax=axes, label="log-mel magnitude", pad=0.01)
    return axes.figure


def timeline(classifier, heard, *, top=5, ax=None):
    """Draws the top classes' scores over time.

    Args:
        classifier: the `AudioClassifier` that listened.
        heard: what `classifier.timeline(audio)` gave.
        top: how many classes, those of the highest mean score, best on top.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`, one row of cells a class and one column a patch.

    Example:

    >>> from zoo import AudioClassifier
    >>> clf = AudioClassifier("fully_connected", ["Cat", "Dog", "Rain"], width=0.02)
    >>> figure = timeline(clf, clf.timeline("examples/birdsong.ogg"), top=2)
    >>> figure.axes[0].get_xlabel()
    'time (s)'
    """
    best = np.argsort(-heard.scores.mean(axis=0), kind="stable")[:top]
    axes = ax or new_axes(9, 1.2 + 0.4 * len(best))
    image = axes.imshow(
        heard.scores[:, best].T,
        aspect="auto",
        cmap=COLOURS,
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(0, len(heard.scores) * classifier.frontend.patch_hop_seconds, len(best), 0),
    )
    names = [
        textwrap.fill(classifier.labels[index].name, 24, max_lines=2, placeholder="...")
        for index in best
    ]
    axes.set_yticks(np.arange(len(best)) + 0.5, names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time (s)")
    axes.figure.colorbar(image, ax=axes, label="score", pad=0.01, ticks=(0, 0.5, 1))
    return axes.figure


def recording(classifier, audio, heard, *, top=5):
    """Draws a recording: waveform, log-mel spectrogram, and the top classes' scores over time.

    Args:
        classifier: the `AudioClassifier` that listened.
        audio: path of the sound file.
        heard: what `classifier.timeline(audio)` gave.
        top: how many classes, those of the highest mean score, best on top.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        OSError, ValueError: the file is not usable; the message says why.

    Example:

    >>> from zoo import AudioClassifier
    >>> clf = AudioClassifier("fully_connected", ["Cat", "Dog", "Rain"], width=0.02)
    >>> figure = recording(clf, "examples/birdsong.ogg", clf.timeline("examples/birdsong.ogg"))
    >>> figure.get_suptitle()
    'birdsong.ogg'
    """
    waveform = load_audio(audio, classifier.frontend.sample_rate)
    seconds = len(waveform) / classifier.frontend.sample_rate
    classes = min(top, heard.scores.shape[1])

    figure = Figure(figsize=(9, 5.2 + 0.3 * classes), layout="constrained", dpi=120)
    rows = figure.subplots(3, 1, sharex=True, height_ratios=(1.2, 2.4, 0.5 + 0.4 * classes))
    _draw_waveform(rows[0], waveform, seconds)
    spectrogram(waveform, frontend=classifier.frontend, ax=rows[1])
    timeline(classifier, heard, top=top, ax=rows[2])
    rows[1].set_xlabel(None)
    rows[2].set_xlim(0, seconds)
    figure.suptitle(Path(audio).name, parse_math=False)
    return figure


def confusion(truth, predicted, names, *, ax=None):
    """Draws what the clips of each class are taken for, as shares of the class's clips.

    Args:
        truth: the class of each clip: integers `[clips]`, or bool `[clips, classes]` with one
            label a clip.
        predicted: what each clip is taken for: integers `[clips]`, or scores `[clips, classes]`,
            of which the best counts.
        names: of the classes. Those that no clip has are one column, "other labels", if any clip
            is taken for them.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`. Up to 20 classes, the cells show how many clips they are.

    Raises:
        ValueError: there are no clips, shapes or indices do not fit, a clip has not one label, or
            a score is NaN.

    Example:

    >>> figure = confusion([0, 0, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], ["Cat", "Dog"])
    >>> figure.axes[0].get_images()[0].get_array().tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    truth, predicted = np.asanyarray(truth), np.asanyarray(predicted)
    if truth.ndim == 2:
        _check_one_label(truth)
    truth, predicted = _classes(truth, names, "truth"), _classes(predicted, names, "predicted")
    if not len(truth) or len(truth) != len(predicted):
        raise ValueError(
            "truth and predicted must be of the same clips, and of one at least. "
            f"Received {len(truth)} and {len(predicted)}."
        )
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    present = counts.any(axis=1)
    other = counts[present][:, ~present].sum(axis=1, keepdims=True)
    counts = counts[present][:, present]
    rows = [short(name, 36) for name, is_present in zip(names, present, strict=True) if is_present]
    columns = list(rows)
    if other.any():
        counts, columns = np.hstack([counts, other]), [*columns, "other labels"]
    shares = counts / counts.sum(axis=1, keepdims=True)

    few = len(rows) <= 20
    cell, letter = (np.clip(4 / len(rows), 0.42, 0.8), 0.075) if few else (0.14, 0.055)  # inches
    longest = letter * max(map(len, columns))
    width, height = 1.05 * cell * len(columns), cell * len(rows)  # the colour bar grows along
    axes = ax or new_axes(1.6 + longest + width, 0.6 + longest + height)
    image = axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest")
    style = {"fontsize": 9 if few else 6.5, "parse_math": False}
    axes.set_xticks(range(len(columns)), columns, rotation=90, **style)
    axes.set_yticks(range(len(rows)), rows, **style)
    axes.tick_params(length=0)
    if few:
        for row, column in np.argwhere(counts):
            colour = "black" if shares[row, column] > 0.5 else "white"
            text = str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.6, pad=0.02)
    return axes.figure


def pr_curves(truth, scores, names, *, classes=None, ax=None):
    """Draws precision over recall: of some classes in colour, of the others in grey, and the mean.

    A class's precision at a recall is that at the lowest threshold which reaches the recall; the
    area under its curve is its average precision, which the legend gives. Classes that no clip has,
    or that all have, have no curve.

    Args:
        truth: bool `[clips, classes]`, true where the clip has the label.
        scores: `[clips, classes]`, higher where the label is likelier.
        names: of the classes.
        classes: names of those to draw in colour; by default all of up to 12, or else the best,
            middle and worst two.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: the shapes or the number of names differ, there are no clips, truth is not
            bool, a score is NaN, or one of `classes` has no curve.

    Example:

    >>> figure = pr_curves([[True], [False], [True]], [[0.9], [0.5], [0.1]], ["Dog"])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['Dog (0.83)', 'mean of 1 class (0.83)']
    """
    if np.shape(scores)[-1:] != (len(names),):
        raise ValueError(
            "scores must be [clips, classes], with a name for each class. "
            f"Received shape {np.shape(scores)} and {len(names)} names."
        )
    precisions, curves = {}, {}
    for name, ranking in zip(names, class_rankings(truth, scores), strict=True):
        if 0 < len(ranking.positives) < len(ranking.order):
            precisions[name] = ranking.figures()[0]
            curves[name] = _precisions(ranking)
    ranked = sorted(curves, key=precisions.get, reverse=True)
    coloured = _best_middle_worst(ranked) if classes is None else list(classes)
    for name in coloured:
        if name not in curves:
            raise ValueError(
                f"{name!r} has no curve: it is not among the names, or no clip has it, or all have."
            )

    axes = ax or new_axes(8, 5.5)
    others = [curves[name] for name in ranked if name not in coloured]
    lines, legend = [], []
    for number, name in enumerate(coloured):
        cycle, place = divmod(number, len(_LINE_COLOURS))
        dashes = _DASHES[(cycle + place // 2) % len(_DASHES)]
        colour = _LINE_COLOURS[place]
        lines += axes.plot(_RECALLS, curves[name], dashes, color=colour, linewidth=1.5)
        legend.append(f"{name} ({precisions[name]:.2f})")
    if curves:
        mean = np.mean(list(curves.values()), axis=0)
        lines += axes.plot(_RECALLS, mean, color="black", linewidth=2.5)
        mean_precision = np.mean(list(precisions.values()))
        noun = "class" if len(curves) == 1 else "classes"
        legend.append(f"mean of {len(curves)} {noun} ({mean_precision:.2f})")
    if others:
        lines += axes.plot(_RECALLS, np.transpose(others), color="0.8", linewidth=0.6, zorder=1)[:1]
        legend.append("other classes")
    if lines:
        _legend(axes, lines, legend, title="average precision")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    return axes.figure


def embedding_map(embeddings, labels, *, ax=None):
    """Draws embeddings in the plane of their two first principal components.

    Args:
        embeddings: floating point `[n, units]`, as `AudioClassifier.embed` gives them.
        labels: the class of each, `[n]` names. Up to 104 classes differ in colour or marker.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`. Both axes have the same scale, and say which share of the
        variance theirs is.

    Raises:
        ValueError: fewer than two embeddings or units, or not as many labels, or NaN.

    Example:

    >>> figure = embedding_map([[0.0, 1.0], [1.0, 1.0], [4.0, 1.0]], ["Cat", "Cat", "Dog"])
    >>> figure.axes[0].get_xlabel()
    'first principal component (100% of the variance)'
    """
    embeddings = np.asarray(embeddings, np.float64)
    if embeddings.ndim != 2 or min(embeddings.shape) < 2 or len(labels) != len(embeddings):
        raise ValueError(
            "An embedding map needs embeddings [n, units], at least two of at least two units, and "
            f"n labels. Received shape {embeddings.shape} and {len(labels)} labels."
        )
    if not np.isfinite(embeddings).all():
        raise ValueError("embeddings hold NaN or infinity.")
    points, shares = _principal_components(embeddings)
    names, classes = np.unique([str(label) for label in labels], return_inverse=True)

    many = len(names) > 24
    columns = -(-len(names) // 40) if many else 1
    axes = ax or new_axes(6 + 2 * columns, 6.5 if many else 5.5)
    dots = [
        axes.scatter(
            *points[classes == number].T,
            s=40 if len(points) <= 500 else 18,
            marker=_MARKERS[number % len(_MARKERS)],
            color=_POINT_COLOURS[number % len(_POINT_COLOURS)],
            edgecolor="0.2",
            linewidth=0.3,
        )
        for number in range(len(names))
    ]
    _legend(axes, dots, names, ncols=columns, fontsize=7 if many else 9)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(f"first principal component ({shares[0]:.0%} of the variance)")
    axes.set_ylabel(f"second principal component ({shares[1]:.0%} of the variance)")
    return axes.figure


def new_axes(width, height):
    """The Axes of a new figure of `width` x `height` inches, laid out so that nothing is cut off.

    Lines and points that are given no colour are told apart with every kind of colour vision.
    """
    axes = Figure(figsize=(width, height), layout="constrained", dpi=120).subplots()
    axes.set_prop_cycle(color=_APART)
    return axes


def short(name, width):
    """The `name`, cut to `width` characters where it is longer."""
    return name if len(name) <= width else name[: width - 3].rstrip(" ,") + "..."


def _waveform(audio, frontend):
    if isinstance(audio, (str, os.PathLike)) or hasattr(audio, "read"):
        return load_audio(audio, frontend.sample_rate)
    return check_waveform(audio)


def _draw_waveform(axes, waveform, seconds):
    # Peaks of 2000 stretches look like the waveform at any length, and draw quickly.
    stretches = np.array_split(waveform, min(2000, len(waveform)))
    times = (np.arange(len(stretches)) + 0.5) * seconds / len(stretches)
    low, high = ([f(stretch) for stretch in stretches] for f in (np.min, np.max))
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.6, edgecolor=BLUE)
    limit = max(0.01, 1.05 * np.abs(waveform).max())
    axes.set(ylim=(-limit, limit), ylabel="amplitude")


def _mel(hz):
    """HTK's mel scale, on which the bins are evenly spaced."""
    return 1127 * np.log1p(hz / 700)


def _frequency_ticks(frontend):
    """Both ends of the mel axis, and the octaves that are not too near to them."""
    low, high = frontend.mel_min_hz, frontend.mel_max_hz
    gap = 0.05 * (_mel(high) - _mel(low))
    between = [hz for hz in _OCTAVES if _mel(low) + gap < _mel(hz) < _mel(high) - gap]
    return [low, *between, high]


def _check_one_label(truth):
    for first in range(0, len(truth), _ROWS):
        labels = np.count_nonzero(truth[first : first + _ROWS], axis=1)
        if (labels != 1).any():
            clip = int(np.argmax(labels != 1))
            raise ValueError(
                "A confusion matrix needs one label a clip. "
                f"Clip {first + clip} has {labels[clip]}."
            )


def _classes(values, names, word):
    """Class indices, given as such or as the best of each row, which is read in blocks."""
    if values.ndim == 2 and values.shape[1] == len(names):
        indices = np.zeros(len(values), np.int64)
        for first in range(0, len(values), _ROWS):
            block = np.asarray(values[first : first + _ROWS])
            if np.isnan(block).any():
                clip = first + int(np.isnan(block).any(axis=1).argmax())
                raise ValueError(f"{word} holds NaN, first for clip {clip}.")
            indices[first : first + _ROWS] = block.argmax(axis=1)
        return indices
    fits = values.ndim == 1 and values.dtype.kind in "iu"
    if not fits or not ((values >= 0) & (values < len(names))).all():
        raise ValueError(
            f"{word} must be class indices [clips] from 0 to {len(names) - 1}, or an array [clips, "
            f"{len(names)}]. Received shape {values.shape} of dtype {values.dtype}."
        )
    return values


def _precisions(ranking):
    """Precision of one class at the lowest threshold that reaches each of `_RECALLS`."""
    recall = ranking.positives_end / len(ranking.positives)
    precision = ranking.positives_end / ranking.end
    return precision[np.searchsorted(recall, _RECALLS)]


def _best_middle_worst(ranked):
    if len(ranked) <= 12:
        return ranked
    middle = len(ranked) // 2 - 1
    return [*ranked[:2], *ranked[middle : middle + 2], *ranked[-2:]]


def _principal_components(embeddings):
    """Float64 `[n, units]` on its first two components, `[n, 2]`, and their shares of variance."""
    centred = embeddings - embeddings.mean(axis=0)
    _, scales, components = np.linalg.svd(centred, full_matrices=False)
    variances = scales**2
    # A component's sign is arbitrary; its largest entry counts as positive, on every machine.
    largest = np.abs(components[:2]).argmax(axis=1)
    signs = np.sign(components[[0, 1], largest])
    # Embeddings that are all the same have no variance to share.
    shares = variances[:2] / max(variances.sum(), np.finfo(np.float64).tiny)
    return centred @ components[:2].T * signs, shares


def _legend(axes, artists, names, **style):
    """A legend beside the Axes, with the names as they are: with $, or a leading underscore."""
    legend = axes.legend(
        artists,
        map(str, range(len(names))),
        loc="upper left",
        bbox_to_anchor=(1.02, 1),
        borderaxespad=0,
        frameon=False,
        **style,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(textwrap.fill(name, 32))
