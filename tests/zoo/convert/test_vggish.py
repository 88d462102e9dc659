"""VGGish, of made-up weights, against what it computes in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from export import TFLiteClassifier, export_tflite
from export.operators import check_builtin
from frontend import FrontendConfig
from tests.frontend import reference
from zoo import AudioClassifier
from zoo.convert import convert

from . import pytorch

NARROW = 8
"""The network is so much narrower than the released one."""
CONVOLUTIONS = ["conv1", "conv2", "conv3/conv3_1", "conv3/conv3_2", "conv4/conv4_1"]
CONVOLUTIONS += ["conv4/conv4_2"]
UNITS = [64, 128, 256, 256, 512, 512]
POOLED = {"conv1", "conv2", "conv3/conv3_2", "conv4/conv4_2"}
DENSE = {"fc1/fc1_1": 4096, "fc1/fc1_2": 4096, "fc2": 128}


def made_up():
    """The variables by their names in the released checkpoint, and the PCA."""
    shapes, inputs = {}, 1
    for scope, units in zip(CONVOLUTIONS, UNITS, strict=True):
        shapes[scope], inputs = (3, 3, inputs, units // NARROW), units // NARROW
    inputs *= 6 * 4
    for scope, units in DENSE.items():
        shapes[scope], inputs = (inputs, units // NARROW), units // NARROW
    rng = np.random.default_rng(0)
    variables = {}
    for scope, shape in shapes.items():
        spread = np.sqrt(2 / np.prod(shape[:-1]))
        variables[f"vggish/{scope}/weights"] = rng.normal(0, spread, shape).astype("f4")
        variables[f"vggish/{scope}/biases"] = rng.normal(0, 0.1, shape[-1:]).astype("f4")
    pca = {
        "pca_eigen_vectors": rng.normal(0, 1, (inputs, inputs)),
        "pca_means": rng.normal(0, 1, (inputs, 1)),
    }
    return variables, pca


def save(path, variables, pca):
    """The checkpoint in the one file of TensorFlow 1's first format, and the PCA beside it."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in variables.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(write_version=tf.compat.v1.train.SaverDef.V1)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
    np.savez(path.with_name("vggish_pca_params.npz"), **pca)


def embedding(variables, pca, patch):
    """What VGGish makes of a patch `[96, 64]`: `[units]`."""
    x = patch[np.newaxis]
    for scope in CONVOLUTIONS:
        kernel = variables[f"vggish/{scope}/weights"].astype(float).transpose(3, 2, 0, 1)
        biases = variables[f"vggish/{scope}/biases"][:, np.newaxis, np.newaxis]
        x = np.maximum(0, pytorch.conv2d(x, kernel) + biases)
        if scope in POOLED:
            units, frames, bins = x.shape
            x = x.reshape(units, frames // 2, 2, bins // 2, 2).max(axis=(2, 4))
    x = x.transpose(1, 2, 0).ravel()
    for scope in DENSE:
        x = x @ variables[f"vggish/{scope}/weights"] + variables[f"vggish/{scope}/biases"]
        if scope != "fc2":
            x = np.maximum(0, x)
    return pca["pca_eigen_vectors"] @ (x[:, np.newaxis] - pca["pca_means"])[:, 0]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("vggish") / "vggish_model.ckpt"
    variables, pca = made_up()
    save(path, variables, pca)
    return variables, pca, path


def test_embeddings_are_those_of_numpy(source):
    variables, pca, path = source
    classifier = convert(path)
    assert classifier.frontend == FrontendConfig()
    waveform = np.random.default_rng(1).normal(0, 0.1, 32000).astype("f4")
    found = classifier.embed(waveform, sample_rate=16000)
    patches = reference.log_mel(waveform, FrontendConfig()).reshape(-1, 96, 64)
    expected = [embedding(variables, pca, patch) for patch in patches]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert "Apache" in classifier.credit
    assert "say nothing until a head is trained" in classifier.credit
    assert [prediction.score for prediction in classifier.classify(waveform)] == [0.5]


@pytest.mark.slow
def test_becomes_a_preset_with_a_head_of_ones_own_and_tflite(source, tmp_path):
    keras.utils.set_random_seed(0)  # of the head
    convert(source[2]).save_to_preset(tmp_path / "vggish")
    classifier = AudioClassifier.from_preset(tmp_path / "vggish", labels=["noise", "tone"])
    classifier.freeze_body()
    classifier.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    rng = np.random.default_rng(0)
    tone = 0.3 * np.sin(np.arange(15600) / 5)
    waveforms = [rng.normal(0, 0.3, 15600), rng.normal(0, 0.2, 15600), tone, tone / 2]
    waveforms = np.array(waveforms, "f4")
    targets = np.eye(2, dtype="f4")[[0, 0, 1, 1]]
    losses = classifier.fit(waveforms, targets, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    expected = classifier.predict(waveforms[:1], verbose=0)[0]
    for quantize, apart in (("none", 1e-4), ("int8", 0.1)):
        path = tmp_path / f"{quantize}.tflite"
        calibration = list(waveforms) if quantize == "int8" else None
        export_tflite(classifier, path, quantize=quantize, calibration=calibration)
        check_builtin(path.read_bytes())
        (found,) = TFLiteClassifier(path).score_files([waveforms[0]])
        np.testing.assert_allclose(found.mean, expected, atol=apart)


def test_without_its_pca(source, tmp_path):
    path = tmp_path / "vggish_model.ckpt"
    path.write_bytes(source[2].read_bytes())
    with pytest.raises(OSError, match=r"vggish_pca_params\.npz"):
        convert(path)
    path.write_bytes(b"hello")
    with pytest.raises(ValueError, match="has no variables that TensorFlow can read"):
        convert(path)
