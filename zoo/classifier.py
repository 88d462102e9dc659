"""A classifier of raw sound: front end, network and labels in one Keras model."""

import functools
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, Self

import keras
import tensorflow as tf
from keras import ops

from frontend import FrontendConfig, LogMelSpectrogram, log_mel_patches
from frontend.audio import check_floating
from frontend.types import StrPath
from zoo import head, presets
from zoo.architecture import find_architecture
from zoo.calibration import Calibration
from zoo.errors import one_line
from zoo.labels import as_labels
from zoo.listener import Listener


@keras.saving.register_keras_serializable(package="soundzoo")
class AudioClassifier(Listener, keras.Model):
    """Raw sound in, a score for each label out.

    A functional Keras model: log-mel layer, patches of 0.96 s, one of the zoo's networks on every
    patch, mean of the patches' scores. All of `keras.Model` works: `compile`, `fit`, `predict`,
    `save`, which keeps the network as it is, frozen or changed layers and all.

    Args:
        architecture: a name from `zoo.list_models()`.
        labels: names, or (name, AudioSet mid) pairs, in the order of the scores.
        width: scales the network's units; 1.0 is the published network.
        bottleneck: units of a linear layer before the classifier, or None.
        frontend: a `FrontendConfig`; by default the one that the architecture wants. Networks that
            end in a global pool take patches of other shapes.
        network: use this network instead of building one, as a `.keras` file holds it.
        calibration: a `zoo.Calibration`, which presets and `.keras` files keep. It is used where
            `calibrated` is set to True, in all that says what recordings hold; `predict` and
            exported files give scores.
        credit: whose weights these are, or were trained from, and under which licence: presets,
            their cards and `.keras` files keep it.
        name: the model's name. TensorFlow's scopes take its name: what these cannot be called
            becomes `_`.

    Call arguments:
        waveform: float32 `[batch, samples]`, mono, in -1..1, at `frontend.sample_rate` (16 kHz).
            Any number of samples. Waveforms of one batch count as equally long: padding is heard
            as silence. `classify`, `timeline` and `embed` take one sound of any length.

    Returns:
        float32 `[batch, classes]`, the mean of the patches' scores. NaN for a waveform that is
        not finite.

    Raises:
        ValueError: an unknown architecture, labels that are empty or not distinct, a width or
            bottleneck out of range, a front end whose patches the network does not take.
        MemoryError: there is not enough for a network of these sizes.

    Example:

    >>> import numpy as np
    >>> clf = AudioClassifier("resnet50", labels=["Cat", "Dog"], width=0.25)
    >>> clf.predict(np.zeros((1, 16000), "float32"), verbose=0).shape
    (1, 2)
    """

    def __init__(
        self,
        architecture: str,
        labels: Iterable[str | tuple[str, str | None]],
        *,
        width: float = 1.0,
        bottleneck: int | None = None,
        frontend: FrontendConfig | None = None,
        network: keras.Model | None = None,
        calibration: Calibration | None = None,
        credit: str = "",
        name: str | None = "audio_classifier",
    ) -> None:
        _check_process()
        labels = as_labels(labels)
        known = find_architecture(architecture)
        frontend = known.frontend if frontend is None else frontend
        if not isinstance(frontend, FrontendConfig):
            raise ValueError(f"frontend must be a FrontendConfig. Received: {frontend!r}")
        if not isinstance(credit, str):
            raise ValueError(f"credit must be a sentence. Received: {credit!r}")

        # === Functional model ===
        built = None
        if network is None:
            network = known.builder(
                classes=len(labels),
                input_shape=frontend.input_shape,
                width=width,
                bottleneck=bottleneck,
            )
            built = head.description(network)
        elif network.output_shape[-1] != len(labels):
            raise ValueError(
                f"A network has one class for each label. Received {len(labels)} labels and a "
                f"network of {network.output_shape[-1]} classes."
            )
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        patches = log_mel_patches(frontend)(waveform)
        patch_scores = ScorePatches(network)(patches)
        scores = MeanOverPatches()(patch_scores, waveform)
        super().__init__(inputs=waveform, outputs=scores, name=name and _scope(name))

        # === Config ===
        self.architecture = architecture
        self.labels = labels
        self.width = width
        self.bottleneck = bottleneck
        self.frontend = frontend
        self.calibration = calibration
        self.credit = credit
        self._built = built

    # Keras casts what it is given to float32; integers would be heard as sound far too loud.

    def __call__(self, waveform: Any, *args: Any, **kwargs: Any) -> Any:
        _check_process()
        _check_samples(waveform)
        return super().__call__(waveform, *args, **kwargs)

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        _check_process()
        _check_samples(x)
        _check_samples(kwargs.get("validation_data"))
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        _check_process()
        _check_samples(x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        _check_process()
        _check_samples(x)
        return super().predict(x, *args, **kwargs)

    def export(self, filepath: StrPath, *args: Any, **kwargs: Any) -> None:
        """Writes the classifier for other runtimes, as `keras.Model.export` does.

        `format="onnx"` needs the extra `soundzoo[onnx]`. Such a file takes `waveform` as a call
        does, of any batch and number of samples, and gives the same scores, but no labels.
        `export.export_tflite` and `export.export_saved_model` have more to give than Keras' own
        "litert" and "tf_saved_model".
        """
        self(tf.zeros([1, self.frontend.patch_samples]))  # Keras exports what was called before
        super().export(filepath, *args, **kwargs)

    @property
    def network(self) -> keras.Model:
        """The network: log-mel patches `[batch, frames, mel_bins]` -> scores `[batch, classes]`."""
        return self.get_layer("patch_scores").network

    @functools.cached_property
    def backbone(self) -> keras.Model:
        """The network without its head: log-mel patches -> embeddings `[batch, units]`.

        A `keras.Model` that has its weights in common with the classifier.
        """
        return head.backbone(self.network)

    def freeze_body(self) -> None:
        """Lets training change the head alone: the embeddings stay as they are."""
        head.freeze_body(self.network)

    def save_to_preset(
        self,
        path: StrPath,
        *,
        weights_dtype: Literal["float32", "float16"] = "float32",
        overwrite: bool = False,
    ) -> None:
        """Writes the classifier as a preset folder, which `from_preset` loads.

        Args:
            path: the folder. It appears complete or not at all.
            weights_dtype: "float32" keeps the weights bit for bit; "float16" halves the folder
                by rounding the kernels.
            overwrite: replace the preset that is there.

        Raises:
            FileExistsError: the folder exists, and `overwrite` is not set or it is not a preset.
            ValueError: `weights_dtype` is neither of the two, or the network is no longer what the
                architecture builds (a changed or quantised layer): `save` keeps such a one.
        """
        if head.description(self.network) != (self._built or self._as_built()):
            raise ValueError(
                "A preset holds the network that its architecture builds; layers of this one were "
                "changed or quantised since. Keep it as a .keras file: classifier.save(...)."
            )
        presets.save(self, path, weights_dtype=weights_dtype, overwrite=overwrite)

    @classmethod
    def from_preset(
        cls,
        preset: StrPath,
        *,
        labels: Iterable[str | tuple[str, str | None]] | None = None,
        sha256: str | None = None,
    ) -> Self:
        """Loads a classifier with its trained weights.

        Args:
            preset: a name from `zoo.list_presets()`, the path of a preset folder, the URL of a zip
                or tar archive of one, or where it is on a hub, with its revision:
                `hf://USER/NAME@COMMIT` or `kaggle://USER/MODEL/FRAMEWORK/VARIATION/VERSION`.
            labels: classes of your own, as `AudioClassifier` takes them: the body keeps its
                weights and gets a new, untrained head. By default those of the preset.
            sha256: of the archive, in hex; a URL needs it, here or as `#sha256=...` at its end. Of
                all others, that of the weights.

        Raises:
            ValueError: there is no such preset, it is incomplete, or a checksum differs.
            OSError: it could not be downloaded.
            ImportError: the package of the hub is not installed.

        Example:

        >>> clf = AudioClassifier.from_preset("resnet50_w025_opensounds", labels=["Mine", "Other"])
        >>> clf.freeze_body()
        >>> len(clf.trainable_weights)  # the head's kernel and bias
        2
        """
        folder = presets.find(preset, sha256=sha256)
        config = presets.read_config(folder)
        weights = presets.checked_weights(folder, config)
        with presets.no_more_weights_than(weights):
            try:
                # A preset's network is always built here: what a stranger's layers run is not
                # known.
                classifier = cls.from_config(config["classifier"] | {"network": None})
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{folder / presets.CONFIG} does not describe a classifier: {one_line(error)}"
                ) from None
        presets.load_weights(classifier.network, weights)
        return classifier if labels is None else classifier.with_labels(labels)

    def with_labels(self, labels: Iterable[str | tuple[str, str | None]]) -> Self:
        """A classifier of other labels: a copy of this one's body, and a new head.

        Raises:
            ValueError: the labels are not usable, or the body is no longer what the architecture
                builds.
        """
        config = {**self.preset_config(), "labels": as_labels(labels), "calibration": None}
        fresh = type(self).from_config(config)
        if head.description(fresh.backbone) != head.description(self.backbone):
            raise ValueError(
                "Other labels stand on the body that the architecture builds; layers of this one "
                "were changed or quantised since."
            )
        head.copy_body(self.network, fresh.network)
        return fresh

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**self.preset_config(), "network": network}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = {**config, "frontend": FrontendConfig.from_dict(config["frontend"])}
        if config.get("network") is not None:
            config["network"] = keras.saving.deserialize_keras_object(
                config["network"], custom_objects=custom_objects
            )
        if config.get("calibration") is not None:
            config["calibration"] = Calibration(config["calibration"])
        return cls(**config)

    def preset_config(self) -> dict[str, Any]:
        """What a preset says of the classifier, as plain JSON types: all but the weights."""
        return {
            "architecture": self.architecture,
            "labels": [list(label) for label in self.labels],
            "width": self.width,
            "bottleneck": self.bottleneck,
            "frontend": self.frontend.to_dict(),
            "name": self.name,
            **({"calibration": self.calibration.to_dict()} if self.calibration else {}),
            **({"credit": self.credit} if self.credit else {}),
        }

    def _as_built(self):
        return type(self).from_config(self.preset_config())._built

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        super().quantize(*args, **kwargs)
        # They would go on with the old kernels.
        for compiled in ("_compiled_network", "_compiled_backbone"):
            self.__dict__.pop(compiled, None)

    @property
    def score_patches(self) -> Callable[..., tf.Tensor]:
        """Compiled function: waveforms of patches, of one sound or of many, to their scores.

        float32 `[patches, frontend.patch_samples]`, or of the length of sounds that are heard
        whole, -> float32 tensor `[patches, classes]`. What `frontend.waveform_patches` yields fits.
        It does not check that the waveforms are finite.
        """
        _check_process()
        return self._compiled_network

    @property
    def _embed_patches(self):
        _check_process()
        return self._compiled_backbone

    # Compiled once for any number of patches. They read the layers' variables, so what `fit` or
    # `load_weights` changes later is seen. Cached outside Keras' attribute tracking.

    @functools.cached_property
    def _compiled_network(self):
        return self._compile_on_patches(self.network)

    @functools.cached_property
    def _compiled_backbone(self):
        return self._compile_on_patches(self.backbone)

    def _compile_on_patches(self, network):
        log_mel = LogMelSpectrogram(self.frontend)

        samples = None if self.frontend.whole_samples else self.frontend.patch_samples

        @tf.function(input_signature=[tf.TensorSpec([None, samples], tf.float32)])
        def run(waveforms):
            return tf.cast(network(log_mel(waveforms), training=False), tf.float32)

        return run


