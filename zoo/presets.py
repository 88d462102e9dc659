"""Presets: folders of a trained classifier's configuration, weights and papers.

`config.json` holds what `AudioClassifier.preset_config` gives, the checksum of the weights and its
own, `README.md` the model card, and `metrics.json`, where the preset was evaluated, the figures.
"""

import contextlib
import json
import math
import os
from pathlib import Path

from frontend.types import StrPath
from zoo.errors import nearest, one_line
from zoo.files import as_sha256, check_replaceable, replace_folder, scratch_folder, sha256
from zoo.json_text import parse_object
from zoo.labels import as_labels
from zoo.seal import SEAL, check_seal, sealed
from zoo.unpack import unpack
from zoo.weights import at_most, check_weights, count_numbers

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
CARD = "README.md"
METRICS = "metrics.json"

RUN_PRESET = "preset"
"""The preset within the folder of a training run."""

_BUNDLED = Path(__file__).parent / "pretrained"
_FORMAT = 1
_HUBS = ("hf://", "kaggle://")
_OVERHEAD = 4096
"""Bytes, more than HDF5 takes for each of a network's variables (tried on the architectures)."""
_BLOCK = 1 << 20
_WORTH_COMPRESSING = 10_000
"""Numbers above which compression saves more than HDF5's chunks cost (tried on the presets)."""


def list_presets(folder: StrPath | None = None) -> list[str]:
    """What `AudioClassifier.from_preset` takes, sorted: names of presets in the package.

    Args:
        folder: of other presets; their paths are listed instead, none where there are none.
    """
    if folder is None:
        return sorted(config.parent.name for config in _BUNDLED.glob(f"*/{CONFIG}"))
    # pathlib would leave "./" out, and a bare name is one of the package.
    return sorted(
        os.path.join(folder, config.parent.name) for config in Path(folder).glob(f"*/{CONFIG}")
    )


def describe(preset):
    """What `soundzoo list` says of a preset: a dict of its size, labels and figures.

    Raises:
        ValueError: its configuration or figures are damaged.
        OSError: it has no weights, or something cannot be read.
    """
    folder = find(preset)
    config = read_config(folder)["classifier"]
    for key, kinds in (("architecture", str), ("width", (int, float)), ("labels", list)):
        if not isinstance(config.get(key), kinds):
            raise ValueError(
                f"{folder / CONFIG} does not describe a classifier: its {key} is "
                f"{config.get(key)!r:.80}."
            )
    return {
        "name": preset,
        "architecture": config["architecture"],
        "width": config["width"],
        "labels": len(config["labels"]),
        "bytes": Path(folder, WEIGHTS).stat().st_size,
        "metrics": {
            name: value
            for name, value in read_metrics(folder).items()
            if isinstance(value, (int, float)) and math.isfinite(value)
        },
    }


def labels(preset):
    """The labels that a preset knows: a list of `Label`; ValueError if its configuration is none.

    Args:
        preset: as `find` takes it.
    """
    folder = find(preset)
    try:
        return as_labels(read_config(folder)["classifier"]["labels"])
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{folder / CONFIG} does not describe a classifier: {error}.") from None


def find(preset, *, sha256=None):
    """The folder of a preset.

    Args:
        preset: a bundled preset's name, the path of its folder or of a training run's, the URI
            of one on a hub (`zoo.hubs`), or the URL of a zip, tar or tar.gz archive of one, which
            may end in `#sha256=...`.
        sha256: of the archive, in hex; a URL needs it. Of all others, that of the weights.

    Returns:
        `pathlib.Path` of a folder that holds a `config.json`.

    Raises:
        ValueError: there is none, `sha256` is none or not the archive's, or the archive is not one
            of a preset's plain files.
        OSError: it could not be downloaded.
        ImportError: the hub's package is not installed.
    """
    if not isinstance(preset, (str, os.PathLike)) or not str(preset):
        raise ValueError(f"A preset is a name, a folder or a URL. Received: {preset!r}")
    if "://" in str(preset) and not str(preset).startswith(_HUBS):
        return _download(str(preset), sha256)
    folder = _find_folder(preset)
    if sha256 is not None:
        found = read_config(folder)["weights_sha256"]
        if found != as_sha256(sha256):
            raise ValueError(f"The weights of {preset} have the SHA-256 {found}, and not {sha256}.")
    return folder


