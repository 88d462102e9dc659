"""int8 files of networks that int8 suits, and of one that it does not."""

import warnings

import keras
import numpy as np
import pytest

from export import export_tflite
from zoo import AudioClassifier, head, register_architecture

CLIPS = [np.random.default_rng(seed).normal(0, 0.1, 40000).astype("float32") for seed in range(4)]


def beside(loudness):
    """A classifier that tells noise by its mean, which stands beside a channel of this loudness."""

    @register_architecture("beside", source="this test")
    def network(x, width):
        x = keras.layers.Flatten()(x)
        return keras.layers.Dense(2, name="channels")(x)

    classifier = AudioClassifier("beside", labels=["Loud", "Quiet"])
    inputs = classifier.network.get_layer("channels").kernel.shape[0]
    # The log-mel patches of noise are around -1.
    classifier.network.get_layer("channels").set_weights(
        [np.ones((inputs, 2)) * [loudness, 1] / inputs, np.array([0, 1.0])]
    )
    head.head(classifier.network).set_weights([np.array([[0, 0], [20.0, -20]]), np.zeros(2)])
    return classifier


@pytest.mark.parametrize("input", ["window", "any"])
def test_warns_where_int8_hears_other_labels(tmp_path, input):
    with pytest.warns(
        UserWarning, match="int8 changes the best label of .*% of the .* calibration"
    ):
        export_tflite(
            beside(1e5), tmp_path / "x.tflite", quantize="int8", calibration=CLIPS, input=input
        )
    assert (tmp_path / "x.tflite").exists()


@pytest.mark.parametrize("labels", [2, 1])
def test_is_silent_where_it_hears_the_same(tmp_path, labels):
    classifier = beside(1) if labels == 2 else AudioClassifier("fully_connected", ["A"], width=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        export_tflite(classifier, tmp_path / "x.tflite", quantize="int8", calibration=CLIPS)
