import itertools
import json
import os
import time

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from frontend import load_audio
from zoo.data import Clip, Skipped, open_prepared, prepare, read_source
from zoo.files import sha256


def read(folder):
    """The bytes of all files of a folder, by name; not what a killed run left half-written."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_sounds_are_those_that_load_audio_reads(tmp_path, source, sound):
    other = sound("clips/stereo.flac", samples=4410, rate=44100)
    soundfile.write(other, np.random.default_rng(0).uniform(-1, 1, (4410, 2)), 44100)
    source.clips.append(Clip("stereo", other, ("Rain",)))
    data = prepare(source, tmp_path / "out")
    assert len(data) == 11
    for index, clip in enumerate(source.clips):
        waveform = load_audio(clip.path)
        assert data.clip_id(index) == clip.id
        assert data.samples[index] == len(waveform)
        np.testing.assert_allclose(data.waveform(index), waveform, atol=0.51 / 32768)


def test_sounds_are_resampled_to_the_rate_that_is_asked_for(tmp_path, source):
    data = prepare(source, tmp_path / "out", sample_rate=32000)
    assert data.sample_rate == data.index["sample_rate"] == 32000
    for index, clip in enumerate(source.clips):
        np.testing.assert_allclose(
            data.waveform(index), load_audio(clip.path, 32000), atol=0.51 / 32768
        )
    seconds = data.samples.sum() / 32000
    assert data.index["hours"] == pytest.approx(seconds / 3600, abs=1e-4)
    with pytest.raises(ValueError, match="was prepared by other options"):
        prepare(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("rate", "kind"),
    [
        (0, "a number from 1 to .*"),
        (-16000, "a number from 1 to .*"),
        (44100.0, "a whole number of"),
    ],
)
def test_a_sample_rate_that_is_none(tmp_path, source, rate, kind):
    with pytest.raises(ValueError, match=rf"must be {kind} Hz\. Received: {rate}$"):
        prepare(source, tmp_path / "out", sample_rate=rate)
    assert not (tmp_path / "out").exists()


def test_overshoot_is_clipped(tmp_path, source):
    soundfile.write(source.clips[0].path, np.array([2.0, -2.0, 0.5]), 16000, subtype="FLOAT")
    data = prepare(source, tmp_path / "out")
    assert data.waveform(0).tolist() == [32767 / 32768, -1, 0.5]


def test_shards_are_tfrecords_of_examples(tmp_path, source):
    prepare(source, tmp_path / "out", clips_per_shard=4)
    shards = sorted(map(str, (tmp_path / "out" / "shards").glob("*.tfrecord")))
    records = [record.numpy() for record in tf.data.TFRecordDataset(shards)]
    assert (len(shards), len(records)) == (3, 10)
    feature = tf.train.Example.FromString(records[4]).features.feature
    assert set(feature) == {"id", "labels", "waveform"}
    assert feature["id"].bytes_list.value[0] == b"clips/4"
    assert list(feature["labels"].bytes_list.value) == [b"Dog", b"Rain"]
    samples = np.frombuffer(feature["waveform"].bytes_list.value[0], "<i2")
    expected, _ = soundfile.read(source.clips[4].path, dtype="int16")
    np.testing.assert_array_equal(samples, expected)


def test_index_counts(tmp_path, source, sound):
    data = prepare(source, tmp_path / "out", clips_per_shard=4)
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert data.index == index
    assert (index["format"], index["sample_rate"], index["clips"]) == (2, 16000, 10)
    seconds = {"test": 1400 + 1500 + 1600, "train": sum(range(700, 1400, 100))}
    assert index["splits"] == {
        split: {"clips": clips, "hours": round(seconds[split] / 16000 / 3600, 4), "classes": 2}
        for split, clips in (("test", 3), ("train", 7))
    }
    assert index["labels"] == [
        {"name": "Dog", "mid": "/m/0bt9lr", "clips": {"test": 1, "train": 4}},
        {"name": "Rain", "mid": None, "clips": {"test": 2, "train": 4}},
    ]
    assert index["skipped"] == []
    assert [shard["clips"] for shard in index["shards"]] == [4, 4, 2]
    for shard in index["shards"]:
        path = tmp_path / "out" / shard["file"]
        assert (path.stat().st_size, sha256(path)) == (shard["bytes"], shard["sha256"])


def test_broken_clips_are_skipped_and_listed(tmp_path, source):
    empty, text, gone, nan = (source.clips[number].path for number in (1, 4, 5, 9))
    empty.write_bytes(b"")
    text.write_text("no sound")
    gone.unlink()
    soundfile.write(nan, np.full(800, np.nan), 16000, subtype="FLOAT")
    missing = Skipped("missing", "missing.wav", "there is no file missing.wav")
    source = source._replace(skipped=[missing])
    data = prepare(source, tmp_path / "out", clips_per_shard=4)
    assert [data.clip_id(index) for index in range(len(data))] == [
        f"clips/{number}" for number in (0, 2, 3, 6, 7, 8)
    ]
    assert data.skipped[0] == missing
    assert [(clip.clip_id, clip.file) for clip in data.skipped[1:]] == [
        (f"clips/{number}", str(source.clips[number].path)) for number in (1, 4, 5, 9)
    ]
    reasons = [clip.reason for clip in data.skipped[1:]]
    assert "is empty (0 bytes)" in reasons[0]
    assert "is not sound that can be decoded" in reasons[1]
    assert reasons[2] == "No such file or directory"
    assert "holds NaN" in reasons[3]
    np.testing.assert_allclose(data.waveform(3), load_audio(source.clips[6].path), atol=1e-4)
    assert open_prepared(tmp_path / "out").skipped == data.skipped


def test_clips_that_are_too_long_are_skipped(tmp_path, source, monkeypatch):
    monkeypatch.setattr("zoo.data.shards.LONGEST_SECONDS", 0.09)  # 1440 samples
    data = prepare(source, tmp_path / "out")
    assert data.samples.max() == 1400
    assert [clip.clip_id for clip in data.skipped] == ["clips/8", "clips/9"]
    assert data.skipped[0].reason.endswith("8.wav is longer than 0.09 s; cut it into clips.")


def test_threads_write_the_same(tmp_path, source):
    prepare(source, tmp_path / "one", threads=1, clips_per_shard=2)
    prepare(source, tmp_path / "four", threads=4, clips_per_shard=2)
    assert read(tmp_path / "one") == read(tmp_path / "four")


def test_stopped_run_goes_on_and_keeps_what_is_finished(tmp_path, source):
    prepare(source, tmp_path / "undisturbed", clips_per_shard=2)
    out = tmp_path / "out"
    done = itertools.count(1)

    def stop_at_seven(_):
        if next(done) >= 7:
            while len(list(out.glob("shards/*.json"))) < 3:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, out, threads=1, clips_per_shard=2, progress=stop_at_seven)
    with pytest.raises(
        ValueError, match=r"not yet all: it has no index.json. Run soundzoo prepare"
    ):
        open_prepared(out)
    finished = {path: path.stat().st_mtime_ns for path in out.glob("shards/*.tfrecord")}
    assert len(finished) == 3
    reported = []
    data = prepare(source, out, clips_per_shard=2, progress=reported.append)
    assert sum(reported) == len(data) == 10
    assert all(path.stat().st_mtime_ns == time for path, time in finished.items())
    assert read(out) == read(tmp_path / "undisturbed")


def test_finished_data_are_not_made_again(tmp_path, source):
    prepare(source, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    prepare(source, tmp_path / "out")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}


@pytest.mark.parametrize("file", ["shards/000001.tfrecord", "ids.npy", "index.json"])
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_damaged_data_are_mended(tmp_path, source, file, damage):
    out = tmp_path / "out"
    prepare(source, out, clips_per_shard=4)
    whole = read(out)
    if damage == "missing" or not file.startswith("shards"):
        (out / file).unlink()
    else:
        os.truncate(out / file, 1000)
    prepare(source, out, clips_per_shard=4)
    assert read(out) == whole


@pytest.mark.parametrize("change", ["clips", "labels", "split", "file", "option"])
def test_folder_of_other_data_is_refused(tmp_path, source, change):
    prepare(source, tmp_path / "out")
    before = read(tmp_path / "out")
    options = {}
    if change == "clips":
        source = source._replace(clips=source.clips[:-1])
    elif change == "labels":
        source = source._replace(labels=source.labels[::-1])
    elif change == "split":
        source.clips[0] = source.clips[0]._replace(split="validation")
    elif change == "file":
        soundfile.write(source.clips[0].path, np.zeros(2), 16000)
    else:
        options = {"clips_per_shard": 7}
    what = "was prepared by other options" if options else "holds other data: recordings were added"
    with pytest.raises(ValueError, match=f"out {what}"):
        prepare(source, tmp_path / "out", **options)
    assert read(tmp_path / "out") == before


def test_folder_of_something_else_is_refused(tmp_path, source):
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(FileExistsError, match="exists and is not prepared data"):
            prepare(source, path)


def test_empty_source_is_an_error(tmp_path, source):
    with pytest.raises(ValueError, match=r"^The data set is empty: 0 clips were skipped\.$"):
        prepare(source._replace(clips=[]), tmp_path / "out")
    gone = Skipped("a", "a.wav", "there is no file a.wav")
    with pytest.raises(
        ValueError, match=r"2 clips .*, the first of them a: there is no file a\.wav"
    ):
        prepare(source._replace(clips=[], skipped=[gone, gone]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_source_of_broken_clips_only_is_an_error(tmp_path, source):
    for clip in source.clips:
        clip.path.write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"empty: 10 clips were skipped, the first of them clips/0"
    ):
        prepare(source, tmp_path / "out")


def test_one_class_is_an_error(tmp_path, source):
    with pytest.raises(ValueError, match="There is one class only, 'Dog'"):
        prepare(source._replace(labels=source.labels[:1]), tmp_path / "out")
    with pytest.raises(ValueError, match=r"No clip has a label; name the classes, --labels FILE\."):
        prepare(source._replace(labels=[]), tmp_path / "out")


def test_threads_must_be_one_or_more(tmp_path, source):
    with pytest.raises(ValueError, match=r"threads must be at least 1\. Received: 0"):
        prepare(source, tmp_path / "out", threads=0)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_full_disk_is_one_sentence_and_keeps_what_is_finished(tmp_path, source):
    shards = tmp_path / "out" / "shards"
    prepare(source, tmp_path / "out", clips_per_shard=4)
    (shards / "000000.tfrecord").unlink()
    (shards / "000000.partial").symlink_to("/dev/full")
    before = read(shards)
    with pytest.raises(OSError, match=r"000000.tfrecord cannot be written: .*No space left"):
        prepare(source, tmp_path / "out", clips_per_shard=4)
    assert read(shards) == before
    assert {"000001.tfrecord", "000001.json", "000002.tfrecord", "000002.json"} < before.keys()


def test_names_need_not_be_text(tmp_path, sound):
    for folder in ("dog", "Größe"):
        sound(f"data/{folder}/a.wav")
    os.rename(
        os.fsencode(tmp_path / "data/dog/a.wav"), os.fsencode(tmp_path) + b"/data/dog/\xff.wav"
    )
    data = prepare(read_source(tmp_path / "data"), tmp_path / "out")
    assert [data.clip_id(index) for index in range(2)] == ["Größe/a", "dog/\udcff"]
    assert data.labels[0].name == "Größe"
