"""YAMNet in the two forms that it was released in, made here of the preset's weights."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow as tf

from zoo import AudioClassifier
from zoo.convert import convert

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def preset():
    return AudioClassifier.from_preset("yamnet")


@pytest.fixture(scope="module")
def arrays(preset):
    """The weights, a dict for each layer, as Keras 2 called them."""
    layers = []
    for layer in preset.network.layers:
        if layer.weights:
            names = [weight.name for weight in layer.weights]
            if names == ["kernel"] and layer.kernel.shape[-1] == 1:
                names = ["depthwise_kernel"]
            layers.append(dict(zip(names, layer.get_weights(), strict=True)))
    assert len(layers) == 55
    return layers


def saved_model(folder, arrays, before="", more=()):
    """The variables of a SavedModel, which is all that is read of one."""
    named = {
        f"{before}layer_with_weights-{number}/{name}/.ATTRIBUTES/VARIABLE_VALUE": value
        for number, layer in enumerate(arrays)
        for name, value in layer.items()
    } | dict(more)
    (folder / "variables").mkdir(parents=True)
    tf.raw_ops.SaveV2(
        prefix=str(folder / "variables" / "variables"),
        tensor_names=list(named),
        shape_and_slices=[""] * len(named),
        tensors=[tf.constant(value) for value in named.values()],
    )
    return folder


def yamnet_h5(path, arrays):
    names = ["layer1/conv", "layer1/conv/bn"]
    for number in range(2, 15):
        for kind in ("depthwise", "pointwise"):
            names += [f"layer{number}/{kind}_conv", f"layer{number}/{kind}_conv/bn"]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in (*names, "dense")]
        for name, layer in zip([*names, "dense"], arrays, strict=True):
            for weight, value in layer.items():
                file[f"{name}/{name}/{weight}:0"] = value
    return path


def check(found, preset):
    assert found.frontend == preset.frontend
    for mine, its in zip(found.network.weights, preset.network.weights, strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("before", ["", "_yamnet/", "layer-1/layer/_func/_yamnet/"])
def test_saved_model(before, arrays, preset, tmp_path):
    """As it was released, and where others wrapped a layer of theirs around it."""
    more = {"dense/kernel/.ATTRIBUTES/VARIABLE_VALUE": np.ones((1024, 2), "f4"), "step": 3}
    folder = saved_model(tmp_path / "yamnet", arrays, before, more)
    found = convert(folder)
    check(found, preset)
    assert found.labels == preset.labels
    assert found.classify(EXAMPLES / "speech.ogg", 1) == preset.classify(EXAMPLES / "speech.ogg", 1)


def test_saved_model_names_its_classes(arrays, tmp_path):
    folder = saved_model(tmp_path / "yamnet", arrays)
    (folder / "assets").mkdir()
    rows = "".join(f"{number},/m/{number},Class {number}\n" for number in range(521))
    (folder / "assets" / "yamnet_class_map.csv").write_text("index,mid,display_name\n" + rows)
    assert convert(folder).labels[520] == ("Class 520", "/m/520")


def test_h5(arrays, preset, tmp_path):
    rows = "".join(f"{number},/m/{number},Of others {number}\n" for number in range(527))
    (tmp_path / "class_labels_indices.csv").write_text("index,mid,display_name\n" + rows)
    found = convert(yamnet_h5(tmp_path / "yamnet.h5", arrays))
    check(found, preset)
    assert found.labels == preset.labels
    assert "Apache License" in found.credit


def test_what_is_no_yamnet(arrays, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="has no variables that TensorFlow can read"):
        convert(tmp_path / "folder")
    with pytest.raises(ValueError, match="is incomplete: it has no 'layer_with_weights-54"):
        convert(saved_model(tmp_path / "short", arrays[:-1]))
    (tmp_path / "labels.txt").write_text("Cat\nDog\n")
    with pytest.raises(ValueError, match=r"has 521 classes\. Received 2 labels"):
        convert(saved_model(tmp_path / "yamnet", arrays), labels=tmp_path / "labels.txt")
    (tmp_path / "broken.h5").write_bytes(b"hello")
    with pytest.raises(ValueError, match=r"broken\.h5 is not an HDF5 file"):
        convert(tmp_path / "broken.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones((3, 3))
    with pytest.raises(ValueError, match=r"other\.h5 holds weights of another network"):
        convert(tmp_path / "other.h5")
