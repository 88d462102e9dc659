import pytest

from zoo.data import Clip, read_source


def test_folders_are_the_classes(tmp_path, sound):
    sound("data/dog/b.wav")
    sound("data/dog/deeper/a.FLAC")
    sound("data/Tick-tock, clock/a.ogg")
    (tmp_path / "data" / "dog" / "notes.txt").write_text("no sound")
    folder = tmp_path / "data"
    source = read_source(folder)
    assert source.clips == [
        Clip("Tick-tock, clock/a", folder / "Tick-tock, clock/a.ogg", ("Tick-tock, clock",)),
        Clip("dog/b", folder / "dog/b.wav", ("dog",)),
        Clip("dog/deeper/a", folder / "dog/deeper/a.FLAC", ("dog",)),
    ]
    assert {clip.split for clip in source.clips} == {"train"}
    assert [label.name for label in source.labels] == ["Tick-tock, clock", "dog"]
    assert source.skipped == []


def test_train_test_and_validation_that_hold_classes_are_splits(tmp_path, sound):
    for split in ("train", "test", "validation"):
        sound(f"data/{split}/dog/a.wav")
    source = read_source(tmp_path / "data")
    assert [(clip.split, clip.labels) for clip in source.clips] == [
        ("test", ("dog",)),
        ("train", ("dog",)),
        ("validation", ("dog",)),
    ]


def test_split_that_is_called_otherwise_is_not_taken_for_a_class(tmp_path, sound):
    for split in ("train", "valid"):
        sound(f"data/{split}/dog/a.wav")
    with pytest.raises(ValueError, match=r"split train, and beside it valid,.* and validation"):
        read_source(tmp_path / "data")


def test_train_that_holds_sounds_is_a_class(tmp_path, sound):
    sound("data/train/whistle.wav")
    sound("data/car/horn.wav")
    source = read_source(tmp_path / "data")
    assert [label.name for label in source.labels] == ["car", "train"]


def test_sounds_outside_of_class_folders_are_skipped_and_hidden_files_left_out(tmp_path, sound):
    stray = sound("data/stray.wav")
    sound("data/dog/a.wav")
    sound("data/dog/._a.wav")
    source = read_source(tmp_path / "data")
    assert [clip.id for clip in source.clips] == ["dog/a"]
    assert source.skipped == [("stray", str(stray), "it lies in no class folder")]


def test_linked_class_folders_are_searched_once(tmp_path, sound):
    sound("elsewhere/a.wav")
    sound("data/cat/a.wav")
    (tmp_path / "data" / "dog").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "cat" / "up").symlink_to(tmp_path / "data")
    source = read_source(tmp_path / "data")
    assert [clip.id for clip in source.clips] == ["cat/a", "dog/a"]


def test_folder_without_sounds_is_an_error(tmp_path):
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "notes.txt").write_text("no sound")
    with pytest.raises(ValueError, match=r"holds no sound files \(.aif, .*wav\)"):
        read_source(tmp_path)


def test_two_files_of_one_id_are_an_error_that_names_both(tmp_path, sound):
    sound("data/dog/a.wav")
    sound("data/dog/a.flac")
    with pytest.raises(ValueError, match=r"the id dog/a: .*dog/a\.flac and .*dog/a\.wav"):
        read_source(tmp_path / "data")
