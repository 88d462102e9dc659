"""The classifier of raw sound, with random weights; the bundled presets have their own tests."""

import io
import subprocess
import sys

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf

import zoo
from frontend import FrontendConfig, LogMelSpectrogram
from zoo import AudioClassifier, Prediction, head
from zoo.architecture import find_architecture

LENGTHS = [1, 399, 15600, 15601, 40000]


@pytest.mark.parametrize("architecture", zoo.list_models())
def test_every_architecture_scores_raw_sound(architecture, noise):
    classifier = AudioClassifier(architecture, ["a", "b"], width=0.05, bottleneck=8)
    scores = keras.ops.convert_to_numpy(classifier(np.stack([noise(16000)] * 2)))
    assert scores.shape == (2, 2)
    assert np.isfinite(scores).all()
    assert classifier.embed(noise(100)).shape == (1, 8)


def test_listens_through_the_front_end_that_the_architecture_wants(noise):
    classifier = AudioClassifier("mobilenet_v1", ["a", "b"], width=0.05)
    assert classifier.frontend == find_architecture("mobilenet_v1").frontend
    # YAMNet hears a patch every 0.48 s, and a last one of whatever remains.
    assert classifier.timeline(noise(15601)).start_seconds.tolist() == [0, 0.48]


def test_networks_that_pool_take_other_front_ends(noise):
    frontend = FrontendConfig(sample_rate=8000, mel_bins=40, mel_max_hz=3900, patch_frames=50)
    classifier = AudioClassifier("resnet50", ["a", "b"], width=0.05, frontend=frontend)
    assert classifier.network.input_shape == (None, 50, 40)
    assert classifier.timeline(noise(16000)).scores.shape == (4, 2)
    assert classifier.predict(noise(16000)[np.newaxis], verbose=0).shape == (1, 2)


@pytest.mark.parametrize("hop", [0.48, 0.24, 0.03])
@pytest.mark.parametrize("samples", LENGTHS)
def test_any_hop(small_classifier, noise, samples, hop):
    """`hop` is what a front end of that hop does, and streams go by it, too."""
    waveform = noise(samples)
    heard = small_classifier.timeline(waveform, hop=hop)
    config = small_classifier.preset_config()
    config["frontend"]["patch_hop_seconds"] = hop
    by_default = AudioClassifier.from_config(config)
    by_default.set_weights(small_classifier.get_weights())
    expected = by_default.timeline(waveform)
    np.testing.assert_array_equal(heard.start_seconds, expected.start_seconds)
    np.testing.assert_allclose(heard.start_seconds, np.arange(len(heard.scores)) * hop)
    np.testing.assert_allclose(heard.scores, expected.scores, atol=1e-6)
    clip = by_default.predict(waveform[np.newaxis], verbose=0)[0]
    np.testing.assert_allclose(clip, heard.scores.mean(axis=0), atol=1e-5)
    blocks = np.array_split(waveform, 7)
    streamed = list(small_classifier.stream(blocks, hop=hop))
    assert [start for start, _ in streamed] == heard.start_seconds.tolist()
    np.testing.assert_allclose([scores for _, scores in streamed], heard.scores, atol=1e-5)
    assert len(small_classifier.embed(waveform, hop=hop)) == len(heard.scores)


