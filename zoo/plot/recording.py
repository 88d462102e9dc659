"""What was heard when: scores over time, alone or below the recording."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from frontend import load_audio
from frontend.types import StrPath
from zoo.events import patch_borders
from zoo.labels import check_top
from zoo.listener import Listener, Timeline
from zoo.plot.figure import BLUE, COLOURS, drawable, figure_and_axes, new_figure
from zoo.plot.spectrogram import spectrogram


def timeline(
    classifier: Listener,
    heard: Timeline,
    *,
    top: int = 5,
    seconds: float | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draws the top classes' scores over time.

    Args:
        classifier: the `AudioClassifier` that listened.
        heard: what `classifier.timeline(audio)` gave.
        top: how many classes, those that score highest in any patch, best on top.
        seconds: length of the recording; by default, where the last patch ends, which is not known
            of what is heard whole.
        ax: matplotlib Axes to draw in.

    Returns:
        `matplotlib.figure.Figure`, one row of cells a class and one column a patch: the time that
        is nearest to its middle, and the outer ones to the ends of the recording.

    Example:

    >>> from zoo import AudioClassifier
    >>> clf = AudioClassifier("fully_connected", ["Cat", "Dog", "Rain"], width=0.02)
    >>> figure = timeline(clf, clf.timeline("examples/birdsong.ogg"), top=2)
    >>> figure.axes[0].get_xlabel()
    'time (s)'
    """
    check_top(top)
    best = np.argsort(-heard.scores.max(axis=0), kind="stable")[:top]
    figure, axes = figure_and_axes(ax, 9, 1.2 + 0.4 * len(best))
    starts, patch = heard.start_seconds, classifier.frontend.patch_seconds
    end = starts[-1] + patch if seconds is None else seconds
    image = axes.pcolormesh(
        patch_borders(starts, patch, end),
        np.arange(len(best) + 1),
        heard.scores[:, best].T,
        cmap=COLOURS,
        vmin=0,
        vmax=1,
    )
    axes.invert_yaxis()
    names = [
        textwrap.fill(drawable(classifier.labels[index].name), 24, max_lines=2, placeholder="...")
        for index in best
    ]
    axes.set_yticks(np.arange(len(best)) + 0.5, names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time (s)")
    figure.colorbar(image, ax=axes, label="score", pad=0.01, ticks=(0, 0.5, 1))
    return figure


def recording(classifier: Listener, audio: StrPath, heard: Timeline, *, top: int = 5) -> Figure:
    """Draws a recording: waveform, log-mel spectrogram, and the top classes' scores over time.

    Args:
        classifier: the `AudioClassifier` that listened.
        audio: path of the sound file.
        heard: what `classifier.timeline(audio)` gave.
        top: how many classes, those that score highest in any patch, best on top.

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
    check_top(top)
    classes = min(top, heard.scores.shape[1])

    figure = new_figure(9, 5.2 + 0.3 * classes)
    rows = figure.subplots(3, 1, sharex=True, height_ratios=(1.2, 2.4, 0.5 + 0.4 * classes))
    _draw_waveform(rows[0], waveform, seconds)
    spectrogram(waveform, frontend=classifier.frontend, ax=rows[1])
    timeline(classifier, heard, top=top, seconds=seconds, ax=rows[2])
    rows[1].set_xlabel(None)
    rows[2].set_xlim(0, seconds)
    figure.suptitle(drawable(Path(audio).name), parse_math=False)
    return figure


def _draw_waveform(axes, waveform, seconds):
    # Peaks of 2000 stretches look like the waveform at any length, and draw quickly.
    stretches = np.array_split(waveform, min(2000, len(waveform)))
    times = (np.arange(len(stretches)) + 0.5) * seconds / len(stretches)
    low, high = ([f(stretch) for stretch in stretches] for f in (np.min, np.max))
    axes.fill_between(times, low, high, color=BLUE, linewidth=0.6, edgecolor=BLUE)
    limit = max(0.01, 1.05 * np.abs(waveform).max())
    axes.set(ylim=(-limit, limit), ylabel="amplitude")
