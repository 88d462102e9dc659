"""Sound events below the spectrogram of their recording."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from frontend import FrontendConfig, load_audio
from frontend.types import StrPath
from zoo.events import Event
from zoo.plot.figure import COLOURS, drawable, new_figure, short
from zoo.plot.spectrogram import spectrogram

_ROWS = 20


def events(
    audio: StrPath, heard: Sequence[Event], *, frontend: FrontendConfig | None = None
) -> Figure:
    """Draws a recording's log-mel spectrogram, and its events as bars below.

    Args:
        audio: path of the sound file.
        heard: what `classifier.events(audio)` gave.
        frontend: the classifier's `FrontendConfig`; the paper's by default.

    Returns:
        `matplotlib.figure.Figure`, a row for each label, those heard first on top, the bars by
        their peak score; of more than 20 labels those of the highest peaks.

    Raises:
        OSError, ValueError: the file is not usable; the message says why.

    Example:

    >>> from zoo import Event
    >>> figure = events("examples/birdsong.ogg", [Event("Bird", None, 0.5, 1.5, 0.9, 0.7)])
    >>> [text.get_text() for text in figure.axes[1].get_yticklabels()]
    ['Bird']
    """
    frontend = frontend or FrontendConfig()
    waveform = load_audio(audio, frontend.sample_rate)
    peaks: dict[str, float] = {}
    for event in heard:
        peaks[event.label] = max(event.peak, peaks.get(event.label, 0))
    shown = set(sorted(peaks, key=lambda label: -peaks[label])[:_ROWS])
    labels = [label for label in peaks if label in shown]

    figure = new_figure(9, 3.6 + 0.3 * max(1, len(labels)))
    upper, lower = figure.subplots(
        2, 1, sharex=True, height_ratios=(2.4, 0.5 + 0.3 * max(1, len(labels)))
    )
    spectrogram(waveform, frontend=frontend, ax=upper)
    upper.set_xlabel(None)
    for event in heard:
        if event.label in shown:
            lower.barh(
                labels.index(event.label),
                event.offset - event.onset,
                left=event.onset,
                height=0.7,
                color=colormaps[COLOURS](event.peak),
            )
    lower.set_yticks(
        np.arange(len(labels)), [short(label, 32) for label in labels], parse_math=False
    )
    lower.tick_params(axis="y", length=0)
    lower.set(
        xlim=(0, len(waveform) / frontend.sample_rate),
        ylim=(max(1, len(labels)) - 0.5, -0.5),
        xlabel="time (s)",
    )
    figure.colorbar(
        ScalarMappable(cmap=COLOURS), ax=lower, label="peak", pad=0.01, ticks=(0, 0.5, 1)
    )
    figure.suptitle(drawable(Path(audio).name), parse_math=False)
    return figure
