"""PANNs' networks, of made-up weights, against what they compute in NumPy."""

import numpy as np
import pytest

from export import TFLiteClassifier, export_tflite
from export.operators import check_builtin
from frontend import FrontendConfig
from tests.frontend import reference
from zoo import AudioClassifier
from zoo.convert import convert

from . import pytorch

LABELS = ["Cat", "Dog", "Rain"]
PAIRS = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
PAIRS += [(512, 512, 1)] * 5 + [(512, 1024, 2), (1024, 1024, 1)]
NARROW = 8
"""The networks are so much narrower than the released."""


def ends(samples, hidden):
    """Shapes of what both networks begin and end with."""
    frontend = {
        "spectrogram_extractor.stft.conv_real.weight": (samples // 2 + 1, 1, samples),
        "spectrogram_extractor.stft.conv_imag.weight": (samples // 2 + 1, 1, samples),
        "logmel_extractor.melW": (samples // 2 + 1, 64),
    }
    body = {
        **pytorch.norm_shapes("bn0", 64),
        "fc1.weight": (hidden, hidden),
        "fc1.bias": (hidden,),
        "fc_audioset.weight": (len(LABELS), hidden),
        "fc_audioset.bias": (len(LABELS),),
    }
    return frontend | body


def cnn14():
    shapes, inputs = ends(512, 2048 // NARROW), 1
    for block in range(1, 7):
        units = 32 * 2**block // NARROW
        for number in (1, 2):
            shapes[f"conv_block{block}.conv{number}.weight"] = (units, inputs, 3, 3)
            shapes |= pytorch.norm_shapes(f"conv_block{block}.bn{number}", units)
            inputs = units
    return shapes


def mobilenet_v1():
    shapes = ends(1024, 1024 // NARROW)
    units = 8  # what a layer has at least
    shapes["features.0.0.weight"] = (units, 1, 3, 3)
    shapes |= pytorch.norm_shapes("features.0.2", units)
    for number, (_, wanted, _) in enumerate(PAIRS, start=1):
        inputs, units = units, wanted // NARROW
        shapes[f"features.{number}.0.weight"] = (inputs, 1, 3, 3)
        shapes |= pytorch.norm_shapes(f"features.{number}.2", inputs)
        shapes[f"features.{number}.4.weight"] = (units, inputs, 1, 1)
        shapes |= pytorch.norm_shapes(f"features.{number}.5", units)
    return shapes


def conv_norm_relu(x, arrays, conv, norm, pool=1):
    x = pytorch.average_pool(pytorch.conv2d(x, arrays[f"{conv}.weight"].astype(float)), pool)
    return np.maximum(0, pytorch.norm(x, arrays, norm, 1e-5))


def scores(arrays, log_mel):
    """What the network makes of a log-mel spectrogram `[frames, 64]`."""
    # Batch norm of the mel bins: they are the units of its map.
    x = pytorch.norm(log_mel.T[:, :, np.newaxis], arrays, "bn0", 1e-5)[:, :, 0].T[np.newaxis]
    if "conv_block1.conv1.weight" in arrays:
        for block in range(1, 7):
            for number in (1, 2):
                names = (f"conv_block{block}.conv{number}", f"conv_block{block}.bn{number}")
                x = conv_norm_relu(x, arrays, *names)
            x = pytorch.average_pool(x, 2 if block < 6 else 1)
    else:
        x = conv_norm_relu(x, arrays, "features.0.0", "features.0.2", 2)
        for number, (_, _, stride) in enumerate(PAIRS, start=1):
            x = conv_norm_relu(x, arrays, f"features.{number}.0", f"features.{number}.2", stride)
            x = conv_norm_relu(x, arrays, f"features.{number}.4", f"features.{number}.5")
    over_mel = x.mean(axis=2)
    hidden = over_mel.max(axis=1) + over_mel.mean(axis=1)
    hidden = np.maximum(0, pytorch.linear(hidden, arrays, "fc1"))
    return 1 / (1 + np.exp(-pytorch.linear(hidden, arrays, "fc_audioset")))


FRONTENDS = {
    "cnn14": FrontendConfig(
        window_seconds=0.032,
        mel_min_hz=50,
        mel_max_hz=8000,
        log_offset=1e-10,
        patch_frames=1001,
        power=2,
        mel_scale="slaney",
        log="decibel",
        center=True,
        whole_seconds=30,
    )
}
FRONTENDS["mobilenet_v1_panns"] = FrontendConfig.from_dict(
    FRONTENDS["cnn14"].to_dict() | {"sample_rate": 32000, "fft_length": 1024, "mel_max_hz": 14000}
)
SHAPES = {"cnn14": cnn14, "mobilenet_v1_panns": mobilenet_v1}


def made_up(name):
    """The arrays of a network as PANNs have them."""
    arrays = pytorch.made_up(SHAPES[name]())
    arrays["logmel_extractor.melW"] = reference.slaney_weights(FRONTENDS[name]).astype("f4")
    # Decibels are far from 0, and batch norm brings them there.
    arrays["bn0.running_mean"] -= 40
    arrays["bn0.running_var"] *= 200
    arrays["bn0.num_batches_tracked"] = np.array(9)
    return arrays


@pytest.fixture(scope="module", params=SHAPES)
def source(request, tmp_path_factory):
    """A checkpoint as PANNs have them: arrays and path."""
    arrays = made_up(request.param)
    frontend = FRONTENDS[request.param]
    path = tmp_path_factory.mktemp("panns") / f"{request.param}.pth"
    state = {"iteration": 9, "model": pytorch.ordered(arrays), "sampler": {"pointer": 3}}
    pytorch.save(path, state, older=request.param == "cnn14")
    path.with_name("labels.txt").write_text("\n".join(LABELS))
    return arrays, frontend, path


@pytest.fixture(scope="module")
def classifier(source):
    return convert(source[2], labels=source[2].with_name("labels.txt"))


def test_scores_are_those_of_numpy(source, classifier):
    arrays, frontend, _ = source
    assert classifier.frontend == frontend
    assert [label.name for label in classifier.labels] == LABELS
    rate = frontend.sample_rate
    for samples in (rate // 2, 2 * rate, 2 * rate + 77):
        waveform = np.random.default_rng(samples).normal(0, 0.1, samples).astype("f4")
        expected = scores(arrays, reference.log_mel(waveform, frontend))
        found = classifier.predict(waveform[np.newaxis], verbose=0)[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert 1e-3 < np.ptp(expected) < 1


@pytest.mark.slow
def test_becomes_a_preset_and_tflite(source, classifier, tmp_path):
    classifier.save_to_preset(tmp_path / "preset")
    loaded = AudioClassifier.from_preset(tmp_path / "preset")
    rate = loaded.frontend.sample_rate
    waveform = np.random.default_rng(0).normal(0, 0.1, 12 * rate).astype("f4")
    (expected,) = classifier.score_files([waveform])
    np.testing.assert_allclose(next(loaded.score_files([waveform])).mean, expected.mean, atol=1e-6)
    for quantize, apart in (("none", 1e-4), ("int8", 0.15)):
        path = tmp_path / f"{quantize}.tflite"
        calibration = [waveform] if quantize == "int8" else None
        export_tflite(loaded, path, quantize=quantize, input="any", calibration=calibration)
        check_builtin(path.read_bytes())
        (found,) = TFLiteClassifier(path).score_files([waveform])
        np.testing.assert_allclose(found.mean, expected.mean, atol=apart)


def test_a_network_of_the_same_arrays_is_refused(source, tmp_path):
    arrays, _, path = source
    pytorch.save(tmp_path / "Cnn14_DecisionLevelMax_mAP=0.385.pth", arrays)
    with pytest.raises(ValueError, match="of a network that pools after it classifies"):
        convert(
            tmp_path / "Cnn14_DecisionLevelMax_mAP=0.385.pth", labels=path.with_name("labels.txt")
        )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "logmel_extractor.melW",
            np.zeros((257, 64), "f4"),
            "other mel filters than PANNs of 16000",
        ),
        ("spectrogram_extractor.stft.conv_real.weight", np.zeros((129, 1, 256), "f4"), "of 256"),
        ("fc1.bias", np.zeros(2040 // NARROW, "f4"), "is not the network that it resembles"),
    ],
)
def test_other_networks_are_refused(source, name, value, message, tmp_path):
    arrays, _, path = source
    if "conv_block1.conv1.weight" not in arrays:
        pytest.skip("as the other")
    pytorch.save(tmp_path / "x.pth", {**arrays, name: value})
    with pytest.raises(ValueError, match=message):
        convert(tmp_path / "x.pth", labels=path.with_name("labels.txt"))
