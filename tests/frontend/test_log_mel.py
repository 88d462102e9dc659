import dataclasses
import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python.schema_py_generated import BuiltinOperator

from frontend import (
    FrontendConfig,
    LogMelPatches,
    LogMelSpectrogram,
    SplitPatches,
    load_audio,
    log_mel_patches,
    waveform_patches,
)
from frontend.mel import mel_matrix

from . import reference
from .sounds import PURE_TONES, SIGNALS, noise, sine, speech_like

CONFIGS = {
    "paper": FrontendConfig(),
    "40 bins to 8 kHz": FrontendConfig(mel_bins=40, mel_min_hz=20, mel_max_hz=8000),
    "no overlap": FrontendConfig(hop_seconds=0.025, patch_frames=40),
    "YAMNet": FrontendConfig(log_offset=1e-3, patch_hop_seconds=0.48, tail_fraction=1e-9),
    "telephone": FrontendConfig(sample_rate=8000, fft_length=256, mel_max_hz=3800),
    "odd window": FrontendConfig(sample_rate=22050, fft_length=1024, mel_max_hz=11025),
    "music": FrontendConfig(
        sample_rate=44100, window_seconds=0.03, fft_length=2048, mel_bins=128, mel_max_hz=16000
    ),
}
EFFICIENTAT = FrontendConfig(
    sample_rate=32000,
    fft_length=1024,
    mel_bins=128,
    mel_min_hz=0,
    mel_max_hz=15000,
    log_offset=1e-5,
    patch_frames=50,
    power=2,
    window="hann_symmetric",
    norm_mean=-4.5,
    norm_std=5,
    preemphasis=0.97,
    center=True,
    whole_seconds=1,
)
PANNS = FrontendConfig(
    window_seconds=0.032,
    mel_min_hz=50,
    mel_max_hz=8000,
    log_offset=1e-10,
    patch_frames=65,
    power=2,
    mel_scale="slaney",
    log="decibel",
    center=True,
    whole_seconds=1,
)
CONVENTIONS = {
    "EfficientAT": EFFICIENTAT,
    "PANNs": PANNS,
    "EfficientAT in patches": EFFICIENTAT.in_patches(),
    "PANNs in patches that overlap": PANNS.with_hop(0.16),
    "whole and overlapping": dataclasses.replace(PANNS, patch_hop_seconds=0.16),
    "power": FrontendConfig(power=2),
    "symmetric window": FrontendConfig(window="hann_symmetric"),
    "odd windows in the middle": FrontendConfig(
        sample_rate=22050, fft_length=1024, mel_max_hz=11025, center=True
    ),
    "Slaney's mel": FrontendConfig(mel_scale="slaney", log_offset=1e-4),
    "decibels of magnitudes": FrontendConfig(log="decibel"),
    "normalised": FrontendConfig(norm_mean=-2, norm_std=3),
    "pre-emphasis": FrontendConfig(preemphasis=0.9),
    "whole": FrontendConfig(whole_seconds=2),
}
"""What other networks hear, and each option by itself."""
LENGTHS = [1, 399, 400, 15599, 15600, 15601, 16000, 19439, 19440, 40000, 80000]


def tolerance(config, signal):
    """Rounding in float32 grows with the samples in a window and the Fourier bins in a mel band.
    The logarithm scales it up where the sound is quieter than the offset: beside a tone, which
    has all its energy in one place.
    """
    bins_per_hz = config.fft_length / config.sample_rate
    rounding = config.window_samples / 400 * bins_per_hz / 0.032 * 0.01 / config.log_offset
    return (1e-3 if signal in PURE_TONES else 1e-4) * max(1, rounding)


@functools.cache
def compiled_log_mel(config):
    return tf.function(
        LogMelSpectrogram(config), input_signature=[tf.TensorSpec([None, None], tf.float32)]
    )


def patches_model(config=None, samples=None, batch=None):
    config = config or FrontendConfig()
    log_mel = LogMelSpectrogram(config)
    split = SplitPatches(config.patch_frames, config.patch_hop_frames)
    waveform = keras.Input((samples,), batch_size=batch, name="waveform")
    return keras.Model(waveform, split(log_mel(waveform)))


