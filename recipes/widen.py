"""Makes a ResNet-50 several times as wide, which scores as before, for training to go on from.

    python recipes/widen.py --preset resnet50_w025_opensounds --width 1 --output runs/widened

Net2WiderNet (Chen et al., "Net2Net: Accelerating Learning via Knowledge Transfer", 2016): units are
copied and what reads them shares its weights among the copies. Shared unequally, by noise that adds
up to nothing over the copies, so that training tells them apart. The other networks concatenate or
flatten what was copied, or round its number.
"""

import argparse
from pathlib import Path

import numpy as np

import zoo


def widened(classifier, width, seed=0):
    """An `AudioClassifier` of the same labels and scores at another width.

    Args:
        classifier: an `AudioClassifier`, a ResNet-50.
        width: a whole multiple of the classifier's.
        seed: of the noise.

    Raises:
        ValueError: the classifier is not a ResNet-50, or the width no multiple of its own.
    """
    if classifier.architecture != "resnet50":
        raise ValueError(f"Only resnet50 can be widened. Received: {classifier.architecture}")
    if width % classifier.width:
        raise ValueError(f"width must be a multiple of {classifier.width:g}. Received: {width:g}")
    wide = zoo.AudioClassifier.from_config({**classifier.preset_config(), "width": width})
    rng = np.random.default_rng(seed)
    for layer in wide.network.layers:
        narrow = classifier.network.get_layer(layer.name).get_weights()
        shapes = [weight.shape for weight in layer.get_weights()]
        layer.set_weights([_widen(*pair, rng) for pair in zip(narrow, shapes, strict=True)])
    return wide


def _widen(weight, shape, rng):
    """Copies of a vector's units, or of a kernel's, whose inputs then share what they had."""
    if weight.ndim == 1:
        return np.resize(weight, shape)
    *space, inputs, units = weight.shape
    copies = shape[-2] // inputs
    kernel = np.tile(weight, (shape[-1] // units,)) / copies
    noise = rng.normal(0, kernel.std(), (*space, copies, *kernel.shape[-2:]))
    noise -= noise.mean(axis=-3, keepdims=True)
    return (kernel[..., np.newaxis, :, :] + noise).reshape(shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", required=True, help="preset to start from")
    parser.add_argument("--width", type=float, required=True, help="width to widen it to")
    parser.add_argument("--output", type=Path, required=True, help="folder of the preset to write")
    options = parser.parse_args()
    wide = widened(zoo.AudioClassifier.from_preset(options.preset), options.width)
    wide.save_to_preset(options.output)


if __name__ == "__main__":
    main()
