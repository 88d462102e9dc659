"""Other people's weights as presets: each file of this folder knows the names of one source."""

from pathlib import Path

from frontend.types import StrPath
from zoo.classifier import AudioClassifier
from zoo.convert import efficientat, panns, vggish, yamnet
from zoo.convert.arrays import read_arrays
from zoo.data.classes import read_class_list

# A source is a module of: KNOWN, what a message calls it; CLASSES, names of files that say its
# classes; CREDIT, whose it is; `matches(arrays)` and `convert(arrays, labels)`.
_SOURCES = (efficientat, panns, vggish, yamnet)


def convert(source: StrPath, *, labels: StrPath | None = None) -> AudioClassifier:
    """Makes a classifier of weights that others released; nothing of the source is executed.

    Args:
        source: their file or folder, in the form that they released:

            * EfficientAT's `mn04_as` to `mn40_as`: the `.pt` file, or an `.npz` of its arrays
            * PANNs' `Cnn14_16k`, `Cnn14` and `MobileNetV1`: the `.pth` file
            * VGGish: `vggish_model.ckpt`, and `vggish_pca_params.npz` beside it
            * YAMNet: the SavedModel's folder, or `yamnet.h5`
        labels: file of the classes in order, a `class_labels_indices.csv` or names, one a line. By
            default what the source says, or, of EfficientAT and PANNs, which say nothing, the
            `class_labels_indices.csv` beside it.

    Returns:
        `AudioClassifier`, in float32, whose `credit` says whose it is, and under which licence.

    Raises:
        OSError: a file cannot be read.
        ValueError: the source is damaged or none of these, or the labels do not fit.
    """
    arrays = read_arrays(source)
    for module in _SOURCES:
        if module.matches(arrays):
            classifier = module.convert(arrays, _labels(source, labels, module.CLASSES))
            arrays.check_all_taken()
            classifier.credit = module.CREDIT
            return classifier
    known = "; ".join(module.KNOWN for module in _SOURCES)
    raise ValueError(f"{source} holds no weights that are known. What can be converted: {known}.")


def _labels(source, labels, names):
    """The labels in a file that was named, or in one of these names beside the source; or None."""
    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    known = [folder / name for name in names if (folder / name).is_file()]
    path = labels or next(iter(known), None)
    return path and read_class_list(path)
