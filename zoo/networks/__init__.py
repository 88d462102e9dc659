"""The paper's five architectures, as builders in the manner of `keras.applications`."""

from zoo.networks.alexnet import AlexNet
from zoo.networks.fully_connected import FullyConnected
from zoo.networks.inception_v3 import InceptionV3
from zoo.networks.resnet50 import ResNet50
from zoo.networks.vgg import VGG

ARCHITECTURES = {
    "alexnet": AlexNet,
    "fully_connected": FullyConnected,
    "inception_v3": InceptionV3,
    "resnet50": ResNet50,
    "vgg": VGG,
}
"""Name of each architecture and its builder."""

__all__ = ["ARCHITECTURES", "VGG", "AlexNet", "FullyConnected", "InceptionV3", "ResNet50"]