@pytest.mark.parametrize("hop", [0, -0.48, 1.0, 0.4801, "0.48", float("nan")])
def test_hops_that_are_none(small_classifier, noise, hop):
    for hear in (small_classifier.timeline, small_classifier.classify, small_classifier.embed):
        with pytest.raises(ValueError, match=r"patch_hop_seconds must be .* Received: "):
            hear(noise(100), hop=hop)
    with pytest.raises(ValueError, match=r"patch_hop_seconds must be .* Received: "):
        next(small_classifier.stream([noise(100)], hop=hop))


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
    logits = head.head(small_classifier.network)(embeddings)
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
@pytest.mark.parametrize("samples", [40000, 18001])  # of the second, the last makes no patch
def test_sound_that_is_not_finite_has_no_scores(small_classifier, noise, value, samples):
    batch = np.stack([noise(samples)] * 2)
    batch[1, 18000] = value
    scores = small_classifier.predict(batch, verbose=0)
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()
    with pytest.raises(ValueError, match="NaN or infinity, first at sample 18000"):
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
    for use in (
        lambda: small_classifier.classify(noise(100), top=top),
        lambda: small_classifier.rank([0.1, 0.2, 0.3], top=top),
    ):
        with pytest.raises(ValueError, match="top must be"):
            use()


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


def test_refuses_a_network_of_other_classes(small_classifier):
    with pytest.raises(ValueError, match="Received 2 labels and a network of 3 classes"):
        AudioClassifier("fully_connected", ["a", "b"], network=small_classifier.network)
    with pytest.raises(ValueError, match=r"each of 3 labels. Received an array of shape \(2,\)"):
        small_classifier.rank([0.1, 0.2])


@pytest.mark.parametrize("shape", [(0, 16000), (2, 0)])
@pytest.mark.parametrize("use", ["__call__", "predict"])
def test_refuses_an_empty_batch(small_classifier, shape, use):
    with pytest.raises(ValueError, match=r"A batch of waveforms holds some. Received one of shape"):
        getattr(small_classifier, use)(np.zeros(shape, "float32"))


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
        half = AudioClassifier.from_config(small_classifier.preset_config())
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


def test_new_labels_stand_on_the_old_body(small_preset, small_classifier, noise):
    classifier = AudioClassifier.from_preset(small_preset, labels=["Mine", ("Rain", "/m/06mb1")])
    assert [label.name for label in classifier.labels] == ["Mine", "Rain"]
    np.testing.assert_array_equal(
        classifier.embed(noise(16000)), small_classifier.embed(noise(16000))
    )
    assert classifier.predict(noise(16000)[np.newaxis], verbose=0).shape == (1, 2)
    with pytest.raises(ValueError, match="labels must differ"):
        AudioClassifier.from_preset(small_preset, labels=["Mine", "Mine"])


def test_a_frozen_body_stays_as_it_is(small_preset, noise):
    classifier = AudioClassifier.from_preset(small_preset, labels=["Mine", "Other"])
    before = classifier.embed(noise(16000))
    classifier.freeze_body()
    classifier.compile("adam", "binary_crossentropy")
    targets = np.array([[1.0, 0.0]], "float32")
    scores = classifier.predict(noise(16000)[np.newaxis], verbose=0)
    classifier.fit(noise(16000)[np.newaxis], targets, epochs=2, verbose=0)
    np.testing.assert_array_equal(classifier.embed(noise(16000)), before)
    assert (classifier.predict(noise(16000)[np.newaxis], verbose=0) != scores).all()


def test_the_backbone_gives_the_embedding(small_classifier, noise):
    patches = LogMelSpectrogram()(noise(15600)[np.newaxis])
    embedding = small_classifier.backbone(patches)
    np.testing.assert_allclose(embedding, small_classifier.embed(noise(15600)), atol=1e-5)


