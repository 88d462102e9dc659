"""Saving and finding presets; and the presets that the package carries."""

import functools
import hashlib
import http.server
import json
import os
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from zoo import AudioClassifier, presets
from zoo.files import sha256
from zoo.seal import SEAL


def test_round_trip_keeps_the_classifier(small_classifier, small_preset, noise):
    loaded = AudioClassifier.from_preset(small_preset)
    assert loaded.get_config() == small_classifier.get_config()
    for ours, theirs in zip(loaded.get_weights(), small_classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.classify(noise(30000)) == small_classifier.classify(noise(30000))


def test_is_a_folder_of_plain_files(small_preset):
    assert sorted(os.listdir(small_preset)) == ["README.md", "config.json", "model.weights.h5"]
    config = json.loads((small_preset / "config.json").read_text())
    weights = (small_preset / "model.weights.h5").read_bytes()
    assert config["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert config["classifier"]["labels"][0] == ["Dog", "/m/0bt9lr"]


def test_half_precision_rounds_kernels_alone(tmp_path, noise):
    classifier = AudioClassifier("resnet50", ["a", "b"], width=0.1)
    classifier.save_to_preset(tmp_path / "full")
    classifier.save_to_preset(tmp_path / "half", weights_dtype="float16")
    loaded = AudioClassifier.from_preset(tmp_path / "half")
    for half, full in zip(loaded.weights, classifier.weights, strict=True):
        rounded = half.numpy().astype("float16") if half.shape.rank > 1 else full.numpy()
        np.testing.assert_array_equal(half.numpy(), rounded)
        np.testing.assert_allclose(half.numpy(), full.numpy(), rtol=1e-3, atol=1e-6)
    sizes = [(tmp_path / kind / "model.weights.h5").stat().st_size for kind in ("half", "full")]
    assert sizes[0] < 0.75 * sizes[1]
    # As much is held ready for them.
    weights = classifier.network.weights
    assert sum(sizes) < sum(6 * np.prod(each.shape) + presets._OVERHEAD for each in weights)


def test_does_not_replace_a_folder_unasked(small_classifier, small_preset, tmp_path):
    folder = tmp_path / "preset"
    folder.mkdir()
    (folder / "precious.txt").touch()
    with pytest.raises(FileExistsError, match=r"overwrite=True"):
        small_classifier.save_to_preset(folder)
    with pytest.raises(FileExistsError, match="not a preset"):
        small_classifier.save_to_preset(folder, overwrite=True)
    assert os.listdir(folder) == ["precious.txt"]
    (folder / "precious.txt").rename(folder / "config.json")
    small_classifier.save_to_preset(folder, overwrite=True)
    assert AudioClassifier.from_preset(folder).labels == small_classifier.labels
    assert os.listdir(tmp_path) == ["preset"]


def test_whose_weights_they_are_stays_with_what_is_trained_from_them(tmp_path):
    classifier = AudioClassifier.from_preset("yamnet", labels=["Mine", "Other"])
    classifier.save_to_preset(tmp_path / "mine")
    card = (tmp_path / "mine" / "README.md").read_text()
    assert "trained from, those of YAMNet, by M. Plakal" in card
    again = AudioClassifier.from_preset(tmp_path / "mine")
    assert "Apache License 2.0" in again.credit
    with pytest.raises(ValueError, match="credit must be a sentence"):
        AudioClassifier("fully_connected", ["a", "b"], width=0.02, credit=None)


def test_failed_save_leaves_nothing(small_classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "sha256", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        small_classifier.save_to_preset(tmp_path / "preset")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("size", [0, 5000, 60_000, 100_000])
def test_disk_that_is_full_is_an_oserror(small_classifier, tmp_path, dtype, size):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # files do not grow beyond it
    try:
        with pytest.raises(OSError, match="File too large"):
            small_classifier.save_to_preset(tmp_path / "preset", weights_dtype=dtype)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == []


def test_refuses_unknown_dtypes(small_classifier, tmp_path):
    with pytest.raises(ValueError, match=r"'float32' or 'float16'\. Received: 'int8'"):
        small_classifier.save_to_preset(tmp_path / "preset", weights_dtype="int8")


@pytest.fixture
def broken(small_preset, tmp_path):
    """A copy of the preset, for breaking."""
    return shutil.copytree(small_preset, tmp_path / "broken")


def rewrite(preset, **changes):
    """Changes a configuration by hand, as its message says: without the seal."""
    config = json.loads((preset / "config.json").read_text())
    del config[SEAL]
    (preset / "config.json").write_text(json.dumps({**config, **changes}))


def read_classifier(preset):
    return json.loads((preset / "config.json").read_text())["classifier"]


def test_refuses_changed_weights(broken):
    weights = bytearray((broken / "model.weights.h5").read_bytes())
    weights[-1] ^= 1
    (broken / "model.weights.h5").write_bytes(weights)
    with pytest.raises(ValueError, match=r"model\.weights\.h5 is damaged or was changed"):
        AudioClassifier.from_preset(broken)


def test_refuses_a_changed_configuration(broken):
    text = (broken / "config.json").read_text()
    (broken / "config.json").write_text(text.replace("Dog", "Cog"))
    with pytest.raises(
        ValueError, match=r"config\.json is damaged or was changed: .* take 'own_sh"
    ):
        AudioClassifier.from_preset(broken)


def test_checksum_in_the_configuration_may_be_in_capitals(broken, small_classifier):
    rewrite(broken, weights_sha256=sha256(broken / "model.weights.h5").upper())
    assert AudioClassifier.from_preset(broken).labels == small_classifier.labels


def test_weights_of_another_shape_are_refused_before_they_are_read(broken, monkeypatch):
    with h5py.File(broken / "model.weights.h5", "r+") as file:
        file.create_dataset("bomb", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))
    rewrite(broken, weights_sha256=sha256(broken / "model.weights.h5"))
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: pytest.fail("they are read"))
    with pytest.raises(ValueError, match=r"h5 holds weights of another network: \(1048576, 10"):
        AudioClassifier.from_preset(broken)


def test_refuses_missing_weights(broken):
    (broken / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match=r"incomplete: it has no model\.weights\.h5"):
        AudioClassifier.from_preset(broken)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"labels": []}',
        '{"format": 1, "weights_sha256": "0"}',
        '{"format": 1, "classifier": []}',
        '{"format": 1, "classifier": {}}',
        '{"format": 1, "classifier": {}, "weights_sha256": "0"}',
        "[" * 100_000,
    ],
)
def test_refuses_a_broken_configuration(broken, text):
    (broken / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json is not a preset's configuration"):
        AudioClassifier.from_preset(broken)


@pytest.mark.parametrize(
    ("key", "value"), [("labels", 3), ("frontend", None), ("width", "x"), ("colour", "red")]
)
def test_refuses_a_classifier_that_makes_no_sense(broken, key, value):
    rewrite(broken, classifier={**read_classifier(broken), key: value})
    with pytest.raises(ValueError, match=r"config\.json does not describe a classifier"):
        AudioClassifier.from_preset(broken)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("width", 1e4, "its network has more weights than the"),
        ("width", 2e9, "its network has more weights than the"),
        ("bottleneck", 10**400, "bottleneck must be a whole number above 0 and below 2"),
        ("bottleneck", 10**9, "its network has more weights than the"),
        ("labels", list(map(str, range(100_000))), "its network has more weights than the"),
        ("frontend", {"mel_bins": 10**9}, "mel_bins must be at most"),
        ("frontend", {"a\nb": 1}, r"FrontendConfig has no field 'a\\nb'"),
        ("a\nb", 1, "AudioClassifier.* unexpected keyword argument 'a b'"),
    ],
)
def test_refuses_a_network_that_it_has_no_weights_for(broken, key, value, message):
    config = json.loads((broken / "config.json").read_text())
    config.pop("own_sha256", None)
    config["classifier"][key] = value
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf"does not describe a classifier: {message}") as caught:
        AudioClassifier.from_preset(broken)
    assert "\n" not in str(caught.value)


