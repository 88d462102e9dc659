"""VGGish: the embedding of AudioSet's release, and its PCA."""

import numpy as np

from zoo.classifier import AudioClassifier
from zoo.convert.arrays import set_weights
from zoo.head import head
from zoo.labels import Label
from zoo.networks.vggish import EMBEDDING

KNOWN = "VGGish (vggish_model.ckpt, with vggish_pca_params.npz beside it)"
CLASSES = ()
CREDIT = (
    "VGGish, by S. Hershey et al. (CNN architectures for large-scale audio classification, ICASSP "
    "2017), as Google released it; Apache License 2.0. VGGish has embeddings and no classes: the "
    "scores say nothing until a head is trained."
)

_LAYERS = {
    "conv1_1": "conv1",
    "conv2_1": "conv2",
    "conv3_1": "conv3/conv3_1",
    "conv3_2": "conv3/conv3_2",
    "conv4_1": "conv4/conv4_1",
    "conv4_2": "conv4/conv4_2",
    "dense1": "fc1/fc1_1",
    "dense2": "fc1/fc1_2",
    "dense3": "fc2",
}
_NO_CLASSES = [Label("Sound")]


def matches(arrays):
    """Whether arrays are of VGGish."""
    return "vggish/fc2/weights" in arrays


def convert(arrays, labels):
    """The `AudioClassifier` of the arrays, of a head that scores all 0.5; labels: of the head."""
    width = arrays.units("vggish/fc2/biases") / EMBEDDING
    classifier = AudioClassifier("vggish", labels or _NO_CLASSES, width=width, name="vggish")
    network = classifier.network
    for layer, scope in _LAYERS.items():
        names = (f"vggish/{scope}/weights", f"vggish/{scope}/biases")
        set_weights(arrays, network.get_layer(layer), {name: arrays.take(name) for name in names})
    vectors = arrays.take("pca_eigen_vectors")
    bias = -vectors @ np.ravel(arrays.take("pca_means"))
    set_weights(
        arrays, network.get_layer("pca"), {"pca_eigen_vectors": vectors.T, "pca_means": bias}
    )
    head(network).kernel.assign(np.zeros(head(network).kernel.shape))
    return classifier