def _find_folder(preset):
    """The folder of a preset that has no URL."""
    if str(preset).startswith(_HUBS):
        from zoo import hubs  # here, because it imports this

        return hubs.download(str(preset))
    if str(preset) in list_presets():
        return _BUNDLED / preset
    folder = Path(preset)
    for candidate in (folder, folder / RUN_PRESET):
        if (candidate / CONFIG).is_file():
            return candidate
    if folder.is_dir():
        raise ValueError(f"The folder {preset} is not a preset: it has no {CONFIG}.")
    if folder.is_file():
        raise ValueError(
            f"{preset} is a file, and a preset is a folder. Exported models, whose names end in "
            ".tflite, are for soundzoo classify, embed and events, and for TFLiteClassifier."
        )
    names = list_presets()
    near = nearest(str(preset), names)
    raise ValueError(
        f"There is no preset {str(preset)!r}: it is neither a folder nor one of "
        f"{', '.join(names) or 'the package (which has none)'}"
        + (f"; the nearest is {near!r}." if near else ".")
    )


def read_config(folder):
    """The content of a preset's `config.json`, a dict; ValueError if it is not one."""
    path = Path(folder, CONFIG)
    try:
        config = parse_object(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a preset's configuration: {error}.") from None
    version = config.get("format")
    if version is None:
        raise ValueError(f"{path} is not a preset's configuration: it names no format.")
    if version != _FORMAT:
        raise ValueError(
            f"{path} has format {version!r:.80}; this version of soundzoo reads format {_FORMAT}."
        )
    for key, kind in (("classifier", dict), ("weights_sha256", str)):
        if not isinstance(config.get(key), kind):
            raise ValueError(f"{path} is not a preset's configuration: it has no {key}.")
    try:
        check_seal(config, {"format", "classifier", "weights_sha256"})
    except ValueError as error:
        raise ValueError(
            f"{path} {error}. Get the preset again; if the change is meant, take {SEAL!r} out."
        ) from None
    try:
        return {**config, "weights_sha256": as_sha256(config["weights_sha256"])}
    except ValueError as error:
        raise ValueError(f"{path} is not a preset's configuration: {error}") from None


def read_metrics(folder):
    """The content of a preset's `metrics.json`, a dict; an empty one if it was not evaluated.

    Raises:
        ValueError: it is no JSON object.
    """
    path = Path(folder, METRICS)
    if not path.is_file():
        return {}
    try:
        return parse_object(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} does not hold a preset's figures: {error}.") from None


def checked_weights(folder, config):
    """The path of a preset's weights, which are there and as they were saved.

    Raises:
        ValueError: the weights are missing, or not those that the preset was saved with.
    """
    path = Path(folder, WEIGHTS)
    if not path.is_file():
        raise ValueError(f"The preset {folder} is incomplete: it has no {WEIGHTS}.")
    checksum = sha256(path)
    if checksum != config["weights_sha256"]:
        raise ValueError(
            f"{path} is damaged or was changed: its SHA-256 is {checksum}, and {CONFIG} says "
            f"{config['weights_sha256']}. Get the preset again."
        )
    return path


@contextlib.contextmanager
def no_more_weights_than(path):
    """Refuses to build a network for which `path`, a preset's weights, holds too few numbers.

    Raises:
        ValueError: the weights are no HDF5 file; or, as the network is built, it has more.
    """
    try:
        numbers = count_numbers(path)
    except ValueError as error:
        raise ValueError(f"{path} {error}.") from None
    with at_most(numbers):
        yield


def load_weights(network, path):
    """Loads a preset's weights, whose path `checked_weights` gave, into a network.

    Raises:
        ValueError: the weights are not what the network needs; then nothing is loaded.
    """
    try:
        check_weights(path, network)
    except ValueError as error:
        raise ValueError(f"{path} {error}.") from None
    try:
        network.load_weights(path)
    except ValueError:
        raise ValueError(f"{path} holds weights of another network than {CONFIG} says.") from None


def save(classifier, path, *, weights_dtype="float32", overwrite=False):
    """Writes a preset; see `AudioClassifier.save_to_preset`."""
    if weights_dtype not in ("float32", "float16"):
        raise ValueError(
            f"weights_dtype must be 'float32' or 'float16'. Received: {weights_dtype!r}"
        )
    with replace_folder(path, "preset", CONFIG, overwrite=overwrite) as folder:
        _check_room(folder / WEIGHTS, classifier.network, path)
        classifier.network.save_weights(folder / WEIGHTS)
        if weights_dtype == "float16":
            _round_kernels(folder / WEIGHTS)
        config = sealed(
            {
                "format": _FORMAT,
                "classifier": classifier.preset_config(),
                "weights_sha256": sha256(folder / WEIGHTS),
            }
        )
        text = json.dumps(config, indent=1, ensure_ascii=False) + "\n"
        card = _card(classifier, _title(Path(path).resolve()))
        # A class may be called as a folder is, whose name need not be text; JSON knows the escape.
        (folder / CONFIG).write_text(text, encoding="utf-8", errors="backslashreplace")
        (folder / CARD).write_text(card, encoding="utf-8", errors="backslashreplace")


def check_place(path):
    """Raises FileExistsError where `save` would not even overwrite, before the work is done."""
    check_replaceable(Path(path).resolve(), "preset", CONFIG, overwrite=True)


def _check_room(path, network, preset):
    """Raises OSError where there is no room for the weights, in float32 and in float16.

    HDF5 would notice as it writes, and take the process with it when that ends.
    """
    room = sum(6 * math.prod(weight.shape) + _OVERHEAD for weight in network.weights)
    try:
        with open(path, "wb") as file:
            for start in range(0, room, _BLOCK):
                file.write(bytes(min(_BLOCK, room - start)))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(preset)) from None


