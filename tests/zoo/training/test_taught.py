"""What teachers said is kept, and is what they would say."""

import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest

from frontend import FrontendConfig
from tests.zoo.training.conftest import SMALL, write_saved_teacher
from tests.zoo.training.test_trainer import assert_same, weights
from zoo.data import CorruptData, open_prepared, prepare, read_source
from zoo.seal import SEAL, sealed
from zoo.training import TrainConfig, teach, train
from zoo.training.patches import TrainingPatches
from zoo.training.taught import INDEX, PART_STEPS, Taught

MIXING = {"mixup": 0.7, "mixup_db": 10, "speed": 1.2, "gain_db": 6, "time_shift": 0.3}
STEPS = PART_STEPS + 3


@pytest.fixture(scope="session")
def options(saved_teacher):
    return {"teachers": [str(saved_teacher)], "teacher_seconds": 2, **MIXING}


@pytest.fixture(scope="session")
def folder(data, options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("taught") / "said"
    heard = []
    teach(data, folder, TrainConfig(**SMALL, **options), steps=STEPS, progress=heard.append)
    assert sum(heard) == STEPS
    return folder


@pytest.mark.parametrize("complete", [None, "*low*"])
def test_a_network_learns_the_same_as_from_teachers_that_listen(
    data, config, options, folder, tmp_path, complete
):
    options = {**options, "complete_labels": complete}
    listening = train(data, tmp_path / "listening", config(**options))
    kept = train(data, tmp_path / "kept", config(**options, taught=str(folder)))
    for one, two in zip(weights(listening), weights(kept), strict=True):
        # Of logits in float16; where a gradient is nearly 0, Adam's step may be another.
        assert np.abs(one - two).mean() < 1e-4


def test_the_steps_come_again(data, config, options, folder):
    run = config(**options)
    said = Taught(folder, run, data, FrontendConfig())
    patches = TrainingPatches(data, run, FrontendConfig(), samples=99, draws=3, taught=said)
    assert_same(patches.batch(STEPS + 2), patches.batch(2))
    assert (patches.batch(STEPS + 2).waveforms != patches.batch(3).waveforms).any()
    assert patches.clip_ids(STEPS + 1) == patches.clip_ids(1)
    (whole,) = patches.dataset(STEPS - 1).take(1)
    np.testing.assert_array_equal(whole.taught, said.logits(STEPS - 1))
    np.testing.assert_array_equal(patches.batch(1, slice(3, 5)).taught, said.logits(1)[3:5])


def test_it_goes_on_where_it_was_stopped(data, config, options, folder, tmp_path):
    def stop(steps):
        if steps:
            raise KeyboardInterrupt

    run = config(**options)
    with pytest.raises(KeyboardInterrupt):
        teach(data, tmp_path, run, steps=STEPS, progress=stop)
    with pytest.raises(ValueError, match=f"has {PART_STEPS} of {STEPS} steps; run the same"):
        train(data, tmp_path / "run", config(**options, taught=str(tmp_path)))
    teach(data, tmp_path, run, steps=STEPS)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain_db": 0.0}, "gain_db was 6.0 and is now 0.0"),
        ({"batch": 4}, "batch was 8 and is now 4"),
        ({"teacher_seconds": 3.0}, "teacher_seconds was 2.0 and is now 3.0"),
    ],
)
def test_another_training_is_refused(data, config, options, folder, tmp_path, change, message):
    other = config(**{**options, **change, "taught": str(folder)})
    with pytest.raises(ValueError, match=re.escape(message)):
        train(data, tmp_path, other)
    with pytest.raises(ValueError, match=re.escape(message)):
        teach(data, folder, other, steps=STEPS)


def test_it_goes_on_from_fewer_steps(data, config, options, folder, tmp_path):
    run = config(**options)
    for steps in (2, PART_STEPS + 1, STEPS):  # each leaves a part that is not whole
        teach(data, tmp_path, run, steps=steps)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_stopped_on_its_way_to_more_steps_it_says_so(data, config, options, folder, tmp_path):
    run = config(**options)
    teach(data, tmp_path, run, steps=PART_STEPS + 1)

    def stop(steps):
        if steps > PART_STEPS:  # the part that was whole
            return
        (tmp_path / "logits-00001.npy").write_bytes((folder / "logits-00001.npy").read_bytes())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(data, tmp_path, run, steps=STEPS, progress=stop)
    with pytest.raises(ValueError, match=f"has {PART_STEPS} of {STEPS} steps; run the same"):
        Taught(tmp_path, run, data, FrontendConfig())
    teach(data, tmp_path, run, steps=STEPS)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_run_goes_on_through_the_steps_it_began_with(data, config, options, tmp_path):
    teach(data, tmp_path / "taught", config(**options), steps=3)
    whole = config(**options, taught=str(tmp_path / "taught"), epochs=3)
    expected = weights(train(data, tmp_path / "whole", whole))
    train(data, tmp_path / "run", dataclasses.replace(whole, epochs=2))
    teach(data, tmp_path / "taught", config(**options), steps=4)
    (tmp_path / "taught").rename(tmp_path / "moved")
    moved = dataclasses.replace(whole, taught=str(tmp_path / "moved"))
    assert_same(expected, weights(train(data, tmp_path / "run", moved)))
    teach(data, tmp_path / "few", config(**options), steps=2)
    few = dataclasses.replace(moved, taught=str(tmp_path / "few"), epochs=4)
    with pytest.raises(ValueError, match=r"is of 2 steps, and the run in .* began with 3; let"):
        train(data, tmp_path / "run", few)


