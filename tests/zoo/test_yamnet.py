"""The preset of YAMNet: it is the released one, and hears what YAMNet's own test plays to it."""

from pathlib import Path

import numpy as np
import pytest

from frontend import load_audio
from zoo import AudioClassifier

EXAMPLES = Path(__file__).parents[2] / "examples"
REFERENCE = np.load(Path(__file__).parent / "yamnet_reference.npz")


@pytest.fixture(scope="module")
def yamnet():
    return AudioClassifier.from_preset("yamnet")


@pytest.mark.parametrize(
    ("file", "expected"), list(zip(REFERENCE["files"], REFERENCE["scores"], strict=True))
)
def test_scores_as_the_released_model_does(yamnet, file, expected):
    """Float16 kernels alone set them apart; `recipes/yamnet_preset.py` made the reference."""
    scores = yamnet.timeline(EXAMPLES / file).scores.mean(axis=0)
    np.testing.assert_allclose(scores, expected, atol=3e-3)


def test_is_the_public_set_of_classes(yamnet):
    assert len(yamnet.labels) == 521
    assert yamnet.labels[0] == ("Speech", "/m/09x0r")
    assert yamnet.labels[-1].name == "Field recording"
    assert all(label.mid for label in yamnet.labels)


def test_a_row_each_048_seconds(yamnet):
    heard = yamnet.timeline(EXAMPLES / "medley.ogg")
    assert heard.start_seconds[:3].tolist() == [0, 0.48, 0.96]
    blocks = np.array_split(load_audio(EXAMPLES / "medley.ogg"), 50)
    streamed = list(yamnet.stream(blocks))
    assert [start for start, _ in streamed] == heard.start_seconds.tolist()
    np.testing.assert_allclose([scores for _, scores in streamed], heard.scores, atol=1e-5)