def reference_patches(waveforms):
    config = FrontendConfig()
    return np.stack([reference.log_mel(each, config).reshape(-1, 96, 64) for each in waveforms])


# === Agreement with the definition ===


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("config", CONFIGS)
def test_agrees_with_the_definition(config, signal):
    config = CONFIGS[config]
    log_mel = compiled_log_mel(config)
    for samples in LENGTHS:
        waveform = SIGNALS[signal](samples, config.sample_rate).astype(np.float32)
        np.testing.assert_allclose(
            log_mel(waveform[np.newaxis])[0],
            reference.log_mel(waveform, config),
            rtol=0,
            atol=tolerance(config, signal),
            err_msg=f"{samples} samples",
        )


@pytest.mark.parametrize("signal", ["noise", "quiet noise", "speech-like"])
@pytest.mark.parametrize("name", CONVENTIONS)
def test_agrees_with_other_conventions(name, signal):
    config = CONVENTIONS[name]
    log_mel, patches = compiled_log_mel(config), log_mel_patches(config)
    for samples in [1, 16000, 16001, 31999, 32001, 80000]:
        waveform = SIGNALS[signal](samples, config.sample_rate).astype(np.float32)
        expected = reference.log_mel(waveform, config)
        found = log_mel(waveform[np.newaxis])
        rounding = {"rtol": 0, "atol": 2e-3 if config.log_offset < 1e-3 else 5e-4}
        np.testing.assert_allclose(found[0], expected, **rounding, err_msg=f"{samples} samples")
        assert LogMelSpectrogram(config).compute_output_shape((1, samples)) == found.shape
        apart = patches(waveform[np.newaxis])
        assert apart.shape[:2] == (1, config.num_patches(samples))
        if config.one_by_one:
            flat = apart[0].numpy().reshape(found[0].shape)
            np.testing.assert_allclose(flat, found[0], rtol=0, atol=1e-5)
            assert patches.compute_output_shape((1, samples)) == apart.shape


