"""Pictures of sounds, scores and embeddings. Needs matplotlib, the extra `soundzoo[plot]`.

Every function makes a figure of its own and returns it: `save(figure, path)` writes it, and a
notebook shows it. Most also draw into Axes that they are given, `ax`, and then return their figure.
Nothing goes through pyplot and its global state.
"""

try:  # before the imports that take seconds
    import matplotlib  # noqa: F401
except ImportError:
    raise ImportError("Plots need matplotlib: pip install 'soundzoo[plot]'") from None

from zoo.plot.confusion import confusion
from zoo.plot.embeddings import embedding_map
from zoo.plot.events import events
from zoo.plot.figure import BLUE, COLOURS, ORANGE, VERMILLION, check_save, new_axes, save, short
from zoo.plot.precision import average_precision, pr_curves
from zoo.plot.recording import recording, timeline
from zoo.plot.reliability import reliability
from zoo.plot.spectrogram import spectrogram

__all__ = [
    "BLUE",
    "COLOURS",
    "ORANGE",
    "VERMILLION",
    "average_precision",
    "check_save",
    "confusion",
    "embedding_map",
    "events",
    "new_axes",
    "pr_curves",
    "recording",
    "reliability",
    "save",
    "short",
    "spectrogram",
    "timeline",
]
