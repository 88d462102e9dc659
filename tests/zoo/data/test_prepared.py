import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from frontend import load_audio
from zoo.data import Clip, CorruptData, Source, open_prepared, prepare
from zoo.data.example import STRETCH
from zoo.data.prepared import ARRAYS
from zoo.labels import Label
from zoo.seal import SEAL, sealed


@pytest.fixture
def folder(tmp_path, source):
    """Prepared data of the ten clips, in shards of four."""
    prepare(source, tmp_path / "out", clips_per_shard=4)
    return tmp_path / "out"


def test_attributes(folder, source):
    data = open_prepared(folder)
    assert len(data) == 10
    assert data.folder == folder
    assert data.labels == source.labels
    assert data.sample_rate == 16000
    assert data.splits == ["test", "train"]
    assert data.samples.tolist() == [700 + 100 * number for number in range(10)]
    assert (data.skipped, data.corrupt) == ([], 0)


def test_waveform_is_float_in_full_scale(folder, source):
    waveform = open_prepared(folder).waveform(3)
    assert (waveform.dtype, waveform.shape) == (np.float32, (1000,))
    np.testing.assert_allclose(waveform, load_audio(source.clips[3].path), atol=0.51 / 32768)


def test_select_gives_the_clips_of_a_split(folder):
    data = open_prepared(folder)
    assert data.select("test").tolist() == [7, 8, 9]
    assert data.select("train").tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert data.select("train").dtype == np.int64
    with pytest.raises(ValueError, match="has no split 'validation'; it has test, train"):
        data.select("validation")


def test_targets_are_1_where_the_clip_has_the_label(folder):
    data = open_prepared(folder)
    targets = data.targets(np.array([4, 0, 1, 4]))
    assert targets.dtype == np.float32
    assert targets.tolist() == [[1, 1], [1, 0], [0, 1], [1, 1]]
    assert data.targets([]).shape == (0, 2)
    assert data.targets(np.arange(10)).sum() == 11


@pytest.fixture
def long(tmp_path, sound):
    """A clip of a minute and a short one."""
    clips = [
        Clip("long", sound("long.wav", samples=60 * 16000 + 5), ("Dog",)),
        Clip("short", sound("short.wav"), ("Rain",)),
    ]
    return prepare(Source(clips, [Label("Dog"), Label("Rain")], []), tmp_path / "long")


def test_part_of_a_waveform(long):
    whole = long.waveform(0)
    assert len(whole) == 960005
    for start, samples in [(0, 1), (STRETCH, STRETCH), (STRETCH - 1, 2), (500_000, 15600)]:
        np.testing.assert_array_equal(
            long.waveform(0, start, samples), whole[start : start + samples]
        )
    np.testing.assert_array_equal(long.waveform(0, 960_000, 15600), whole[960_000:])
    assert len(long.waveform(0, 960_005, 10)) == len(long.waveform(0, 990_000, 10)) == 0
    np.testing.assert_array_equal(long.waveform(1, 100), long.waveform(1)[100:])
    for index in range(2):
        assert long.power[index] == np.mean(np.square(long.waveform(index)))


def test_a_part_is_checked_and_the_rest_is_not(long):
    shard = long.folder / "shards" / "000000.tfrecord"
    content = bytearray(shard.read_bytes())
    content[int(long._clips["offset"][0]) + 2 * 500_000] ^= 1
    shard.write_bytes(content)
    for start, samples in [(500_000, 1), (490_000, 15600), (0, None)]:
        with pytest.raises(CorruptData, match="is damaged at the clip long"):
            long.waveform(0, start, samples)
    assert len(long.waveform(0, 0, 15600)) == len(long.waveform(0, 600_000, 15600)) == 15600


@pytest.mark.parametrize("index", [-1, 10])
def test_index_out_of_range_is_an_error(folder, index):
    data = open_prepared(folder)
    for method in (data.waveform, data.clip_id):
        with pytest.raises(IndexError, match=f"has 10 clips. Received index {index}"):
            method(index)


def test_threads_may_share_it(folder):
    data = open_prepared(folder)
    expected = [data.waveform(index) for index in range(10)]
    with ThreadPoolExecutor(4) as pool:
        for index, waveform in enumerate(pool.map(data.waveform, list(range(10)) * 20)):
            np.testing.assert_array_equal(waveform, expected[index % 10])