def _scope(name):
    """The name as TensorFlow's scopes can be called; None, Keras' choice, if nothing is left."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).lstrip("_-") or None


_process: int | None = None
"""The process that built a classifier first, and so started TensorFlow's threads."""


def _check_process():
    """Refuses to run in a fork of that process, which lacks the threads and waits for ever."""
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "TensorFlow does not run in a process that was forked from one where a classifier "
            "was loaded. Load it after the fork, in each worker (gunicorn without --preload, "
            'multiprocessing with "spawn"), or use an exported file with export.TFLiteClassifier.'
        )


def _check_samples(sound):
    """Refuses integer samples, and none, of an array, a tensor, a `tf.data.Dataset` or a pair with
    labels, and of a dict of these by the input's name."""
    sample = getattr(sound, "element_spec", sound)
    while isinstance(sample, (list, tuple, dict)) and sample:
        sample = next(iter(sample.values())) if isinstance(sample, dict) else sample[0]
    dtype = type(sample) if isinstance(sample, int) else getattr(sample, "dtype", None)
    if dtype is not None and not keras.backend.is_float_dtype(
        keras.backend.standardize_dtype(dtype)
    ):
        check_floating(keras.backend.standardize_dtype(dtype))
    shape = getattr(sample, "shape", None)
    if shape is not None and len(shape) == 2 and 0 in shape:
        raise ValueError(f"A batch of waveforms holds some. Received one of shape {tuple(shape)}.")