def _title(path):
    """What a preset is called, of a run or not."""
    return path.parent.name if path.name == RUN_PRESET else path.name


def _card(classifier, name):
    credit = classifier.credit
    labels = "\n".join(f"* {label.name}" for label in classifier.labels)
    return (
        f"# {name}\n\n"
        f"A soundzoo preset: `{classifier.architecture}` at width {classifier.width:g}, "
        f"{classifier.network.count_params():,} parameters.\n\n"
        "```python\n"
        "import zoo\n\n"
        f'clf = zoo.AudioClassifier.from_preset("{name}")\n'
        "```\n\n"
        + (f"The weights are, or were trained from, those of {credit}\n\n" if credit else "")
        + f"It tells {len(classifier.labels)} labels apart:\n\n{labels}\n"
    )


def _download(url, sha256):
    import keras  # here and below, because what lists presets needs none of these

    url, _, named = url.partition("#sha256=")
    if not (sha256 or named):
        raise ValueError(
            f"A preset from a URL needs sha256=, its checksum, here or as {url}#sha256=..."
        )
    sha256 = as_sha256(sha256 or named)
    try:
        # It could unpack, too, but releases of Keras differ in what paths and links they follow.
        archive = keras.utils.get_file(
            "archive",
            url,
            file_hash=sha256,
            hash_algorithm="sha256",
            cache_subdir=f"soundzoo/{sha256}",
        )
    except ValueError as error:
        raise ValueError(f"{url} does not have the SHA-256 {sha256}: {error}") from None
    except Exception as error:  # what Keras raises when a download fails is no narrower
        raise OSError(f"{url} could not be downloaded: {one_line(error)}") from None
    folder = Path(archive).with_name("preset")
    if not folder.is_dir():
        _unpack(archive, folder, url)
    return folder


def _unpack(archive, folder, url):
    """Puts the one preset in an archive at `folder`."""
    with (
        scratch_folder(folder.parent, ".archive-") as scratch,
        # Another process may have been as fast.
        replace_folder(folder, "preset", CONFIG, overwrite=True) as preset,
    ):
        everything = scratch / "everything"
        everything.mkdir()
        try:
            unpack(archive, everything)
        except ValueError as error:
            raise ValueError(f"{url} is not unpacked: it {error}.") from None
        configs = sorted(everything.glob(f"**/{CONFIG}"))
        if len(configs) != 1:
            raise ValueError(f"{url} must hold one preset; it has {len(configs)} {CONFIG} files.")
        os.replace(configs[0].parent, preset)


def _round_kernels(path):
    """Stores kernels in float16. What batch norm holds is small, and needs float32's range."""
    import h5py
    import numpy as np

    rounded = path.with_suffix(".rounded")
    with h5py.File(path) as source, h5py.File(rounded, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                values = item[()]
                how = {}
                if values.ndim > 1:
                    values = values.astype(np.float16)
                if values.size > _WORTH_COMPRESSING:
                    how = {"compression": "gzip", "shuffle": True}
                target.create_dataset(name, data=values, **how)
            else:
                target.require_group(name)
            target[name].attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    os.replace(rounded, path)
