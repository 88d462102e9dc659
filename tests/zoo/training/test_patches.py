"""What a step trains on."""

import numpy as np
import pytest
import soundfile

from frontend import FrontendConfig
from zoo.architecture import find_architecture
from zoo.data import CorruptData, open_prepared, prepare, read_source
from zoo.data.example import STRETCH, checksums
from zoo.training.patches import TRIES, TrainingPatches

SAMPLES = FrontendConfig().patch_samples


@pytest.fixture
def make(data, config):
    def patches(of=data, **options):
        return TrainingPatches(of, config(**options), FrontendConfig(), samples=SAMPLES, draws=3)

    return patches


def test_a_batch_has_the_labels_of_its_clips(make, data):
    patches = make()
    batch = patches.batch(0)
    assert batch.waveforms.shape == (8, SAMPLES)
    assert batch.uniform.shape == (8, 3)
    np.testing.assert_array_equal(batch.targets, data.targets(patches.clips[patches.draw(0).clips]))


def test_every_patch_is_a_part_of_its_clip(make, data):
    patches = make()
    for clip, waveform in zip(patches.draw(3).clips, patches.batch(3).waveforms, strict=True):
        sound = data.waveform(patches.clips[clip])
        start = next(n for n in range(len(sound)) if (sound[n : n + 99] == waveform[:99]).all())
        rest = min(SAMPLES, len(sound) - start)
        np.testing.assert_array_equal(waveform[:rest], sound[start : start + rest])
        assert not waveform[rest:].any()


def test_a_batch_depends_on_seed_and_step_alone(make):
    first, again = make().batch(7), make().batch(7)
    np.testing.assert_array_equal(first.waveforms, again.waveforms)
    np.testing.assert_array_equal(first.uniform, again.uniform)
    assert (first.waveforms != make().batch(8).waveforms).any()
    assert (first.waveforms != make(seed=1).batch(7).waveforms).any()


def test_workers_and_replicas_get_the_parts_of_one_batch(make):
    patches = make()
    whole = patches.batch(5)
    parts = [
        part
        for worker in range(2)
        for part, _ in zip(
            patches.dataset(5, worker=worker, workers=2, replicas=2), range(2), strict=False
        )
    ]
    for name in whole._fields:
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_clips_are_drawn_as_often_as_they_have_patches(make, data):
    patches = make(batch=20)
    drawn = np.concatenate([patches.draw(step).clips for step in range(1000)])
    shares = np.bincount(drawn, minlength=len(patches.clips)) / len(drawn)
    seconds = data.samples[patches.clips] / 16000
    counted = np.array([FrontendConfig().num_patches(int(16000 * s)) for s in seconds])
    np.testing.assert_allclose(shares, counted / counted.sum(), atol=0.01)


@pytest.fixture(scope="module")
def unbalanced(sounds, tmp_path_factory):
    source = read_source(sounds)
    kept = [c for c in source.clips if c.labels != ("low",) or c.id.endswith("low/0")]
    return prepare(source._replace(clips=kept), tmp_path_factory.mktemp("unbalanced") / "data")


@pytest.mark.parametrize(("balance", "share"), [(0.0, 1 / 17), (1.0, 1 / 3)])
def test_class_balance(make, unbalanced, balance, share):
    patches = make(unbalanced, class_balance=balance)
    targets = np.concatenate(
        [unbalanced.targets(patches.clips[patches.draw(step).clips]) for step in range(1500)]
    )
    low = [label.name for label in unbalanced.labels].index("low")
    assert targets[:, low].mean() == pytest.approx(share, abs=0.02)


def test_quiet_patches_are_drawn_again(make, tmp_path):
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        sound = np.zeros(16000 * 8)
        sound[: 16000 * 2] = rng.normal(0, 0.1, 16000 * 2)
        (tmp_path / "s" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "s" / label / "x.wav", sound, 16000)
    of = prepare(read_source(tmp_path / "s"), tmp_path / "data")

    def silent(skip_quiet):
        patches = make(of, skip_quiet=skip_quiet)
        batches = [patches.batch(step).waveforms for step in range(40)]
        return np.mean(~np.concatenate(batches).any(axis=1))

    assert silent(False) > 0.5
    assert silent(True) < 0.5 * silent(False)


