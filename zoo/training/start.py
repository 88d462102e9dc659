"""What a run starts from: a preset, or a network of random weights."""

import dataclasses

from frontend.config import FrontendConfig
from zoo import head, presets
from zoo.architecture import find_architecture
from zoo.classifier import AudioClassifier

_MODEL = "resnet50"
"""The paper's best, where neither the options nor a preset name a network."""

_LOGARITHM = ("power", "log", "norm_mean", "norm_std")
"""Fields of a front end that say what its numbers are."""


def start(config, data, name, strategy):
    """Builds the classifier that a run begins with.

    Args:
        config: a `TrainConfig`.
        data: the `PreparedData` to train on.
        name: of the classifier.
        strategy: the `tf.distribute.Strategy` whose variables the weights are.

    Returns:
        The options with what the preset of `init`, or else the paper, says of the network, an
        `AudioClassifier`, and the `FrontendConfig` of the patches that it trains on: where it hears
        sounds whole, they are as long as the longest at most.

    Raises:
        ValueError: there is no such preset, or the options or the data do not fit it.
    """
    initial = AudioClassifier.from_preset(config.init) if config.init else None
    config = _complete(config, initial)
    with strategy.scope():
        classifier = _build(config, data.labels, initial, name)
    data.check_heard_at(classifier.frontend.sample_rate)
    longest = data.samples[data.select(config.train_split)].max()
    frontend = classifier.frontend.in_patches(int(longest))
    _check_augmentation(config, frontend)
    return config, classifier, frontend


def frontend_of(config):
    """The `FrontendConfig` of the network that `start` would build, without building it."""
    if config.init is None:
        return find_architecture(config.model or _MODEL).frontend
    preset = presets.read_config(presets.find(config.init))
    return FrontendConfig.from_dict(preset["classifier"]["frontend"])


def _complete(config, initial):
    """The options with what the preset of `init`, or else the paper, says of the network."""
    sources = {
        "model": initial.architecture if initial else _MODEL,
        "width": initial.width if initial else 1.0,
        "bottleneck": initial.bottleneck if initial else None,
    }
    for name, value in sources.items():
        wanted = getattr(config, name)
        if initial and wanted not in (None, value):
            raise ValueError(
                f"The preset {config.init} has {name} {value}, so it cannot start a network "
                f"of {name} {wanted}. Leave {name} out."
            )
        if wanted is None:
            config = dataclasses.replace(config, **{name: value})
    return config


def _build(config, labels, initial, name):
    classifier = AudioClassifier(
        config.model,
        labels,
        width=config.width,
        bottleneck=config.bottleneck,
        frontend=initial.frontend if initial else None,
        credit=initial.credit if initial else "",
        name=name or None,
    )
    if initial:
        names = [[label.name for label in each.labels] for each in (initial, classifier)]
        if names[0] == names[1]:
            classifier.network.set_weights(initial.network.get_weights())
        else:
            head.copy_body(initial.network, classifier.network)
    if config.freeze:
        classifier.freeze_body()
    if config.freeze_norm:
        head.freeze_norm(classifier.network)
    return classifier


def _check_augmentation(config, frontend):
    paper = FrontendConfig()
    usual = all(getattr(frontend, name) == getattr(paper, name) for name in _LOGARITHM)
    if config.equalizer_db and not usual:
        raise ValueError(
            "equalizer_db is for natural logarithms of magnitudes, which the network does not "
            f"hear. Received: {config.equalizer_db}; set it to 0."
        )
    for option, size, what in (
        ("mask_frames", frontend.patch_frames, "frames"),
        ("mask_bins", frontend.mel_bins, "mel bins"),
    ):
        if getattr(config, option) > size:
            raise ValueError(
                f"{option} must be at most the {size} {what} of the network's patches. "
                f"Received: {getattr(config, option)}"
            )
