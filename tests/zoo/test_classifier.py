"""The classifier of raw sound, with random weights; the bundled presets have their own tests."""

import io

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

import zoo
from frontend import FrontendConfig, LogMelSpectrogram
from zoo import AudioClassifier, Prediction

LENGTHS = [1, 399, 15600, 15601, 40000]


@pytest.mark.parametrize("architecture", zoo.list_models())
def test_every_architecture_scores_raw_sound(architecture, noise):
    classifier = AudioClassifier(architecture, ["a", "b"], width=0.05, bottleneck=8)
    scores = keras.ops.convert_to_numpy(classifier(np.stack([noise(16000)] * 2)))
    assert scores.shape == (2, 2)
    assert np.isfinite(scores).all()
    assert classifier.embed(noise(100)).shape == (1, 8)


@pytest.mark.parametrize("samples", LENGTHS)
def test_clip_score_is_the_mean_of_its_patches_scores(small_classifier, noise, samples):
    waveform = noise(samples)
    timeline = small_classifier.timeline(waveform)
    patches = FrontendConfig().num_patches(samples)
    assert timeline.scores.shape == (patches, 3)
    np.testing.assert_allclose(timeline.start_seconds, np.arange(patches) * 0.96)
    np.testing.assert_allclose(
        small_classifier.predict(waveform[np.newaxis], verbose=0)[0],
        timeline.scores.mean(axis=0),
        atol=1e-5,
    )


def test_batches_of_different_lengths(small_classifier, noise):
    for samples in LENGTHS:
        batch = np.stack([noise(samples), 0.5 * noise(samples), np.zeros(samples, "float32")])
        together = small_classifier.predict(batch, verbose=0)
        alone = [small_classifier.predict(row[np.newaxis], verbose=0)[0] for row in batch]
        np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("samples", LENGTHS)
def test_padding_leaves_the_scores_of_real_patches(small_classifier, noise, samples):
    waveform = noise(samples)
    alone = small_classifier.timeline(waveform).scores
    padded = small_classifier.timeline(np.pad(waveform, (0, 50000))).scores
    assert len(padded) > len(alone)
    np.testing.assert_allclose(padded[: len(alone)], alone, atol=1e-5)


def test_patch_scores_are_the_networks(small_classifier, noise):
    waveform = noise(40000)
    log_mel = LogMelSpectrogram()(waveform[np.newaxis])
    patches = tf.reshape(log_mel, [-1, 96, 64])
    np.testing.assert_allclose(
        small_classifier.network(patches), small_classifier.timeline(waveform).scores, atol=1e-5
    )


def test_embedding_is_the_layer_before_the_classifier(small_classifier, noise):
    embeddings = small_classifier.embed(noise(40000))
    logits = small_classifier.network.get_layer("logits")(embeddings)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(
        keras.ops.sigmoid(logits), small_classifier.timeline(noise(40000)).scores, atol=1e-5
    )


def test_classify_ranks_the_labels(small_classifier, noise):
    predictions = small_classifier.classify(noise(20000))
    means = small_classifier.timeline(noise(20000)).scores.mean(axis=0)
    assert all(isinstance(prediction, Prediction) for prediction in predictions)
    assert [p.score for p in predictions] == sorted(map(float, means), reverse=True)
    assert {p.label: p.mid for p in predictions} == {
        "Dog": "/m/0bt9lr",
        "Sword, metal clash": None,
        "Rain": "/m/06mb1",
    }
    assert small_classifier.classify(noise(20000), top=1) == predictions[:1]


def test_hears_files_as_it_hears_their_waveform(small_classifier, noise, tmp_path):
    waveform = noise(40000)
    expected = small_classifier.timeline(waveform).scores
    path = tmp_path / "noise.wav"
    soundfile.write(path, waveform, 16000, subtype="FLOAT")
    np.testing.assert_allclose(small_classifier.timeline(path).scores, expected, atol=1e-5)
    np.testing.assert_allclose(small_classifier.timeline(str(path)).scores, expected, atol=1e-5)
    file = io.BytesIO(path.read_bytes())
    np.testing.assert_allclose(small_classifier.timeline(file).scores, expected, atol=1e-5)


