import os
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from export import TFLiteClassifier, tflite
from export.operators import operations
from export.quantize import QUANTIZATIONS
from export.tflite import INPUTS, export_tflite
from frontend import FrontendConfig, LogMelSpectrogram
from tests.export.exported import File
from zoo import AudioClassifier, list_models, register_architecture

# Largest difference from Keras's scores; the networks' random weights are kinder than trained ones.
TOLERANCE = {"none": 1e-5, "float16": 2e-3, "dynamic": 0.04, "int8": 0.15}


@pytest.fixture(scope="session")
def calibration(noise):
    # The short ones are heard with their padding, as some of the sound below is; one would be rare.
    return [noise(40000), noise(80000), *[noise(samples) for samples in (1, 100, 399)]]


@pytest.fixture(scope="session")
def exported(classifier, calibration, tmp_path_factory):
    """A function of quantize and input: path of the classifier's file, made once."""
    folder = tmp_path_factory.mktemp("tflite")

    def export(quantize, input):
        path = folder / f"{quantize}_{input}.tflite"
        if not path.exists():
            export_quantized(classifier, path, quantize, input, calibration)
        return path

    return export


@pytest.fixture(params=QUANTIZATIONS)
def quantize(request):
    return request.param


@pytest.fixture(params=INPUTS)
def input(request):
    return request.param


def export_quantized(classifier, path, quantize, input, calibration, **options):
    clips = calibration if quantize == "int8" else None
    export_tflite(classifier, path, quantize=quantize, input=input, calibration=clips, **options)


def waveforms(input, noise):
    lengths = [15600] if input == "window" else [1, 100, 15600, 19439, 19440, 100000, 399]
    return [noise(length)[np.newaxis] for length in lengths]


def test_scores_as_keras_does(exported, classifier, quantize, input, noise):
    file = File(exported(quantize, input))
    for waveform in waveforms(input, noise):
        scores = file.scores(waveform)
        assert scores.dtype == np.float32
        expected = classifier(waveform).numpy()
        np.testing.assert_allclose(scores, expected, atol=TOLERANCE[quantize])
        assert scores.argmax() == expected.argmax()


@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param(name, marks=pytest.mark.slow if name in ("inception_v3", "resnet50") else ())
        for name in list_models()
    ],
)
def test_every_architecture_converts(architecture, tmp_path, noise):
    keras.utils.set_random_seed(0)
    classifier = AudioClassifier(architecture, ["Dog", "Rain", "Wind"], width=0.05)
    settle(classifier, noise(200000))
    export_tflite(classifier, tmp_path / "x.tflite")
    waveform = noise(classifier.frontend.patch_samples)[np.newaxis]
    scores = File(tmp_path / "x.tflite").scores(waveform)
    np.testing.assert_allclose(scores, classifier(waveform).numpy(), atol=1e-4)


@pytest.mark.parametrize("quantize", ["dynamic", "int8"])
def test_depthwise_convolutions_are_quantised(quantize, calibration, tmp_path, noise):
    keras.utils.set_random_seed(0)
    classifier = AudioClassifier("mobilenet_v1", ["Dog", "Rain", "Wind"], width=0.25)
    settle(classifier, noise(200000))
    export_quantized(classifier, tmp_path / "x.tflite", quantize, "window", calibration)
    file = File(tmp_path / "x.tflite")
    kernels = [
        tensor
        for tensor in file.interpreter.get_tensor_details()
        if tensor["dtype"] == np.int8 and tuple(tensor["shape"][:3]) == (1, 3, 3)
    ]
    # Those that have 1024 weights or more, or all of them, with a scale for each channel.
    assert len(kernels) == {"dynamic": 7, "int8": 13}[quantize]
    for kernel in kernels:
        assert len(kernel["quantization_parameters"]["scales"]) == kernel["shape"][3]
    if quantize == "dynamic":  # in int8, the noise of random weights adds up over 27 layers
        waveform = noise(15600)[np.newaxis]
        expected = classifier(waveform).numpy()
        np.testing.assert_allclose(file.scores(waveform), expected, atol=TOLERANCE[quantize])