class TestAKerasFile:
    """What is saved is what was there."""

    @pytest.fixture
    def classifier(self):
        keras.utils.set_random_seed(2)
        return AudioClassifier("resnet50", ["a", "b"], width=0.05)

    @pytest.fixture
    def again(self, classifier, tmp_path):
        def save_and_load():
            classifier.save(tmp_path / "x.keras")
            return keras.saving.load_model(tmp_path / "x.keras")

        return save_and_load

    def test_keeps_what_is_trainable(self, classifier, again):
        classifier.freeze_body()
        classifier.network.get_layer("stem_conv").trainable = True
        flags = {layer.name: layer.trainable for layer in classifier.network.layers}
        assert {layer.name: layer.trainable for layer in again().network.layers} == flags

    def test_keeps_the_optimizer(self, classifier, again, noise):
        classifier.freeze_body()
        classifier.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy")
        sound = noise(16000)[np.newaxis], np.array([[1.0, 0.0]], "float32")
        classifier.fit(*sound, epochs=3, verbose=0)
        loaded = again()
        for kept, was in zip(
            loaded.optimizer.variables, classifier.optimizer.variables, strict=True
        ):
            np.testing.assert_array_equal(kept.numpy(), was.numpy())
        losses = [c.fit(*sound, verbose=0).history["loss"] for c in (classifier, loaded)]
        np.testing.assert_allclose(*losses, rtol=1e-5)

    def test_keeps_a_changed_activation(self, classifier, again, noise):
        head.scores(classifier.network).activation = keras.activations.softmax
        assert again().predict(noise(16000)[np.newaxis], verbose=0).sum() == pytest.approx(1)

    def test_keeps_quantised_layers(self, classifier, again, noise):
        classifier.quantize("int8")
        kept = again()
        assert head.head(kept.network).quantization_mode == "int8"
        np.testing.assert_array_equal(
            kept.predict(noise(16000)[np.newaxis], verbose=0),
            classifier.predict(noise(16000)[np.newaxis], verbose=0),
        )

    def test_quantised_layers_are_heard_at_once(self, classifier, noise):
        sound = noise(16000)
        dense = head.head(classifier.network)
        dense.kernel.assign(dense.kernel / 100)  # so that scores are not 0 and 1
        before = classifier.timeline(sound).scores
        classifier.quantize("int8")
        (expected,) = classifier.predict(sound[np.newaxis], verbose=0)
        now = classifier.timeline(sound).scores
        np.testing.assert_allclose(now.mean(axis=0), expected, atol=1e-6)
        assert np.abs(now - before).max() > 1e-5

    def test_other_labels_stand_on_the_body_as_built_alone(self, classifier):
        head.scores(classifier.network).activation = keras.activations.softmax
        assert len(classifier.with_labels(["Mine"]).labels) == 1  # the head is another anyway
        changed = [layer for layer in classifier.backbone.layers if hasattr(layer, "activation")]
        changed[0].activation = keras.activations.tanh
        with pytest.raises(ValueError, match="Other labels stand on the body"):
            classifier.with_labels(["Mine"])

    @pytest.mark.parametrize("change", ["activation", "int8"])
    def test_a_preset_refuses_what_it_cannot_say(self, classifier, again, change, tmp_path):
        if change == "int8":
            classifier.quantize("int8")
        else:
            head.scores(classifier.network).activation = keras.activations.softmax
        for changed in (classifier, again()):
            with pytest.raises(ValueError, match="changed or quantised since"):
                changed.save_to_preset(tmp_path / "preset")
        assert not (tmp_path / "preset").exists()

    def test_a_preset_takes_what_was_kept(self, classifier, again, tmp_path, noise):
        classifier.freeze_body()
        again().save_to_preset(tmp_path / "preset")
        loaded = AudioClassifier.from_preset(tmp_path / "preset")
        np.testing.assert_array_equal(loaded.embed(noise(100)), classifier.embed(noise(100)))


def test_a_list_of_files_gives_a_list_of_results(small_classifier, noise, tmp_path):
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        soundfile.write(path, noise(16000 + number), 16000)
    expected = [small_classifier.classify(path, top=2) for path in paths]
    for files in (paths, list(map(str, paths)), [io.BytesIO(path.read_bytes()) for path in paths]):
        heard = small_classifier.classify(files, top=2)
        assert [[each.label for each in best] for best in heard] == [
            [each.label for each in best] for best in expected
        ]
        # A network rounds otherwise in batches of another size.
        np.testing.assert_allclose(
            [[each.score for each in best] for best in heard],
            [[each.score for each in best] for best in expected],
            atol=1e-6,
        )