def test_patches_of_a_stream_are_those_of_the_whole():
    for name in ("EfficientAT", "PANNs", "PANNs in patches that overlap", "pre-emphasis"):
        config = CONVENTIONS[name]
        for samples in (100, 16000, 16001, 50000):
            waveform = noise(samples, config.sample_rate).astype(np.float32)
            blocks = np.array_split(waveform, 7)
            found = [LogMelSpectrogram(config)(some) for some in waveform_patches(blocks, config)]
            expected = log_mel_patches(config)(waveform[np.newaxis])[0]
            np.testing.assert_allclose(np.concatenate(found), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("config", [EFFICIENTAT, FrontendConfig(), CONFIGS["odd window"]])
def test_kaldis_filters_are_htks(config):
    np.testing.assert_allclose(mel_matrix(config), reference.kaldi_weights(config), atol=5e-5)


@pytest.mark.parametrize("name", ["dog_bark", "rain", "clock_tick", "helicopter", "rooster"])
def test_agrees_with_the_definition_on_recordings(shared_data, name):
    waveform = load_audio(min((shared_data / "esc10" / name).glob("*.ogg")))
    expected = reference.log_mel(waveform, FrontendConfig())
    error = np.abs(LogMelSpectrogram()(waveform[np.newaxis])[0] - expected)
    assert error.mean() < 1e-5
    assert error.max() < 1e-3  # a crow is nearly a tone


@pytest.mark.parametrize("hz", [250, 1000, 4000])
def test_a_tone_is_loudest_in_its_own_band(hz):
    edges = np.linspace(reference.mel(125), reference.mel(7500), 66)
    centres = edges[1:-1]
    log_mel = LogMelSpectrogram()(sine(15600, 16000, hz)[np.newaxis].astype(np.float32))[0]
    nearest = np.abs(centres - reference.mel(hz)).argmin()
    assert abs(int(np.argmax(log_mel[50])) - nearest) <= 1


# === Shapes, batches, padding ===


@pytest.mark.parametrize("samples", LENGTHS)
def test_shapes_are_as_computed(samples):
    log_mel, split = LogMelSpectrogram(), SplitPatches()
    patches = FrontendConfig().num_patches(samples)
    waveforms = noise(3 * samples, 16000).reshape(3, samples).astype(np.float32)
    spectrogram = log_mel(waveforms)
    assert spectrogram.shape == (3, patches * 96, 64)
    assert split(spectrogram).shape == (3, patches, 96, 64)
    assert log_mel.compute_output_shape((3, samples)) == spectrogram.shape
    assert split.compute_output_shape(spectrogram.shape) == (3, patches, 96, 64)
    assert patches_model(samples=samples).output_shape == (None, patches, 96, 64)
    assert patches_model().output_shape == (None, None, 96, 64)


@pytest.mark.parametrize("samples", LENGTHS)
def test_patches_that_overlap(samples):
    config = FrontendConfig(patch_hop_seconds=0.24)
    patches = config.num_patches(samples)
    model = patches_model(config, samples)
    assert model.output_shape == (None, patches, 96, 64)
    waveform = noise(samples, 16000).astype(np.float32)
    found = model(waveform[np.newaxis])[0]
    assert found.shape == (patches, 96, 64)
    frames = reference.log_mel(waveform, config)
    for number, patch in enumerate(found):
        expected = frames[24 * number : 24 * number + 96]
        np.testing.assert_allclose(patch, expected, rtol=0, atol=1e-4)


def test_split_patches_cuts_in_order():
    spectrogram = np.random.default_rng(0).standard_normal((2, 3 * 96, 64)).astype(np.float32)
    patches = SplitPatches()(spectrogram)
    for index in range(3):
        np.testing.assert_array_equal(
            patches[:, index], spectrogram[:, index * 96 : (index + 1) * 96]
        )


def test_waveforms_of_a_batch_do_not_mix():
    waveforms = np.stack([signal(20000, 16000) for signal in SIGNALS.values()]).astype(np.float32)
    log_mel = LogMelSpectrogram()
    singly = np.concatenate([log_mel(waveform[np.newaxis]) for waveform in waveforms])
    np.testing.assert_allclose(log_mel(waveforms), singly, rtol=0, atol=1e-6)


def test_padding_is_silence():
    log_mel = LogMelSpectrogram()
    short = speech_like(9000, 16000).astype(np.float32)[np.newaxis]
    padded = np.pad(short, [(0, 0), (0, 15600 - 9000)])
    np.testing.assert_array_equal(log_mel(short), log_mel(padded))


def test_what_follows_a_patch_does_not_change_it():
    log_mel = LogMelSpectrogram()
    waveform = noise(60000, 16000).astype(np.float32)[np.newaxis]
    whole = log_mel(waveform)
    for patches in (1, 2, 3):
        samples = patches * 15360 + 240
        np.testing.assert_allclose(
            log_mel(waveform[:, :samples]), whole[:, : patches * 96], rtol=0, atol=1e-6
        )


def test_nan_stays_in_its_windows():
    waveform = noise(15600, 16000).astype(np.float32)
    waveform[8000] = np.nan
    heard = np.isfinite(LogMelSpectrogram()(waveform[np.newaxis])[0]).all(axis=1)
    starts = np.arange(96) * 160
    np.testing.assert_array_equal(heard, (starts + 400 <= 8000) | (starts > 8000))


# === Graphs, precision, saving ===


def test_in_tf_data():
    waveforms = [noise(samples, 16000).astype(np.float32) for samples in (1, 16000, 40000)]
    model = patches_model()
    dataset = tf.data.Dataset.from_generator(
        lambda: waveforms, output_signature=tf.TensorSpec([None], tf.float32)
    ).map(lambda waveform: model(waveform[tf.newaxis])[0])
    for waveform, patches in zip(waveforms, dataset, strict=True):
        np.testing.assert_allclose(
            patches, reference_patches([waveform])[0], rtol=0, atol=1e-4, err_msg=len(waveform)
        )


def test_in_tf_function_of_unknown_shape():
    model = patches_model()
    run = tf.function(model, input_signature=[tf.TensorSpec([None, None], tf.float32)])
    for shape in ((1, 1), (4, 16000), (2, 40000)):
        waveforms = noise(np.prod(shape), 16000).reshape(shape).astype(np.float32)
        np.testing.assert_allclose(
            run(waveforms), reference_patches(waveforms), rtol=0, atol=1e-4, err_msg=shape
        )


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def half_precision(request):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.mark.usefixtures("half_precision")
def test_stays_float32_in_half_precision():
    waveforms = speech_like(32000, 16000).reshape(2, 16000).astype(np.float32)
    model = patches_model()
    assert model.output.dtype == "float32"
    patches = model(waveforms)
    assert patches.dtype == tf.float32
    np.testing.assert_allclose(patches, reference_patches(waveforms), rtol=0, atol=1e-4)
    np.testing.assert_array_equal(model.predict(waveforms, verbose=0), patches)


def test_keras_file(tmp_path):
    config = CONFIGS["telephone"]
    model = patches_model(config)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    waveform = noise(20000, 8000).astype(np.float32)[np.newaxis]
    np.testing.assert_array_equal(loaded(waveform), model(waveform))
    assert loaded.get_layer("log_mel").config == config


@pytest.mark.parametrize(
    "layer", [LogMelSpectrogram(CONFIGS["music"]), LogMelPatches(PANNS), SplitPatches(48, 12)]
)
def test_layers_come_back_from_their_config(layer):
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


def test_saved_model(tmp_path):
    model = patches_model()
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    for shape in ((1, 1), (4, 16000), (2, 40000)):
        waveforms = noise(np.prod(shape), 16000).reshape(shape).astype(np.float32)
        np.testing.assert_array_equal(loaded.serve(waveforms), model(waveforms))


# === TFLite ===


@pytest.fixture(scope="module")
def interpreter_class():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        tflite_runtime = pytest.importorskip(
            "tflite_runtime.interpreter", reason="neither ai-edge-litert nor tflite-runtime"
        )
        return tflite_runtime.Interpreter
    return Interpreter


@pytest.fixture(scope="module", params=[(1, 15600), (None, None)], ids=["fixed", "any length"])
def tflite_file(request, tmp_path_factory):
    batch, samples = request.param
    folder = tmp_path_factory.mktemp("saved_model")
    patches_model(batch=batch, samples=samples).export(folder, verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert(), samples


def test_tflite_has_builtin_operations_only(tflite_file, capfd):
    content, _ = tflite_file
    tf.lite.experimental.Analyzer.analyze(model_content=content)
    operations = set(re.findall(r"Op#\d+ (\w+)\(", capfd.readouterr().out))
    assert {"RFFT2D", "COMPLEX_ABS", "LOG"} <= operations
    assert operations <= set(vars(BuiltinOperator)), "Flex or custom operations"


def test_tflite_gives_the_same_numbers(tflite_file, interpreter_class):
    content, fixed_samples = tflite_file
    interpreter = interpreter_class(model_content=content)
    (waveform_input,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    model = patches_model()
    for samples in LENGTHS if fixed_samples is None else [fixed_samples]:
        waveform = speech_like(samples, 16000).astype(np.float32)[np.newaxis]
        interpreter.resize_tensor_input(waveform_input["index"], waveform.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(waveform_input["index"], waveform)
        interpreter.invoke()
        patches = interpreter.get_tensor(output["index"])
        np.testing.assert_allclose(
            patches, model(waveform), rtol=0, atol=1e-4, err_msg=f"{samples} samples"
        )


# === Wrong arguments ===


@pytest.mark.parametrize("dtype", ["int16", "int32", "bool"])
def test_integers_are_refused(dtype):
    with pytest.raises(ValueError, match=f"floating point .* Received dtype: {dtype}"):
        LogMelSpectrogram()(np.zeros((1, 16000), dtype))


@pytest.mark.parametrize("shape", [(16000,), (1, 16000, 2), (), (1, 0)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=re.escape(f"Received shape: {shape}")):
        LogMelSpectrogram()(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(), (None, 2)])
def test_wrong_symbolic_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="Received shape"):
        LogMelSpectrogram()(keras.Input(shape))