def test_folder_may_be_moved(folder, tmp_path):
    shutil.move(folder, tmp_path / "elsewhere")
    assert len(open_prepared(tmp_path / "elsewhere").waveform(9)) == 1600


@pytest.mark.parametrize(
    ("damage", "fault"),
    [("missing", "cannot be read: No such file"), ("cut short", "has 1000 bytes instead of")],
)
def test_shard_that_is_not_whole_is_named(folder, damage, fault):
    shard = folder / "shards" / "000001.tfrecord"
    if damage == "missing":
        shard.unlink()
    else:
        os.truncate(shard, 1000)
    with pytest.raises(
        CorruptData, match=rf"000001\.tfrecord {fault}.* Delete it and run soundzoo"
    ):
        open_prepared(folder)


def test_skip_corrupt_leaves_out_the_clips_of_a_damaged_shard(folder):
    os.truncate(folder / "shards" / "000001.tfrecord", 1000)
    with pytest.warns(UserWarning, match=r"4 of 10 clips are left out, because 1 of 3 shards"):
        data = open_prepared(folder, skip_corrupt=True)
    assert data.corrupt == 4
    assert len(data) == 10
    assert data.select("train").tolist() == [0, 1, 2, 3]
    assert data.select("test").tolist() == [8, 9]
    assert data.clip_id(9) == "clips/9"
    with pytest.raises(CorruptData, match=r"000001\.tfrecord is damaged at the clip clips/7"):
        data.waveform(7)


def test_whole_data_skip_nothing(folder, recwarn):
    data = open_prepared(folder, skip_corrupt=True)
    assert data.corrupt == 0
    assert not recwarn.list


@pytest.mark.parametrize("clip", range(4))
def test_flipped_byte_is_found_where_it_is_and_only_there(folder, clip):
    data = open_prepared(folder)
    shard = folder / "shards" / "000000.tfrecord"
    content = bytearray(shard.read_bytes())
    middle = int(data._clips["offset"][clip] + data._clips["samples"][clip])
    content[middle] ^= 1
    shard.write_bytes(content)
    with pytest.raises(CorruptData, match=rf"000000\.tfrecord is damaged at the clip clips/{clip}"):
        data.waveform(clip)
    for other in set(range(10)) - {clip}:
        assert len(data.waveform(other)) == data.samples[other]


def test_shard_that_goes_missing_while_open_is_named(folder):
    data = open_prepared(folder)
    (folder / "shards" / "000002.tfrecord").unlink()
    with pytest.raises(CorruptData, match=r"000002\.tfrecord cannot be read: No such file"):
        data.waveform(9)


@pytest.mark.parametrize("name", ARRAYS)
def test_array_that_is_not_whole_is_named(folder, name):
    path = folder / f"{name}.npy"
    os.truncate(path, path.stat().st_size - 8)
    with pytest.raises(CorruptData, match=rf"{name}\.npy is damaged\. Delete it"):
        open_prepared(folder)
    path.unlink()
    with pytest.raises(CorruptData, match=rf"{name}\.npy cannot be read: .*No such file"):
        open_prepared(folder)


def test_array_of_other_data_is_named(folder):
    np.save(folder / "label_offsets.npy", np.arange(5))
    with pytest.raises(CorruptData, match=r"label_offsets\.npy is damaged\. Delete it and run"):
        open_prepared(folder)


@pytest.fixture
def older(folder):
    """The folder, as versions wrote it that had no checksums of arrays."""
    index = json.loads((folder / "index.json").read_text())
    del index["arrays"], index[SEAL]
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.mark.parametrize(("place", "value"), [(30, b"("), (30, b"'"), (10, b"}"), (6, b"\t")])
def test_array_of_an_older_version_whose_header_is_damaged_is_named(older, place, value):
    with open(older / "ids.npy", "r+b") as file:
        file.seek(place)
        file.write(value)
    with pytest.raises(CorruptData, match=r"ids\.npy cannot be read"):
        open_prepared(older)


