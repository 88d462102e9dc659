"""A network is a body, which ends in the layer `embedding`, and a head, which scores classes.

The names of these layers stand here alone.
"""

from zoo import layers

EMBEDDING, LOGITS, SCORES = "embedding", "logits", "scores"

_OF_TRAINING = {"trainable", "dtype"}


def add_head(x, classes, activation="sigmoid"):
    """Ends a network: names its embedding `[batch, units]` and scores classes.

    Args:
        x: what the body gives.
        classes: number of scores; None leaves the head away.
        activation: of the scores; None gives logits.

    Returns:
        scores, float32 `[batch, classes]`, or the embedding.
    """
    x = layers.Identity(name=EMBEDDING)(x)
    if classes is None:
        return x
    # float32 under every dtype policy: half precision rounds scores to coarse steps.
    x = layers.Dense(classes, name=LOGITS, dtype="float32")(x)
    return layers.Activation(activation, name=SCORES, dtype="float32")(x)


def backbone(network):
    """The body as a model: patches `[batch, frames, mel_bins]` -> embeddings `[batch, units]`."""
    return _up_to(network, EMBEDDING)


def logits(network):
    """The network as a model that ends before the activation: patches -> `[batch, classes]`."""
    return _up_to(network, LOGITS)


def classifier(network):
    """What follows the body, before the activation, as a model: embeddings -> logits."""
    import keras

    embedding, logits = (network.get_layer(name).output for name in (EMBEDDING, LOGITS))
    return keras.Model(embedding, logits)


def scores(network):
    """The layer that turns logits into scores."""
    return network.get_layer(SCORES)


def head(network):
    """The layer of the head that has weights: embeddings -> logits."""
    return network.get_layer(LOGITS)


def copy_body(source, target):
    """Gives a network the weights of another of the same body."""
    backbone(target).set_weights(backbone(source).get_weights())


def freeze_body(network):
    """Lets training change the head alone; frozen batch norm keeps its statistics, too."""
    for layer in network.layers:
        if layer.weights:
            layer.trainable = layer.name == LOGITS


def freeze_norm(network):
    """Batch norm keeps its weights and statistics in training, and works as in inference.

    Statistics of few recordings are none of sounds to come: they unlearn what the body knew.
    """
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def description(network):
    """What the layers of a network compute, to be compared: a list of names and texts.

    Weights are not part of it, nor what training alone asks for: which layers are trainable, and
    in which precision they compute.
    """
    described = []
    for layer in network.layers:
        config = {
            key: value for key, value in layer.get_config().items() if key not in _OF_TRAINING
        }
        quantized = getattr(layer, "quantization_mode", None)
        described.append((type(layer).__name__, repr(config), quantized))
    return described


def nan_where_not_finite(scores, sounds):
    """Scores `[batch, classes]`, but NaN where a sound `[batch, ...]`, or patch, is not finite.

    Activations and pools drop NaN, and a network would give plausible scores.
    """
    import tensorflow as tf

    total = tf.reduce_sum(sounds, list(range(1, len(sounds.shape))))
    finite = tf.expand_dims(tf.abs(total) < float("inf"), 1)  # false for NaN, too
    return tf.where(finite, scores, float("nan"))


def _up_to(network, name):
    import keras

    return keras.Model(network.input, network.get_layer(name).output)
