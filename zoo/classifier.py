"""A classifier of raw sound: front end, network and labels in one Keras model."""

import functools

import keras
import tensorflow as tf
from keras import ops

from frontend import FrontendConfig, LogMelSpectrogram, SplitPatches
from zoo import presets
from zoo.labels import as_labels
from zoo.listener import Listener
from zoo.networks import ARCHITECTURES
from zoo.networks.common import PATCH_SHAPE


@keras.saving.register_keras_serializable(package="soundzoo")
class AudioClassifier(Listener, keras.Model):
    """Raw sound in, a score for each label out.

    A functional Keras model: log-mel layer, patches of 0.96 s, one of the paper's networks on
    every patch, mean of the patches' scores. All of `keras.Model` works: `compile`, `fit`,
    `predict`, `save`.

    Args:
        architecture: a name from `zoo.list_models()`.
        labels: names, or (name, AudioSet mid) pairs, in the order of the scores.
        width: scales the network's units; 1.0 is the paper's network.
        bottleneck: units of a linear layer before the classifier, or None.
        frontend: a `FrontendConfig`; the paper's by default. Patches must stay 96 x 64.
        name: the model's name.

    Call arguments:
        waveform: float32 `[batch, samples]`, mono, in -1..1, at `frontend.sample_rate` (16 kHz).
            Any number of samples. Waveforms of one batch count as equally long: padding is heard
            as silence. `classify`, `timeline` and `embed` take one sound of any length.

    Returns:
        float32 `[batch, classes]`, the mean of the patches' scores. NaN for a waveform that is
        not finite.

    Raises:
        ValueError: an unknown architecture, labels that are empty or not distinct, a width or
            bottleneck out of range, a front end with other patches.

    Example:

    >>> import numpy as np
    >>> clf = AudioClassifier("resnet50", labels=["Cat", "Dog"], width=0.25)
    >>> clf.predict(np.zeros((1, 16000), "float32"), verbose=0).shape
    (1, 2)
    """

    def __init__(
        self,
        architecture,
        labels,
        *,
        width=1.0,
        bottleneck=None,
        frontend=None,
        name="audio_classifier",
    ):
        labels = as_labels(labels)
        frontend = FrontendConfig() if frontend is None else frontend
        if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
            raise ValueError(
                f"There is no architecture {architecture!r}; there are {', '.join(ARCHITECTURES)}."
            )
        if not isinstance(frontend, FrontendConfig):
            raise ValueError(f"frontend must be a FrontendConfig. Received: {frontend!r}")
        if (frontend.patch_frames, frontend.mel_bins) != PATCH_SHAPE:
            raise ValueError(
                f"The networks read patches of {PATCH_SHAPE[0]} frames x {PATCH_SHAPE[1]} mel "
                f"bins. Received a front end of {frontend.patch_frames} x {frontend.mel_bins}."
            )

        # === Functional model ===
        network = ARCHITECTURES[architecture](
            classes=len(labels), width=width, bottleneck=bottleneck
        )
        waveform = keras.Input((None,), dtype="float32", name="waveform")
        patches = SplitPatches(frontend.patch_frames)(LogMelSpectrogram(frontend)(waveform))
        patch_scores = ScorePatches(network)(patches)
        scores = keras.layers.GlobalAveragePooling1D(name="clip_scores", dtype="float32")(
            patch_scores
        )
        super().__init__(inputs=waveform, outputs=scores, name=name)

        # === Config ===
        self.architecture = architecture
        self.labels = labels
        self.width = width
        self.bottleneck = bottleneck
        self.frontend = frontend

    @property
    def network(self):
        """The network: log-mel patches `[batch, 96, 64]` -> scores `[batch, classes]`."""
        return self.get_layer("patch_scores").network

    def embed(self, audio, *, sample_rate=None):
        """Embeds each patch of 0.96 s of a recording; arguments and errors as `classify`.

        Returns:
            float32 `[patches, units]`, the network's layer before the classifier.
        """
        return self._listen(self._embed_patches, audio, sample_rate)

    def save_to_preset(self, path, *, weights_dtype="float32", overwrite=False):
        """Writes the classifier as a preset folder, which `from_preset` loads.

        Args:
            path: the folder. It appears complete or not at all.
            weights_dtype: "float32" keeps the weights bit for bit; "float16" halves the folder
                by rounding the kernels.
            overwrite: replace the preset that is there.

        Raises:
            FileExistsError: the folder exists, and `overwrite` is not set or it is not a preset.
            ValueError: `weights_dtype` is neither of the two.
        """
        presets.save(self, path, weights_dtype=weights_dtype, overwrite=overwrite)

    @classmethod
    def from_preset(cls, preset, *, sha256=None):
        """Loads a classifier with its trained weights.

        Args:
            preset: a name from `zoo.list_presets()`, the path of a preset folder, or the URL of
                a zip or tar archive of one.
            sha256: of the archive, in hex; a URL needs it.

        Raises:
            ValueError: there is no such preset, it is incomplete, or a checksum differs.
        """
        folder = presets.find(preset, sha256=sha256)
        config = presets.read_config(folder)
        try:
            classifier = cls.from_config(config["classifier"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"{folder / presets.CONFIG} does not describe a classifier: {error}"
            raise ValueError(message) from None
        presets.load_weights(classifier.network, folder, config)
        return classifier

    def get_config(self):
        return {
            "architecture": self.architecture,
            "labels": [list(label) for label in self.labels],
            "width": self.width,
            "bottleneck": self.bottleneck,
            "frontend": self.frontend.to_dict(),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**{**config, "frontend": FrontendConfig.from_dict(config["frontend"])})

    # Compiled once for any number of patches. They read the layers' variables, so what `fit` or
    # `load_weights` changes later is seen. Cached outside Keras' attribute tracking.

    @functools.cached_property
    def score_patches(self):
        """Compiled function: waveforms of patches, of one sound or of many, to their scores.

        float32 `[patches, frontend.patch_samples]` -> float32 tensor `[patches, classes]`. What
        `frontend.waveform_patches` yields fits. It does not check that the waveforms are finite.
        """
        return self._compile_on_patches(self.network)

    @functools.cached_property
    def _embed_patches(self):
        embedding = self.network.get_layer("logits").input
        return self._compile_on_patches(keras.Model(self.network.input, embedding))

    def _compile_on_patches(self, network):
        log_mel = LogMelSpectrogram(self.frontend)

        @tf.function(
            input_signature=[tf.TensorSpec([None, self.frontend.patch_samples], tf.float32)]
        )
        def run(waveforms):
            return tf.cast(network(log_mel(waveforms), training=False), tf.float32)

        return run


@keras.saving.register_keras_serializable(package="soundzoo")
class ScorePatches(keras.layers.Layer):
    """Applies a network to every patch: `[batch, patches, 96, 64]` -> `[batch, patches, classes]`.

    Scores of a patch that is not finite are NaN: activations and pools drop NaN, and the network
    would give plausible scores.

    Args:
        network: `keras.Model` of log-mel patches `[batch, 96, 64]` -> `[batch, classes]`.
    """

    def __init__(self, network, *, name="patch_scores", **kwargs):
        # Scores are float32; the network's own layers follow the dtype policy.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.network = network

    def call(self, patches, training=None):
        batch, count, frames, bins = ops.shape(patches)
        scores = self.network(ops.reshape(patches, (-1, frames, bins)), training=training)
        scores = ops.reshape(scores, (batch, count, self.network.output_shape[-1]))
        total = ops.sum(patches, axis=(2, 3))
        finite = ops.expand_dims(ops.abs(total) < float("inf"), -1)  # false for NaN, too
        return ops.where(finite, scores, float("nan"))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.network.output_shape[-1])

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network}

    @classmethod
    def from_config(cls, config):
        network = keras.saving.deserialize_keras_object(config["network"])
        return cls(**{**config, "network": network})
