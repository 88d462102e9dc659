"""Feature maps by name."""

import numpy as np
import pytest

from frontend import LogMelSpectrogram
from zoo import AudioClassifier, features


@pytest.fixture(scope="module")
def classifier():
    return AudioClassifier("resnet50", ["a", "b"], width=0.05)


def test_a_stage_is_its_last_layer(classifier, noise):
    maps = features(classifier, ["stage2", "stage4_block3_relu", "embedding"])
    found = maps(LogMelSpectrogram()(noise(15600)[np.newaxis]))
    assert list(found) == ["stage2", "stage4_block3_relu", "embedding"]
    assert found["stage2"].shape == (1, 24, 16, 24)
    whole = np.asarray(found["stage4_block3_relu"])
    rounding = 1e-5 * whole.max()
    np.testing.assert_allclose(whole.mean(axis=(1, 2)), found["embedding"], atol=rounding)
    np.testing.assert_allclose(found["embedding"], classifier.embed(noise(15600)), atol=rounding)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["stage9"], "no layers 'stage9'; names begin with patch, channel, stem, stage1, stage2"),
        ([], r"must be a list of names of layers. Received: \[\]"),
        ("stage2", "must be a list of names of layers. Received: 'stage2'"),
    ],
)
def test_names_that_are_none(classifier, names, message):
    with pytest.raises(ValueError, match=message):
        features(classifier, names)