def test_resamples_a_waveform_of_another_rate(small_classifier, tmp_path, noise):
    waveform = np.repeat(noise(11025), 4)
    soundfile.write(tmp_path / "x.wav", waveform, 44100, subtype="FLOAT")
    np.testing.assert_allclose(
        small_classifier.timeline(waveform, sample_rate=44100).scores,
        small_classifier.timeline(tmp_path / "x.wav").scores,
        atol=1e-3,
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_sound_that_is_not_finite_has_no_scores(small_classifier, noise, value):
    batch = np.stack([noise(40000)] * 2)
    batch[1, 20000] = value
    scores = small_classifier.predict(batch, verbose=0)
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()
    with pytest.raises(ValueError, match="NaN or infinity, first at sample 20000"):
        small_classifier.classify(batch[1])


@pytest.mark.parametrize("method", ["classify", "timeline", "embed"])
@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(0, "float32"), "holds no samples"),
        (np.zeros((2, 100), "float32"), r"mono.*\(2, 100\)"),
        (np.float32(0.5), r"mono.*\(\)"),
        (np.zeros(100, "int16"), "int16.*divide"),
        (np.full(100, 12000.0), "peak of 12000"),
        (np.array(["a"]), "floating point"),
        (None, "floating point"),
    ],
)
def test_refuses_bad_waveforms(small_classifier, method, audio, message):
    with pytest.raises(ValueError, match=message):
        getattr(small_classifier, method)(audio)


@pytest.mark.parametrize("sample_rate", [0, -1, float("nan"), float("inf"), "16000", True])
def test_refuses_wrong_sample_rates(small_classifier, noise, sample_rate):
    with pytest.raises(ValueError, match=r"sample rate .* Received"):
        small_classifier.classify(noise(100), sample_rate=sample_rate)


def test_refuses_a_waveform_too_short_for_its_rate(small_classifier):
    with pytest.raises(ValueError, match="at 16000 Hz holds no samples"):
        small_classifier.classify(np.ones(1, "float32"), sample_rate=48000)


def test_refuses_a_sample_rate_beside_a_file(small_classifier):
    with pytest.raises(ValueError, match="a sound file knows its own"):
        small_classifier.classify("x.wav", sample_rate=8000)


@pytest.mark.parametrize("top", [0, -1, 1.5, True, None])
def test_refuses_wrong_top(small_classifier, noise, top):
    with pytest.raises(ValueError, match="top must be"):
        small_classifier.classify(noise(100), top=top)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"architecture": ["resnet50"]}, "no architecture"),
        ({"frontend": {}}, "must be a FrontendConfig"),
        ({"architecture": "resnet"}, "no architecture 'resnet'; there are alexnet"),
        ({"labels": []}, "at least one class"),
        ({"width": 0}, "width must be"),
        ({"bottleneck": -1}, "bottleneck must be"),
        ({"frontend": FrontendConfig(mel_bins=32)}, "96 frames x 64 mel bins.*96 x 32"),
    ],
)
def test_refuses_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        AudioClassifier(**{"architecture": "fully_connected", "labels": ["a"], **arguments})


def test_is_a_keras_model(noise, tmp_path):
    keras.utils.set_random_seed(0)
    classifier = AudioClassifier("fully_connected", ["quiet", "loud"], width=0.05)
    waveforms = np.stack([noise(16000) * gain for gain in (0.01, 5) for _ in range(8)])
    targets = np.repeat(np.eye(2), 8, axis=0)
    before = classifier.timeline(waveforms[0]).scores
    classifier.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
    classifier.fit(waveforms, targets, epochs=20, verbose=0)
    assert classifier.evaluate(waveforms, targets, verbose=0)[1] == 1
    # What was compiled before the training sees the trained weights.
    assert not np.allclose(classifier.timeline(waveforms[0]).scores, before)
    assert classifier.classify(waveforms[-1], top=1)[0].label == "loud"


def test_keras_file_keeps_everything(small_classifier, noise, tmp_path):
    small_classifier.save(tmp_path / "x.keras")
    loaded = keras.saving.load_model(tmp_path / "x.keras")
    assert type(loaded) is AudioClassifier
    assert loaded.labels == small_classifier.labels
    assert loaded.frontend == small_classifier.frontend
    batch = noise(40000)[np.newaxis]
    np.testing.assert_array_equal(
        loaded.predict(batch, verbose=0), small_classifier.predict(batch, verbose=0)
    )
    np.testing.assert_array_equal(loaded.embed(batch[0]), small_classifier.embed(batch[0]))


def test_half_precision_keeps_the_front_end_in_float32(small_classifier, noise):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = AudioClassifier.from_config(small_classifier.get_config())
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(small_classifier.get_weights())
    assert half.get_layer("log_mel").compute_dtype == "float32"
    assert half.network.get_layer("dense1").compute_dtype == "float16"
    scores = half.predict(noise(40000)[np.newaxis], verbose=0)
    assert scores.dtype == np.float32
    expected = small_classifier.predict(noise(40000)[np.newaxis], verbose=0)
    np.testing.assert_allclose(scores, expected, atol=0.02)
    assert half.embed(noise(100)).dtype == np.float32