def of_many_kinds(x, width):
    x = keras.layers.Conv2D(4, 5, strides=8)(x)
    for activation in ("elu", "gelu", "leaky_relu", "mish", "silu", "hard_sigmoid", "softsign"):
        x = keras.layers.Activation(activation)(x)
    x = keras.layers.PReLU(shared_axes=[1, 2])(x)
    x = keras.layers.LayerNormalization()(keras.layers.Permute((2, 1, 3))(-x))
    x = keras.layers.Reshape((x.shape[1], -1))(x)
    x = keras.layers.MultiHeadAttention(2, 4)(x, x)
    return keras.layers.GlobalMaxPooling1D()(
        keras.layers.GRU(4, return_sequences=True, unroll=True)(x)
    )


def looping(x, width):
    return keras.layers.GRU(4)(keras.layers.Reshape((96, 64))(x))


def classifier_of(body):
    """A classifier of a network of one's own."""
    register_architecture("own", source="this test")(body)
    return AudioClassifier("own", labels=["Cat", "Dog"])


def test_networks_of_ones_own(tmp_path, noise):
    classifier = classifier_of(of_many_kinds)
    export_tflite(classifier, tmp_path / "own.tflite")
    (expected,) = classifier.predict(noise(15600)[np.newaxis], verbose=0)
    found = TFLiteClassifier(tmp_path / "own.tflite").timeline(noise(15600)).scores[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_network_with_loops_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has loops, as GRU and LSTM .* unroll=True"):
        export_tflite(classifier_of(looping), tmp_path / "own.tflite")


def test_a_network_that_keras_quantised_is_refused(tmp_path):
    classifier = AudioClassifier("fully_connected", ["Cat", "Dog"], width=0.02)
    classifier.network.quantize("int8")
    with pytest.raises(ValueError, match=r"quantised by Keras, which TFLite cannot convert\."):
        export_tflite(classifier, tmp_path / "x.tflite")


def test_any_hop(tmp_path, noise):
    keras.utils.set_random_seed(0)
    frontend = FrontendConfig(patch_hop_seconds=0.48)
    classifier = AudioClassifier("fully_connected", ["a", "b"], width=0.02, frontend=frontend)
    export_tflite(classifier, tmp_path / "x.tflite", input="any")
    file = File(tmp_path / "x.tflite")
    for samples in (100, 15600, 40000):
        waveform = noise(samples)[np.newaxis]
        np.testing.assert_allclose(file.scores(waveform), classifier(waveform).numpy(), atol=1e-5)
    on_a_phone = TFLiteClassifier(tmp_path / "x.tflite")
    assert on_a_phone.frontend == frontend
    for hop in (None, 0.24):
        found = on_a_phone.timeline(noise(40000), hop=hop)
        expected = classifier.timeline(noise(40000), hop=hop)
        np.testing.assert_array_equal(found.start_seconds, expected.start_seconds)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)


def settle(classifier, waveform):
    """Sets batch norm's statistics from sound, so that scores of random weights do not saturate."""
    norms = [layer for layer in classifier.network.layers if hasattr(layer, "momentum")]
    for norm in norms:
        norm.momentum = 0.0
    classifier(waveform[np.newaxis], training=True)


def test_signature_names_the_ends(exported, quantize, input):
    file = File(exported(quantize, input))
    samples = {"window": 15600, "any": -1}[input]
    assert file.input["shape_signature"].tolist() == [1, samples]
    assert file.output["shape_signature"].tolist() == [1, 3]
    assert (file.input["name"], file.output["name"]) == ("waveform", "scores")
    assert file.input["dtype"] == file.output["dtype"] == np.float32
    assert file.interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["waveform"], "outputs": ["scores"]}
    }


