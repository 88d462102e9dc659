"""A bit that flips in what is stored is noticed, wherever it is, or means the same."""

import random
import shutil

import numpy as np
import pytest
import tensorflow as tf

from zoo import presets
from zoo.cli import main
from zoo.data import open_prepared
from zoo.data.prepared import ARRAYS
from zoo.training.checkpoints import load_checkpoint, save_checkpoint

FLIPS = 1000


def flips(path, number=FLIPS):
    """Flips random bits of a file, one at a time, and says which."""
    content = path.read_bytes()
    chance = random.Random(path.name)
    for _ in range(number):
        place = chance.randrange(len(content))
        damaged = bytearray(content)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        yield f"byte {place} from {content[place]} to {damaged[place]}"
    path.write_bytes(content)


@pytest.fixture
def copy(prepared_sounds, tmp_path):
    """A copy of prepared data, for breaking."""
    return shutil.copytree(prepared_sounds.folder, tmp_path / "data")


@pytest.fixture
def preset(small_classifier, tmp_path):
    small_classifier.save_to_preset(tmp_path / "small")
    return tmp_path / "small"


def read(function, *arguments, file):
    """What a function reads, or None if it refuses with a word on the file."""
    try:
        return function(*arguments)
    except ValueError as error:
        if str(file) not in str(error):
            raise
        return None


def test_of_a_presets_configuration(preset):
    config = preset / presets.CONFIG
    whole = presets.read_config(preset)
    for flip in flips(config):  # 1e-05 and 1E-05 are the same
        assert read(presets.read_config, preset, file=config) in (None, whole), flip


def test_of_a_presets_weights(preset):
    weights, config = preset / presets.WEIGHTS, presets.read_config(preset)
    for flip in flips(weights):
        assert read(presets.checked_weights, preset, config, file=weights) is None, flip


@pytest.mark.parametrize("name", [presets.CONFIG, presets.WEIGHTS])
def test_of_a_preset_stops_a_command_with_a_sentence(preset, sound, capsys, name):
    command = ["classify", str(sound("one.wav")), "--model", str(preset)]
    for flip in flips(preset / name, 5):
        assert main(command) == 2, flip
        said = capsys.readouterr().err
        assert said.startswith(f"soundzoo: {preset / name} ")
        assert said.count("\n") == 1


@pytest.mark.filterwarnings("ignore:.*is damaged and is passed over")
def test_of_the_newest_checkpoint_make_the_one_before_it_the_newest(tmp_path):
    variables = {"weights": [tf.Variable(np.random.default_rng(0).normal(size=(30, 20)))]}
    save_checkpoint(tmp_path, 10, {}, variables)
    path = save_checkpoint(tmp_path, 20, {}, variables)
    for flip in flips(path):
        assert load_checkpoint(tmp_path)[1]["step"] == 10, flip
    assert load_checkpoint(tmp_path)[1]["step"] == 20


@pytest.mark.parametrize("name", ["index.json", *(f"{name}.npy" for name in ARRAYS)])
def test_of_what_prepared_data_hold_beside_sound(copy, name):
    whole = open_prepared(copy).index
    for flip in flips(copy / name):
        data = read(open_prepared, copy, file=copy / name)
        assert data is None or data.index == whole, flip


def test_of_sound(copy):
    def waveforms():
        data = open_prepared(copy)
        return [data.waveform(clip) for clip in range(len(data))]

    whole = waveforms()
    (shard,) = (copy / "shards").glob("*.tfrecord")
    for flip in flips(shard, FLIPS // 10):
        found = read(waveforms, file=shard)
        # What is beside the sound in a record only other programs read.
        assert found is None or all(map(np.array_equal, found, whole)), flip
