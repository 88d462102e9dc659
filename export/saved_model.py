"""Exports a classifier as a SavedModel, for TensorFlow Serving and for any TensorFlow."""

import json
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from frontend.types import StrPath
from zoo import AudioClassifier
from zoo.files import replace_folder

LABELS = "labels.txt"
FRONTEND = "frontend.json"


def export_saved_model(
    classifier: AudioClassifier, path: StrPath, *, overwrite: bool = False
) -> None:
    """Writes a classifier as a SavedModel, which TensorFlow runs without this package.

    Its signatures take `waveform`, float32 `[batch, samples]`, mono, in -1..1, at
    `classifier.frontend.sample_rate` (16 kHz), of any number of samples, and give float32:

    * `serving_default`: `scores` `[batch, classes]`, the means of the patches' scores
    * `timeline`: `scores` `[batch, patches, classes]`, and `start_seconds` `[batch, patches]`,
      where each patch starts; the same in every row, because TensorFlow Serving's row
      format wants a row for each waveform in all outputs
    * `embed`: `embeddings` `[batch, patches, units]`, the layer before the classifier

    Scores are those of the Keras model: NaN where a waveform is not finite. The names of the
    classes, in the order of the scores, are the asset `assets/labels.txt`, one a line; the front
    end's configuration, its sample rate first of all, is `assets/frontend.json`.

    TensorFlow Serving looks for versions as folders below the model's: export to `sounds/1`, start
    it with `--model_name=sounds --model_base_path=/.../sounds`, and `POST` to
    `/v1/models/sounds:predict`, in the row format or the columnar one:

        {"signature_name": "serving_default", "instances": [{"waveform": [0.0, 0.01, -0.02]}]}
        {"signature_name": "timeline", "inputs": {"waveform": [[0.0, 0.01, -0.02]]}}

    Waveforms of one request must be equally long. The answer to the first is
    `{"predictions": [[...]]}`, a row of scores for each instance, to the second `{"outputs":
    {"scores": [[[...]]], "start_seconds": [[0.0]]}}`.

    Args:
        classifier: an `AudioClassifier`.
        path: the folder. It appears complete or not at all; folders above it are made.
        overwrite: replace the SavedModel that is there.

    Raises:
        FileExistsError: the path exists, and `overwrite` is not set or it is not a SavedModel.
        OSError: the folder cannot be written.
        ValueError: `classifier` is not an `AudioClassifier`, or a label spans lines.

    Example:

    >>> import tempfile, tensorflow as tf, zoo
    >>> clf = zoo.AudioClassifier("fully_connected", labels=["Cat", "Dog"], width=0.1)
    >>> folder = tempfile.mkdtemp() + "/sounds/1"
    >>> export_saved_model(clf, folder)
    >>> model = tf.saved_model.load(folder)
    >>> model.signatures["serving_default"](waveform=tf.zeros([1, 16000]))["scores"].shape
    TensorShape([1, 2])
    """
    check_classifier(classifier)
    with (
        replace_folder(path, "SavedModel", "saved_model.pb", overwrite=overwrite) as folder,
        tempfile.TemporaryDirectory() as scratch,
    ):
        labels = Path(scratch, LABELS)
        labels.write_text(_lines(classifier.labels), encoding="utf-8")
        frontend = Path(scratch, FRONTEND)
        frontend.write_text(json.dumps(classifier.frontend.to_dict(), indent=1) + "\n")
        module = _serving(classifier, labels, frontend)
        save_module(
            module,
            folder,
            {
                "serving_default": module.score,
                "timeline": module.timeline,
                "embed": module.embed,
            },
        )


def save_module(module, folder, signatures):
    """As `tf.saved_model.save`; OSError if the folder cannot be written."""
    try:
        tf.saved_model.save(module, folder, signatures=signatures)
    except tf.errors.OpError as error:
        raise OSError(f"{folder} cannot be written: {error.message}") from None


def check_classifier(classifier: object) -> None:
    """Raises ValueError unless `classifier` is an `AudioClassifier`."""
    if not isinstance(classifier, AudioClassifier):
        raise ValueError(
            "Only an AudioClassifier can be exported: it knows its front end and labels. "
            f"Received: {type(classifier).__name__}"
        )


def _lines(labels):
    for label in labels:
        if label.name.splitlines() != [label.name]:
            raise ValueError(f"Labels are written one a line. Received: {label.name!r}")
    return "".join(f"{label.name}\n" for label in labels)


def _serving(classifier, labels, frontend):
    """A module of the three functions, the variables that they read, and the two files."""
    patches = classifier.get_layer("patches").output
    score_patches = keras.Model(classifier.input, classifier.get_layer("patch_scores").output)
    split_patches = keras.Model(classifier.input, patches)
    network = classifier.network
    embedding = classifier.backbone
    hop_seconds = classifier.frontend.patch_hop_samples / classifier.frontend.sample_rate
    on_waveforms = tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.float32, name="waveform")]
    )

    def score(waveform):
        return {"scores": classifier(waveform, training=False)}

    def timeline(waveform):
        scores = score_patches(waveform, training=False)
        shape = tf.shape(scores)
        starts = tf.range(shape[1], dtype=tf.float32) * hop_seconds
        return {"scores": scores, "start_seconds": tf.tile(starts[tf.newaxis], [shape[0], 1])}

    def embed(waveform):
        patches = split_patches(waveform)
        shape = tf.shape(patches)
        patches = tf.reshape(patches, [-1, shape[2], patches.shape[3]])
        embeddings = embedding(patches, training=False)
        embeddings = tf.reshape(embeddings, [shape[0], shape[1], embeddings.shape[-1]])
        return {"embeddings": tf.cast(embeddings, tf.float32)}

    module = tf.Module()
    module.network_variables = [variable.value for variable in network.variables]
    module.labels = tf.saved_model.Asset(str(labels))
    module.frontend = tf.saved_model.Asset(str(frontend))
    module.score = on_waveforms(score)
    module.timeline = on_waveforms(timeline)
    module.embed = on_waveforms(embed)
    return module