@pytest.mark.parametrize("input", INPUTS)
def test_embeddings_are_a_second_output(
    classifier, calibration, exported, tmp_path, noise, quantize, input
):
    path = tmp_path / "x.tflite"
    export_quantized(classifier, path, quantize, input, calibration, with_embedding=True)
    file, alone = File(path), File(exported(quantize, input))
    assert file.output["name"] == "scores"  # programs that know of one output take the first
    assert file.interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["waveform"], "outputs": ["embeddings", "scores"]}
    }
    (embeddings,) = file.more
    units = classifier.backbone.output_shape[-1]
    patches = {"window": 1, "any": -1}[input]
    assert (embeddings["name"], embeddings["dtype"]) == ("embeddings", np.float32)
    assert embeddings["shape_signature"].tolist() == [patches, units]
    for waveform in waveforms(input, noise):
        np.testing.assert_allclose(file.scores(waveform), alone.scores(waveform), atol=1e-6)
        found = file.interpreter.get_tensor(embeddings["index"])
        expected = classifier.embed(waveform[0])
        assert found.shape == expected.shape
        # What int8's calibration did not hear is cut off at its ranges.
        tolerance = {"none": 1e-5, "float16": 2e-3, "dynamic": 0.02, "int8": 0.25}[quantize]
        error = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
        assert error.max() < tolerance
    waveform[0, 0] = np.nan
    file.scores(waveform)
    assert np.isnan(file.interpreter.get_tensor(embeddings["index"])).all()
    assert not [name for name in operations(path.read_bytes()) if name.startswith("Flex")]


def test_front_end_stays_float(exported, classifier, quantize, noise):
    file = File(exported(quantize, "window"), experimental_preserve_all_tensors=True)
    waveform = noise(15600)[np.newaxis] * np.logspace(-5, 0, 15600, dtype="float32")
    file.scores(waveform)
    details = file.interpreter._get_ops_details()
    (log,) = (operation for operation in details if operation["op_name"] == "LOG")
    log_mel = file.interpreter.get_tensor(log["outputs"][0]).reshape(96, 64)
    expected = LogMelSpectrogram(classifier.frontend)(waveform)[0]
    np.testing.assert_allclose(log_mel, expected, atol=2e-5)


def test_network_is_quantized_as_asked(exported, quantize):
    interpreter = File(exported(quantize, "window")).interpreter
    types = {
        tensor["index"]: tensor["dtype"].__name__ for tensor in interpreter.get_tensor_details()
    }
    dense = [
        operation
        for operation in interpreter._get_ops_details()
        if operation["op_name"] == "FULLY_CONNECTED"
    ]
    mel, *network = [
        [types[index] for index in (*operation["inputs"][:2], *operation["outputs"])]
        for operation in dense
    ]
    assert mel == ["float32"] * 3
    # The last layer, which gives logits, is dynamic in int8, too; its weights are too few here.
    network = network[:-1]
    assert len(network) >= 3
    # Inputs, weights and outputs. float16 weights become float32 in an operation before.
    expected = {
        "none": ["float32"] * 3,
        "float16": ["float32"] * 3,
        "dynamic": ["float32", "int8", "float32"],
        "int8": ["int8"] * 3,
    }
    assert network == [expected[quantize]] * len(network)
    halves = sum(name == "float16" for name in types.values())
    assert (halves > 0) == (quantize == "float16")


def test_quantizing_shrinks_the_network(exported):
    sizes = {name: exported(name, "window").stat().st_size for name in QUANTIZATIONS}
    weights = sizes["none"] - 70_000  # the mel matrix
    assert sizes["float16"] - 70_000 < 0.65 * weights
    assert sizes["dynamic"] - 70_000 < 0.45 * weights
    assert sizes["int8"] - 70_000 < 0.5 * weights


def test_what_is_not_finite_scores_nan(exported, quantize, input, noise):
    file = File(exported(quantize, input))
    for value in (np.nan, np.inf):
        waveform = noise(15600 if input == "window" else 40000)[np.newaxis].copy()
        waveform[0, 5000] = value
        assert np.isnan(file.scores(waveform)).all()


def test_calibrates_on_files_as_on_waveforms(classifier, calibration, exported, tmp_path, noise):
    paths = [tmp_path / f"{number}.wav" for number in range(len(calibration))]
    for path, waveform in zip(paths, calibration, strict=True):
        soundfile.write(path, waveform, 16000, subtype="FLOAT")
    paths[1] = str(paths[1])
    export_tflite(classifier, tmp_path / "x.tflite", quantize="int8", calibration=paths)
    waveform = noise(15600)[np.newaxis]
    np.testing.assert_array_equal(
        File(tmp_path / "x.tflite").scores(waveform),
        File(exported("int8", "window")).scores(waveform),
    )