def test_data_of_an_older_version_are_read_without_checksums(older):
    assert len(open_prepared(older)) == 10
    np.save(older / "label_offsets.npy", np.arange(5))
    with pytest.raises(CorruptData, match=r"label_offsets\.npy is not of the length"):
        open_prepared(older)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"index\.json is damaged: .* Delete it"),
        ("[" * 100_000, r"index\.json is damaged: it nests too many .* Delete it"),
        ("[]", r"index\.json is damaged: it is no JSON object\. Delete it"),
        (r'{"format": "a\nb"}', r"has format 'a\\nb'; this version"),
        ('{"format": 1}', r"has format 1; .* format 2\. Prepare the data again, into another"),
    ],
)
def test_index_that_cannot_be_read_is_an_error(folder, content, message):
    (folder / "index.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        open_prepared(folder)


def change_index(folder, **values):
    """Changes an index as older versions wrote it, without checksums of what it says."""
    path = folder / "index.json"
    index = json.loads(path.read_text())
    index = {key: index[key] for key in index if key not in ("own_sha256", "arrays")} | values
    path.write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("labels", None, "its labels are not there, or are of another kind"),
        ("labels", [{"name": "a"}], "an entry of its labels is not one"),
        ("labels", [{"mid": None}], "an entry of its labels is not one"),
        ("labels", ["a"], "an entry of its labels is not one"),
        ("clips", True, "its clips are not there, or are of another kind"),
        ("splits", {"train": 3}, "a split of its splits has no number of clips"),
        ("skipped", [["a", "b", "c"]], "an entry of its skipped is not one"),
        ("shards", [{"file": "shards/000000.tfrecord"}], "an entry of its shards is not one"),
        ("shards", [{"file": "../x", "clips": 1, "bytes": 1}], "a shard lies elsewhere"),
        ("shards", [{"file": "shards/\0", "clips": 1, "bytes": 1}], "a shard lies elsewhere"),
    ],
)
def test_index_of_other_things_is_an_error(folder, key, value, message):
    change_index(folder, **{key: value})
    with pytest.raises(CorruptData, match=rf"index\.json is damaged: {message}\. Delete it"):
        open_prepared(folder)


def test_index_that_is_sealed_may_be_wrong(folder):
    index = json.loads((folder / "index.json").read_text())
    del index["own_sha256"]
    (folder / "index.json").write_text(json.dumps(sealed({**index, "arrays": ["clips.npy"]})))
    with pytest.raises(CorruptData, match="its arrays are of another kind"):
        open_prepared(folder)


def test_labels_that_are_not_different_are_an_error(folder):
    change_index(folder, labels=[{"name": "a", "mid": None}] * 2)
    with pytest.raises(ValueError, match="must differ"):
        open_prepared(folder)


@pytest.mark.parametrize(
    ("name", "field", "value", "message"),
    [
        ("clips", "samples", -1, r"clips\.npy is damaged at the clip 0"),
        ("clips", "samples", 2**31 - 1, r"clips\.npy is damaged at the clip 0"),
        ("clips", "offset", -8, r"clips\.npy is damaged at the clip 0"),
        ("clips", "shard", 3, r"clips\.npy is damaged at the clip 0"),
        ("clips", "shard", -1, r"clips\.npy is damaged at the clip 0"),
        ("clips", "checksum", 1000, r"clips\.npy is damaged at the clip 0"),
        ("id_offsets", None, -1, r"id_offsets\.npy is damaged at the clip 0"),
        ("id_offsets", None, 10**9, r"id_offsets\.npy is damaged at the clip 0"),
        ("label_offsets", None, -1, r"label_offsets\.npy is damaged"),
        ("label_offsets", None, 10**9, r"label_offsets\.npy is damaged"),
        ("label_indices", None, 3, r"label_indices\.npy is damaged"),
        ("label_indices", None, -1, r"label_indices\.npy is damaged"),
    ],
)
def test_arrays_that_point_elsewhere_are_named(folder, name, field, value, message):
    change_index(folder)
    array = np.load(folder / f"{name}.npy")
    (array if field is None else array[field])[0] = value
    np.save(folder / f"{name}.npy", array)
    data = open_prepared(folder)

    def read():
        data.clip_id(0)
        data.targets([0])
        data.waveform(0)

    with pytest.raises(CorruptData, match=message):
        read()


@pytest.mark.parametrize("name", ARRAYS)
def test_array_of_another_kind_is_named(folder, name):
    change_index(folder)
    for array in (np.zeros((2, 2)), np.zeros(3, "M8[s]"), np.array(5)):
        np.save(folder / f"{name}.npy", array)
        with pytest.raises(CorruptData, match=rf"{name}\.npy cannot be read: holds"):
            open_prepared(folder)


def test_folder_without_prepared_data_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no prepared data"):
        open_prepared(tmp_path)
