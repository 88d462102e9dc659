"""Pictures of what a classifier hears. Needs matplotlib, the extra `soundzoo[plot]`."""

import textwrap
from pathlib import Path

import numpy as np

from frontend import LogMelSpectrogram, load_audio, waveform_patches

try:
    from matplotlib.figure import Figure
except ImportError:
    raise ValueError("Plots need matplotlib: pip install 'soundzoo[plot]'") from None

# Perceptually uniform and readable with every kind of colour vision.
COLOURS = "cividis"
FREQUENCY_TICKS = (125, 250, 500, 1000, 2000, 4000, 7500)


def recording(classifier, audio, timeline, *, top=5):
    """Draws a recording: waveform, log-mel spectrogram, and the top classes' scores over time.

    Args:
        classifier: the `AudioClassifier` that listened.
        audio: path of the sound file.
        timeline: what `classifier.timeline(audio)` gave.
        top: how many classes, those of the highest mean score, best on top.

    Returns:
        `matplotlib.figure.Figure`; `.savefig(path)` writes it.
    """
    waveform = load_audio(audio, classifier.frontend.sample_rate)
    seconds = len(waveform) / classifier.frontend.sample_rate
    best = np.argsort(-timeline.scores.mean(axis=0), kind="stable")[:top]

    figure = Figure(figsize=(9, 5.2 + 0.3 * len(best)), layout="constrained", dpi=120)
    rows = figure.subplots(3, 1, sharex=True, height_ratios=(1.2, 2.4, 0.5 + 0.4 * len(best)))
    _draw_waveform(rows[0], waveform, seconds)
    image = _draw_log_mel(rows[1], waveform, seconds, classifier.frontend)
    figure.colorbar(image, ax=rows[1], label="log-mel magnitude", pad=0.01)
    image = _draw_scores(rows[2], classifier, timeline, best)
    figure.colorbar(image, ax=rows[2], label="score", pad=0.01, ticks=(0, 0.5, 1))
    figure.suptitle(Path(audio).name, parse_math=False)
    rows[2].set_xlim(0, seconds)
    rows[2].set_xlabel("time (s)")
    return figure


def _draw_waveform(axes, waveform, seconds):
    # Peaks of 2000 stretches look like the waveform at any length, and draw quickly.
    stretches = np.array_split(waveform, min(2000, len(waveform)))
    times = (np.arange(len(stretches)) + 0.5) * seconds / len(stretches)
    low, high = ([f(stretch) for stretch in stretches] for f in (np.min, np.max))
    axes.fill_between(times, low, high, color="#00336f", linewidth=0.6, edgecolor="#00336f")
    limit = max(0.01, 1.05 * np.abs(waveform).max())
    axes.set(ylim=(-limit, limit), ylabel="amplitude")


def _draw_log_mel(axes, waveform, seconds, frontend):
    log_mel = np.concatenate(
        [
            LogMelSpectrogram(frontend)(patches).numpy().reshape(-1, frontend.mel_bins)
            for patches in waveform_patches([waveform], frontend)
        ]
    )
    frames = log_mel[: max(1, round(seconds / frontend.hop_seconds))]
    bottom, top = _mel(frontend.mel_min_hz), _mel(frontend.mel_max_hz)
    image = axes.imshow(
        frames.T,
        origin="lower",
        aspect="auto",
        cmap=COLOURS,
        extent=(0, len(frames) * frontend.hop_seconds, bottom, top),
    )
    ticks = [hz for hz in FREQUENCY_TICKS if bottom <= _mel(hz) <= top]
    axes.set_yticks([_mel(hz) for hz in ticks], ticks)
    axes.set_ylabel("frequency (Hz)")
    return image


def _draw_scores(axes, classifier, timeline, best):
    hop = classifier.frontend.patch_hop_seconds
    image = axes.imshow(
        timeline.scores[:, best].T,
        aspect="auto",
        cmap=COLOURS,
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(0, len(timeline.scores) * hop, len(best), 0),
    )
    names = [textwrap.fill(classifier.labels[index].name, 24) for index in best]
    axes.set_yticks(np.arange(len(best)) + 0.5, names)
    axes.tick_params(axis="y", length=0)
    return image


def _mel(hz):
    """HTK's mel scale, on which the bins are evenly spaced."""
    return 1127 * np.log1p(np.asarray(hz) / 700)