def test_calibration_sets_the_ranges(classifier, calibration, exported, tmp_path, noise):
    loud = [100 * waveform / 20 for waveform in calibration]
    export_tflite(classifier, tmp_path / "x.tflite", quantize="int8", calibration=loud)
    waveform = noise(15600)[np.newaxis]
    there, here = File(exported("int8", "window")), File(tmp_path / "x.tflite")
    assert (there.scores(waveform) != here.scores(waveform)).any()


def test_calibrates_on_the_examples_with_a_warning(classifier, tmp_path):
    with pytest.warns(UserWarning, match="int8 is calibrated on 8 example recordings"):
        export_tflite(classifier, tmp_path / "x.tflite", quantize="int8")
    assert (tmp_path / "x.tflite").exists()


def test_other_variants_need_no_calibration_and_do_not_warn(classifier, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_tflite(classifier, tmp_path / "x.tflite")


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "needs calibration clips"),
        ([np.zeros(15599, "float32"), np.zeros(100, "float32")], "Received 2, the longest of 0.97"),
        ([np.zeros(20000, "int16")], "calibration waveform must be floating point"),
        ([np.full(20000, np.nan, "float32")], "calibration waveform holds NaN"),
        ("clip.wav", "must be a list of sound files or waveforms. Received: str"),
        (np.zeros(20000, "float32"), "must be mono"),
    ],
)
def test_refuses_clips_to_calibrate_on(classifier, tmp_path, clips, message):
    with pytest.raises(ValueError, match=message):
        export_tflite(classifier, tmp_path / "x.tflite", quantize="int8", calibration=clips)
    assert os.listdir(tmp_path) == []


def test_names_a_calibration_file_that_is_missing(classifier, tmp_path):
    clips = [tmp_path / "missing.wav"]
    with pytest.raises(FileNotFoundError, match=r"missing\.wav"):
        export_tflite(classifier, tmp_path / "x.tflite", quantize="int8", calibration=clips)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantize": "int4"}, "quantize must be one of none, float16, dynamic, int8. Received: "),
        ({"quantize": None}, "quantize must be one of"),
        ({"input": "patch"}, "input must be one of window, any. Received: 'patch'"),
        ({"calibration": []}, "calibration is for quantize='int8'. Received quantize='none'"),
    ],
)
def test_refuses_wrong_arguments(classifier, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        export_tflite(classifier, tmp_path / "x.tflite", **arguments)


def test_refuses_what_is_no_audio_classifier(classifier, tmp_path):
    with pytest.raises(ValueError, match=r"Only an AudioClassifier .* Received: Functional"):
        export_tflite(classifier.network, tmp_path / "x.tflite")


def test_refuses_half_precision(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        classifier = AudioClassifier("fully_connected", ["Dog", "Rain"], width=0.02)
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(ValueError, match="computes in bfloat16, which TFLite cannot"):
        export_tflite(classifier, tmp_path / "x.tflite")


def test_replaces_a_file_only_when_told(classifier, tmp_path):
    path = tmp_path / "x.tflite"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        export_tflite(classifier, path)
    assert path.read_text() == "mine"
    export_tflite(classifier, path, overwrite=True)
    assert File(path).scores(np.zeros((1, 15600), "float32")).shape == (1, 3)
    assert os.listdir(tmp_path) == ["x.tflite"]


def test_refuses_a_path_that_cannot_be_written(classifier, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export_tflite(classifier, tmp_path / "missing" / "x.tflite")
    with pytest.raises(IsADirectoryError, match="name a file"):
        export_tflite(classifier, tmp_path, overwrite=True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="is read-only"):
        export_tflite(classifier, tmp_path / "x.tflite")
    assert os.listdir(tmp_path) == []


def test_refuses_to_write_a_flex_operation(classifier, tmp_path, monkeypatch, flex_model):
    monkeypatch.setattr(tflite, "_convert_parts", lambda *arguments: flex_model)
    with pytest.raises(ValueError, match="needs FlexMatrixDeterminant, which plain TFLite"):
        export_tflite(classifier, tmp_path / "x.tflite")
    assert os.listdir(tmp_path) == []


def test_holds_no_operation_of_its_own(exported, quantize, input):
    content = Path(exported(quantize, input)).read_bytes()
    assert not [name for name in operations(content) if name.startswith(("Flex", "CUSTOM"))]