def test_refuses_weights_of_another_network(broken):
    classifier = read_classifier(broken)
    classifier["labels"].append(["One more", None])
    rewrite(broken, classifier=classifier)
    with pytest.raises(ValueError, match="weights of another network"):
        AudioClassifier.from_preset(broken)


@pytest.mark.parametrize("preset", [None, 3, b"x", ""])
def test_refuses_what_names_no_preset(preset):
    with pytest.raises(ValueError, match=r"a name, a folder or a URL\. Received"):
        AudioClassifier.from_preset(preset)


def test_refuses_a_format_of_the_future(broken):
    (broken / "config.json").write_text('{"format": 99}')
    with pytest.raises(ValueError, match=r"has format 99; .* reads format 1"):
        AudioClassifier.from_preset(broken)
    (broken / "config.json").write_text(r'{"format": "a\nb"}')  # in one line
    with pytest.raises(ValueError, match=r"has format 'a\\nb'; .* reads format 1"):
        AudioClassifier.from_preset(broken)


def test_refuses_a_folder_that_is_no_preset(tmp_path):
    with pytest.raises(ValueError, match=r"not a preset: it has no config\.json"):
        AudioClassifier.from_preset(tmp_path)


def test_a_name_may_be_a_path():
    assert presets.find(Path("yamnet")) == presets.find("yamnet")


