"""A network of one's own, in a few lines, does all that the others do."""

import keras
import numpy as np
import pytest

import zoo
from export import TFLiteClassifier, export_saved_model, export_tflite
from zoo.architecture import find_architecture
from zoo.training import TrainConfig, train


def two_convolutions(x, width):
    x = keras.layers.Conv2D(int(16 * width), 5, strides=4, activation="relu")(x)
    x = keras.layers.Conv2D(int(32 * width), 5, strides=4, activation="relu")(x)
    return keras.layers.GlobalMaxPooling2D()(x)


def test_a_network_of_ones_own(prepared_sounds, noise, tmp_path):
    zoo.register_architecture("toy", source="this test")(two_convolutions)
    config = TrainConfig(model="toy", width=0.5, epochs=3, batch=8, learning_rate=0.01)
    trained = train(prepared_sounds, tmp_path / "run", config)
    assert trained.architecture == "toy"
    sound = noise(20000)
    expected = trained.timeline(sound).scores

    loaded = zoo.AudioClassifier.from_preset(tmp_path / "run")
    np.testing.assert_allclose(loaded.timeline(sound).scores, expected, atol=1e-6)
    loaded.save(tmp_path / "toy.keras")
    kept = keras.saving.load_model(tmp_path / "toy.keras")
    np.testing.assert_allclose(kept.timeline(sound).scores, expected, atol=1e-6)

    export_tflite(loaded, tmp_path / "toy.tflite")
    on_a_phone = TFLiteClassifier(tmp_path / "toy.tflite")
    np.testing.assert_allclose(on_a_phone.timeline(sound).scores, expected, atol=1e-5)
    export_saved_model(loaded, tmp_path / "served" / "1")
    assert (tmp_path / "served" / "1" / "saved_model.pb").is_file()
    assert len(zoo.features(loaded, ["embedding"]).outputs) == 1


def test_is_listed_and_registered_again():
    zoo.register_architecture("toy", source="a notebook")(two_convolutions)
    assert "toy" in zoo.list_models()
    assert TrainConfig(model="toy").model == "toy"
    zoo.register_architecture("toy", source="its second run")(two_convolutions)
    assert find_architecture("toy").source == "its second run"


def test_is_gone_with_the_test_that_registered_it():
    assert "toy" not in zoo.list_models()


def test_sizes_may_be_of_numpy():
    network = zoo.FullyConnected(classes=np.int64(4), width=np.float32(0.02), bottleneck=np.int8(3))
    assert network.output_shape == (None, 4)


@pytest.mark.parametrize("sizes", [{"width": 1e9}, {"width": 2e9}, {"classes": 2 * 10**9}])
def test_sizes_that_no_memory_holds(sizes):
    with pytest.raises(MemoryError, match="not enough memory for fully_connected of this width"):
        zoo.FullyConnected(**sizes)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", "'vgg' is a network of the package"),
        ("Toy", "identifier in lower case. Received: 'Toy'"),
        ("to y", "identifier in lower case. Received: 'to y'"),
        (None, "identifier in lower case. Received: None"),
    ],
)
def test_names_that_cannot_be_had(name, message):
    with pytest.raises(ValueError, match=message):
        zoo.register_architecture(name, source="")(two_convolutions)