@keras.saving.register_keras_serializable(package="soundzoo")
class ScorePatches(keras.layers.Layer):
    """Applies a network to every patch.

    `[batch, patches, frames, mel_bins]` -> `[batch, patches, classes]`.

    Args:
        network: `keras.Model` of log-mel patches `[batch, frames, mel_bins]` -> `[batch, classes]`.
    """

    def __init__(self, network, *, name="patch_scores", **kwargs):
        # Scores are float32; the network's own layers follow the dtype policy.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.network = network

    def call(self, patches, training=None):
        batch, count, frames, bins = ops.shape(patches)
        patches = ops.reshape(patches, (-1, frames, bins))
        scores = head.nan_where_not_finite(self.network(patches, training=training), patches)
        return ops.reshape(scores, (batch, count, self.network.output_shape[-1]))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.network.output_shape[-1])

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network}

    @classmethod
    def from_config(cls, config):
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})


@keras.saving.register_keras_serializable(package="soundzoo")
class MeanOverPatches(keras.layers.Layer):
    """A sound's scores: `[batch, patches, classes]` and waveforms `[batch, samples]` -> `[batch,
    classes]`.

    NaN where a waveform is not finite, if only in a last piece that makes no patch.
    """

    def __init__(self, *, name="clip_scores", **kwargs):
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})

    def call(self, patch_scores, waveform):
        return head.nan_where_not_finite(ops.mean(patch_scores, axis=1), waveform)

    def compute_output_shape(self, patch_scores_shape, waveform_shape):
        batch, _, classes = patch_scores_shape
        return batch, classes