def test_refuses_a_name_that_is_no_preset():
    with pytest.raises(ValueError, match=r"no preset 'resnet51': .* resnet50_w025_opensounds"):
        AudioClassifier.from_preset("resnet51")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that downloads go to."""
    folder = tmp_path / "cache"
    folder.mkdir()
    # Keras asks for KERAS_HOME once, when it is imported.
    get_file = functools.partial(keras.utils.get_file, cache_dir=str(folder))
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    return folder


@pytest.fixture
def serve(tmp_path):
    """A function of an archive's path: its URL, served on loopback, and its checksum."""
    folder = tmp_path / "www"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *_):
            pass

    def add(archive):
        path = Path(shutil.copy(archive, folder))
        return f"http://127.0.0.1:{httpd.server_port}/{path.name}", sha256(path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield add
        httpd.shutdown()


@pytest.fixture
def served(serve, small_preset, tmp_path, cache):
    """URL and checksum of an archive of the preset."""
    return serve(Path(shutil.make_archive(tmp_path / "small", "zip", small_preset.parent, "small")))


@pytest.mark.parametrize("form", ["zip", "tar", "gztar"])
def test_loads_from_a_url(serve, small_classifier, small_preset, tmp_path, cache, form):
    archive = Path(shutil.make_archive(tmp_path / "small", form, small_preset.parent, "small"))
    url, checksum = serve(archive)
    for given in (checksum, checksum.upper()):
        loaded = AudioClassifier.from_preset(url, sha256=given)
        assert loaded.labels == small_classifier.labels
    # The next time, what is there already is found.
    (folder,) = (cache / "soundzoo").iterdir()
    assert sorted(os.listdir(folder)) == ["archive", "preset"]
    assert sorted(os.listdir(folder / "preset")) == sorted(os.listdir(small_preset))
    (folder / "preset" / "README.md").write_text("read")
    AudioClassifier.from_preset(url, sha256=checksum)
    assert (folder / "preset" / "README.md").read_text() == "read"


def test_archive_may_hold_the_files_themselves(serve, small_preset, tmp_path, cache):
    url, checksum = serve(Path(shutil.make_archive(tmp_path / "files", "zip", small_preset)))
    assert AudioClassifier.from_preset(url, sha256=checksum)


def test_always_checks_what_it_downloads(served):
    url, checksum = served
    assert AudioClassifier.from_preset(f"{url}#sha256={checksum}")
    with pytest.raises(ValueError, match=r"needs sha256=, its checksum, here or as .*zip#sha256="):
        AudioClassifier.from_preset(url)
    with pytest.raises(ValueError, match=rf"{url} does not have the SHA-256 0000"):
        AudioClassifier.from_preset(url, sha256="0" * 64)


@pytest.mark.parametrize("checksum", ["0" * 63, "g" * 64, "0x" + "0" * 62, 64 * b"0", 5])
def test_refuses_what_is_no_checksum(checksum):
    with pytest.raises(ValueError, match=r"A SHA-256 is 64 hexadecimal digits\. Received: "):
        AudioClassifier.from_preset("http://127.0.0.1/small.zip", sha256=checksum)


def test_says_which_download_failed(served):
    url, checksum = served
    with pytest.raises(OSError, match=r"missing\.zip could not be downloaded"):
        AudioClassifier.from_preset(url.replace("small", "missing"), sha256=checksum)


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_archive_that_leads_elsewhere_is_not_unpacked(serve, tmp_path, cache, form):
    archive = tmp_path / f"evil.{form}"
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as writer:
            writer.writestr("../../../evil/config.json", "{}")
    else:
        with tarfile.open(archive, "w") as writer:
            writer.addfile(tarfile.TarInfo("../../../evil/config.json"))
    url, checksum = serve(archive)
    with pytest.raises(ValueError, match=rf"{url} is not unpacked: it holds a path that leads out"):
        AudioClassifier.from_preset(url, sha256=checksum)
    (folder,) = (cache / "soundzoo").iterdir()
    assert os.listdir(folder) == ["archive"]
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("names", [[], ["a/config.json", "b/config.json"]])
def test_archive_must_hold_one_preset(serve, tmp_path, cache, names):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as writer:
        for name in ["README.md", *names]:
            writer.writestr(name, "{}")
    url, checksum = serve(tmp_path / "x.zip")
    with pytest.raises(ValueError, match=rf"must hold one preset; it has {len(names)} config.json"):
        AudioClassifier.from_preset(url, sha256=checksum)