def test_bytes_get_a_sentence_that_helps(small_classifier):
    with pytest.raises(ValueError, match=r"Received 4 bytes; .* io\.BytesIO\(contents\)"):
        small_classifier.classify(b"RIFF")


INTEGERS = np.zeros((2, 16000), np.int16)


@pytest.mark.parametrize(
    "make",
    [
        np.asarray,
        tf.convert_to_tensor,
        lambda x: x.tolist(),
        lambda x: [x],
        lambda x: x > 0,
        lambda x: {"waveform": x},
    ],
    ids=["array", "tensor", "lists", "list of array", "bool", "dict"],
)
@pytest.mark.parametrize("method", ["__call__", "predict", "fit", "evaluate"])
def test_integer_samples_are_refused_before_keras_casts_them(small_classifier, method, make):
    with pytest.raises(ValueError, match=r"must be floating point in -1\.\.1\. Received dtype"):
        getattr(small_classifier, method)(make(INTEGERS))


@pytest.mark.parametrize("method", ["predict", "fit", "evaluate"])
def test_integer_samples_of_a_dataset_are_refused(small_classifier, method):
    pairs = tf.data.Dataset.from_tensor_slices((INTEGERS, np.zeros((2, 3)))).batch(2)
    with pytest.raises(ValueError, match="int16; divide 16-bit samples by 32768"):
        getattr(small_classifier, method)(pairs)


def test_integer_samples_for_validation_are_refused(small_classifier, noise):
    targets = np.zeros((1, 3))
    with pytest.raises(ValueError, match="int16; divide 16-bit samples by 32768"):
        small_classifier.fit(
            noise(16000)[np.newaxis], targets, validation_data=(INTEGERS[:1], targets)
        )


@pytest.mark.parametrize("labels", [["Speech", "Silence"], ["Speech", "Music"]])
def test_zeros_are_no_sound(labels):
    classifier = AudioClassifier("fully_connected", labels, width=0.02)
    expected = [float(label == "Silence") for label in labels]
    waveform = np.zeros(40000, "float32")
    assert (classifier.timeline(waveform).scores == expected).all()
    assert all((scores == expected).all() for _, scores in classifier.stream([waveform]))


def test_silence_within_a_sound_is_heard_as_the_network_hears_it(small_classifier, noise):
    silence = np.zeros(small_classifier.frontend.patch_samples, "float32")
    heard = small_classifier.timeline(np.concatenate([silence, noise(16000)])).scores[0]
    expected = small_classifier.score_patches(silence[np.newaxis])[0]
    np.testing.assert_allclose(heard, expected, atol=1e-6)


FORK = """
import os, sys
import numpy as np
import zoo

classifier = zoo.AudioClassifier("fully_connected", ["a", "b"], width=0.02)
waveform = np.zeros((1, 16000), "float32")
uses = {
    "classify": lambda: classifier.classify(waveform[0]),
    "timeline": lambda: classifier.timeline(waveform[0]),
    "stream": lambda: list(classifier.stream(waveform)),
    "embed": lambda: classifier.embed(waveform[0]),
    "predict": lambda: classifier.predict(waveform),
    "call": lambda: classifier(waveform),
    "another": lambda: zoo.AudioClassifier.from_preset("fully_connected_w025_opensounds"),
}
if os.fork() == 0:
    for name, use in uses.items():
        try:
            use()
        except RuntimeError as error:
            print(name, error, flush=True)
    os._exit(0)
os.wait()
"""


def test_in_a_fork_it_says_that_it_does_not_run():
    """Where it hung for ever."""
    told = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, timeout=120, check=True
    ).stdout.splitlines()
    said = "TensorFlow does not run in a process that was forked"
    uses = ["classify", "timeline", "stream", "embed", "predict", "call", "another"]
    assert [line.partition(" ")[0] for line in told] == uses
    assert all(said in line for line in told)