def test_a_patch_costs_no_more_in_a_long_clip(make, tmp_path, monkeypatch):
    for label in ("a", "b"):
        (tmp_path / "s" / label).mkdir(parents=True)
        sound = np.random.default_rng(0).normal(0, 0.1, 16000 * 60)
        soundfile.write(tmp_path / "s" / label / "x.wav", sound, 16000)
    patches = make(prepare(read_source(tmp_path / "s"), tmp_path / "data"), skip_quiet=True)
    sizes = []
    monkeypatch.setattr(
        "zoo.data.prepared.checksums", lambda data: sizes.append(len(data)) or checksums(data)
    )
    for step in range(5):
        patches.batch(step)
    assert 40 <= len(sizes) <= 40 * TRIES
    assert max(sizes) <= 2 * (SAMPLES + 2 * STRETCH)


def test_around_a_patch_is_what_the_clip_has_there(make, data):
    patches, wider = make(), make()
    wider.around = (500, 90)
    window, patch = wider.batch(3).waveforms, patches.batch(3).waveforms
    assert window.shape == (8, 500 + SAMPLES + 90)
    for clip, wide, narrow in zip(patches.draw(3).clips, window, patch, strict=True):
        np.testing.assert_array_equal(wide[500 : 500 + SAMPLES], narrow)
        sound = np.pad(data.waveform(patches.clips[clip]), (500, SAMPLES + 90))
        start = next(n for n in range(len(sound)) if (sound[n : n + 99] == narrow[:99]).all())
        np.testing.assert_array_equal(wide, sound[start - 500 : start + SAMPLES + 90])


def test_clips_without_labels_are_balanced_as_a_class(make, sounds, tmp_path):
    source = read_source(sounds)
    clips = [c._replace(labels=() if c.labels == ("low",) else c.labels) for c in source.clips]
    of = prepare(source._replace(clips=clips), tmp_path / "data")
    patches = make(of, class_balance=1.0, teachers=["x"])
    targets = np.concatenate(
        [of.targets(patches.clips[patches.draw(step).clips]) for step in range(1500)]
    )
    assert (~targets.any(axis=1)).mean() == pytest.approx(1 / 3, abs=0.02)


def test_clips_without_labels_are_left_out_where_nobody_says_what_is_heard(make, sounds, tmp_path):
    source = read_source(sounds)
    clips = [c._replace(labels=() if c.labels == ("low",) else c.labels) for c in source.clips]
    of = prepare(source._replace(clips=clips), tmp_path / "data")
    with pytest.warns(
        UserWarning, match="Left out of training: 6 of 18 clips, which have no label"
    ):
        patches = make(of)
    assert of.labelled(patches.clips).all()
    assert len(patches.clips) == 12


def test_clips_whose_labels_are_complete(make, data):
    patches = make(complete_labels="*low*", teachers=["x"], batch=27)
    batch, clips = patches.batch(0), patches.clips[patches.draw(0).clips]
    np.testing.assert_array_equal(batch.targets[:, :-1], data.targets(clips))
    incomplete = ["low" not in data.clip_id(clip) for clip in clips]
    np.testing.assert_array_equal(batch.targets[:, -1], incomplete)
    assert 0 < sum(incomplete) < 27
    named = {data.labels[n].name for n in np.flatnonzero(patches.complete_classes)}
    assert named == {"low"}
    with pytest.raises(ValueError, match=r"must be like the id of .*'.+'\. Received: 'x\*'"):
        make(complete_labels="x*", teachers=["x"])


