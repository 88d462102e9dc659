"""The log-mel spectrogram of a sound, as the network hears it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from frontend import FrontendConfig, LogMelSpectrogram, sound_blocks, waveform_patches
from frontend.mel import hertz_to_mel
from frontend.types import Sound
from zoo.plot.figure import COLOURS, figure_and_axes

_OCTAVES = [125 * 2**octave for octave in range(10)]


def spectrogram(
    audio: Sound,
    *,
    frontend: FrontendConfig | None = None,
    ax: Axes | None = None,
) -> Figure:
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
    frames = _frames(np.concatenate([*sound_blocks(audio, frontend.sample_rate)]), frontend)
    seconds = len(frames) * frontend.hop_samples / frontend.sample_rate

    figure, axes = figure_and_axes(ax, 9, 3.2)

    def mel(hertz):
        return float(hertz_to_mel(hertz, frontend.mel_scale))

    bottom, top = mel(frontend.mel_min_hz), mel(frontend.mel_max_hz)
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
    ticks = _ticks(frontend.mel_min_hz, frontend.mel_max_hz, mel)
    axes.set_yticks([mel(hz) for hz in ticks], [f"{hz:g}" for hz in ticks])
    axes.set(xlim=(0, seconds), ylim=(bottom, top), xlabel="time (s)", ylabel="frequency (Hz)")
    what = "magnitude" if frontend.power == 1 else "power"
    figure.colorbar(image, ax=axes, label=f"log-mel {what}", pad=0.01)
    return figure


def _frames(waveform, frontend):
    """Log-mel `[frames, mel_bins]` of a sound of any length, patch by patch."""
    hear = LogMelSpectrogram(frontend)
    patches = np.concatenate(
        [hear(some).numpy() for some in waveform_patches([waveform], frontend)]
    )
    # Each up to where the next begins, and all of the last but the silence that fills it.
    frames = np.concatenate([*patches[:-1, : frontend.patch_hop_frames], patches[-1]])
    return frames[: max(1, round(len(waveform) / frontend.hop_samples))]


def _ticks(low, high, mel):
    """Both ends of the axis, in Hz, and of the octaves between them those that leave room."""
    gap = 0.07 * (mel(high) - mel(low))
    ticks = [high]
    for hz in reversed(_OCTAVES):
        if mel(low) + gap < mel(hz) < mel(ticks[-1]) - gap:
            ticks.append(hz)
    return [low, *reversed(ticks)]
