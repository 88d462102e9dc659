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


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("Train", "Test"), ["test", "train"]),
        (("TRAINING", "dev", "evaluation"), ["test", "train", "validation"]),
        (("tr", "val", "eval"), ["test", "train", "validation"]),
        (("train", "Valid", "testing"), ["test", "train", "validation"]),
    ],
)
def test_splits_by_their_usual_names(tmp_path, sound, names, splits):
    for name in names:
        for label in ("noise", "tone"):
            sound(f"data/{name}/{label}/{name}.wav")
    source = read_source(tmp_path / "data")
    assert sorted({clip.split for clip in source.clips}) == splits
    assert [label.name for label in source.labels] == ["noise", "tone"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train/dog/a.wav", "more/dog/a.wav"], "the split train, and beside it more, which is no"),
        (["train/dog/a.wav", "car/a.wav"], "the split train, and beside it car, which is none"),
        (["train/dog/a.wav", "test/a.wav"], "beside it test, which holds no class folders"),
        (["train/a.wav", "test/a.wav"], "no classes but splits, test, train, without class fold"),
        (["train/a.wav"], "holds no classes but splits, train, without class folders"),
        (
            ["dog/train/a.wav", "dog/Test/b.wav", "cat/train/a.wav"],
            "has the split cat/train in a class folder. .*: move it to train/cat, and the others",
        ),
        (["test/dog/a.wav", "eval/dog/a.wav"], "'eval' and 'test', which both mean test"),
        (
            [f"day {day}/{label}/a.wav" for day in (1, 2) for label in ("dog", "cat")],
            r"The folders of .* \(day 1, day 2\) all hold the same folders \(cat, dog\), so that",
        ),
    ],
)
def test_folders_that_are_no_classes_are_refused(tmp_path, sound, files, message):
    for file in files:
        sound(f"data/{file}")
    with pytest.raises(ValueError, match=message):
        read_source(tmp_path / "data")


def test_one_folder_that_holds_all_others_is_looked_through(tmp_path, sound, text):
    for label in ("noise", "tone"):
        sound(f"data/my_sounds/{label}/0.wav")
        sound(f"data/__MACOSX/my_sounds/{label}/._0.wav")
    text("data/read me.txt", "")
    source = read_source(tmp_path / "data")
    assert [(clip.id, clip.labels) for clip in source.clips] == [
        ("noise/0", ("noise",)),
        ("tone/0", ("tone",)),
    ]
    assert list(map(str, source.left_out)) == [f"1 .txt in {tmp_path / 'data'}/"]


def test_a_table_and_splits_are_found_in_a_folder_that_holds_them(tmp_path, sound, text):
    sound("zip/data/a.wav")
    text("zip/data/manifest.csv", "file,label\na.wav,Rain\n")
    assert [clip.labels for clip in read_source(tmp_path / "zip").clips] == [("Rain",)]
    sound("other/data/test/dog/a.wav")
    assert [clip.split for clip in read_source(tmp_path / "other").clips] == ["test"]


def test_the_only_class_is_not_looked_through(tmp_path, sound):
    sound("data/dog/a.wav")
    assert [clip.labels for clip in read_source(tmp_path / "data").clips] == [("dog",)]


def test_class_folder_without_sounds_is_an_error_that_says_what_it_holds(tmp_path, sound, text):
    sound("data/dog/a.wav")
    for number in range(3):
        text(f"data/speech/deep/{number}.docx", "")
    message = r"class folder .*data/speech holds no sound files: it holds 3 .docx\. Convert"
    with pytest.raises(ValueError, match=message):
        read_source(tmp_path / "data")
    (tmp_path / "empty" / "cat").mkdir(parents=True)
    sound("empty/dog/a.wav")
    with pytest.raises(ValueError, match=r"folder .*cat holds no sound files: it is empty"):
        read_source(tmp_path / "empty")


def test_what_is_left_out_is_counted(tmp_path, sound, text):
    sound("data/dog/a.wav")
    text("data/dog/notes.txt", "")
    sound("data/cat/a.wav")
    source = read_source(tmp_path / "data")
    assert list(map(str, source.left_out)) == [f"1 .txt in {tmp_path / 'data' / 'dog'}/"]


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
    with pytest.raises(ValueError, match=r"holds no sound files, .* it holds 1 .txt"):
        read_source(tmp_path)


def test_two_files_of_one_id_are_an_error_that_names_both(tmp_path, sound):
    sound("data/dog/a.wav")
    sound("data/dog/a.flac")
    with pytest.raises(ValueError, match=r"the id dog/a: .*dog/a\.flac and .*dog/a\.wav"):
        read_source(tmp_path / "data")