def test_other_data_and_fewer_steps_are_refused(data, unlike, config, options, folder, tmp_path):
    with pytest.raises(ValueError, match="of other mixtures: other data"):
        train(unlike, tmp_path, config(**options, taught=str(folder)))
    with pytest.raises(ValueError, match=f"is of {STEPS} steps, not {STEPS - 1}; ask for as many"):
        teach(data, folder, config(**options), steps=STEPS - 1)


def test_what_lost_clips_since_is_refused(sounds, config, options, tmp_path):
    tolerant = config(**options, skip_corrupt=True)
    whole = prepare(read_source(sounds), tmp_path / "data", clips_per_shard=4)
    teach(whole, tmp_path / "said", tolerant, steps=1)
    Taught(tmp_path / "said", tolerant, whole, FrontendConfig())
    os.truncate(tmp_path / "data" / "shards" / "000001.tfrecord", 1000)
    with pytest.warns(UserWarning, match="are left out"):
        fewer = open_prepared(tmp_path / "data", skip_corrupt=True)
    with pytest.raises(ValueError, match="of other mixtures: other clips"):
        Taught(tmp_path / "said", tolerant, fewer, FrontendConfig())


def test_another_teacher_under_the_same_name_is_refused(data, config, tmp_path):
    options = config(teachers=[str(tmp_path / "t")], teacher_seconds=2)
    write_saved_teacher(tmp_path / "t", ["middle", "high"], [1.0, 2.0])
    for _ in range(2):
        teach(data, tmp_path / "said", options, steps=1)
    shutil.rmtree(tmp_path / "t")
    shutil.rmtree(tmp_path / "t.dir")
    write_saved_teacher(tmp_path / "t", ["middle", "high"], [1.0, 3.0])
    with pytest.raises(ValueError, match="of other mixtures: other teachers"):
        teach(data, tmp_path / "said", options, steps=1)


def test_what_cannot_be_taught(data, config, options, tmp_path):
    with pytest.raises(ValueError, match="nobody to listen"):
        teach(data, tmp_path, config(), steps=1)
    with pytest.raises(ValueError, match=r"steps must be at least 1\. Received: 0"):
        teach(data, tmp_path, config(**options), steps=0)


def test_a_damaged_record_stops_with_its_name(data, config, options, tmp_path, monkeypatch):
    def damaged(*_):
        raise CorruptData("shard 3 is damaged")

    monkeypatch.setattr(data, "waveform", damaged)
    with pytest.raises(CorruptData, match="shard 3 is damaged"):
        teach(data, tmp_path, config(**options), steps=1)


@pytest.fixture
def open_damaged(data, config, options, folder, tmp_path):
    """A function that opens a copy of the folder, of which a file has other bytes."""

    def open_(name, content):
        for path in folder.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        if content is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(content)
        return Taught(tmp_path, config(**options), data, FrontendConfig())

    return open_


def test_damage_is_noticed(open_damaged, folder):
    part = "logits-00001.npy"
    content = bytearray((folder / part).read_bytes())
    content[-1] ^= 1
    with pytest.raises(ValueError, match=r"00001\.npy is damaged: its SHA-256 is another"):
        open_damaged(part, content)
    with pytest.raises(ValueError, match=r"00001\.npy is missing"):
        open_damaged(part, None)
    with pytest.raises(ValueError, match="holds nothing that teachers said"):
        open_damaged(INDEX, None)
    for content in (b"{", b"[]", b"{}", (folder / INDEX).read_bytes().replace(b"6.0", b"7.0")):
        with pytest.raises(ValueError, match=r"teaching\.json is damaged"):
            open_damaged(INDEX, content)


def test_options_of_other_names_are_damage(open_damaged, folder):
    index = json.loads((folder / INDEX).read_bytes())
    del index[SEAL]
    index["options"]["two\nlines"] = 0
    with pytest.raises(ValueError, match=r"teaching\.json is damaged \(lacks what soundzoo teach"):
        open_damaged(INDEX, json.dumps(sealed(index)).encode())