def test_a_clip_without_labels_has_no_complete_ones(make, sounds, tmp_path):
    source = read_source(sounds)
    clips = [c._replace(labels=() if c.labels == ("low",) else c.labels) for c in source.clips]
    of = prepare(source._replace(clips=clips), tmp_path / "data")
    patches = make(of, complete_labels="*", teachers=["x"])
    assert patches.complete.sum() == 2 / 3 * len(patches.clips)
    with pytest.raises(ValueError, match="that has labels, such as 'train/high/0'") as error:
        make(of, complete_labels="*low*", teachers=["x"])
    assert "Received: '*low*'" in str(error.value)


def test_a_teachers_scores_are_a_part_of_the_targets(make, data, tmp_path):
    scores = np.random.default_rng(0).random((len(data), 3)).astype("float32")
    order = np.random.default_rng(1).permutation(len(data))
    np.save(tmp_path / "scores.npy", scores[order])
    (tmp_path / "clips.txt").write_text("".join(f"{data.clip_id(n)}\n" for n in order))
    names = [label.name for label in data.labels]
    (tmp_path / "labels.txt").write_text("\n".join(reversed(names)))
    plain, taught = make(), make(teacher=str(tmp_path), teacher_weight=0.25)
    clips = plain.clips[plain.draw(0).clips]
    np.testing.assert_allclose(
        taught.batch(0).targets,
        0.75 * plain.batch(0).targets + 0.25 * scores[clips][:, ::-1],
        atol=1e-6,
    )
    (tmp_path / "labels.txt").write_text("low\nmiddle\nother\n")
    with pytest.raises(ValueError, match="lack 1 of 3 labels: 'high'"):
        make(teacher=str(tmp_path))
    with pytest.raises(ValueError, match="holds no scores of clips"):
        make(teacher=str(tmp_path / "nothing"))


def test_a_teachers_head_gets_the_scores_of_the_teachers_labels(make, data, teacher):
    plain, taught = make(), make(teacher=str(teacher.folder), teacher_head=True)
    targets = taught.batch(0).targets
    assert taught.teacher_classes == 5
    np.testing.assert_array_equal(targets[:, :3], plain.batch(0).targets)
    np.testing.assert_array_equal(targets[:, 3:], teacher.scores[plain.clips[plain.draw(0).clips]])


def test_what_is_heard_whole_is_cut_into_patches_here(data, config, monkeypatch):
    frontend = find_architecture("cnn14").frontend
    monkeypatch.setattr(data, "samples", np.full(len(data), 25 * 16000))
    assert frontend.num_patches(25 * 16000) == 1
    patches = TrainingPatches(data, config(), frontend, samples=SAMPLES, draws=3)
    assert patches.count == 3 * len(patches.clips)


def test_a_batch_larger_than_the_data(make):
    with pytest.raises(ValueError, match="A batch of 128 patches is more than the data's"):
        make(batch=128)


def test_one_class_only(make, sounds, tmp_path):
    source = read_source(sounds)
    moved = [c._replace(split="x") if c.labels != ("low",) else c for c in source.clips]
    of = prepare(source._replace(clips=moved), tmp_path / "data")
    with pytest.raises(ValueError, match="'train' has clips of one class only"):
        make(of, batch=2)


def test_a_split_that_is_not_there(make):
    with pytest.raises(ValueError, match="has no split 'other'"):
        make(train_split="other")


def test_damaged_records(make, sounds, tmp_path):
    of = prepare(read_source(sounds), tmp_path / "data")
    shard = next((tmp_path / "data").glob("shards/*.tfrecord"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    of = open_prepared(tmp_path / "data")
    with pytest.raises(CorruptData, match=r"\.tfrecord is damaged at the clip"):
        list(map(make(of).batch, range(20)))
    patches = make(of, skip_corrupt=True)
    with pytest.warns(UserWarning, match="Left out of training"):
        batches = [patches.batch(step) for step in range(20)]
    assert len(patches.corrupt) == 1
    assert all(np.isfinite(batch.waveforms).all() for batch in batches)
