import pytest

from zoo.data import Clip, read_source


def test_rows_are_clips(tmp_path, sound, text):
    sound("a.wav")
    sound("deep/b.ogg")
    path = text(
        "list.csv",
        'file, label, split, source\n./a.wav, "Baby cry, infant cry; Rain", test, x\n'
        "deep/b.ogg,Rain;;Rain,train,\n\n",
    )
    source = read_source(path)
    assert source.clips == [
        Clip("a", tmp_path / "a.wav", ("Baby cry, infant cry", "Rain"), "test"),
        Clip("deep/b", tmp_path / "deep" / "b.ogg", ("Rain",), "train"),
    ]
    assert [label.name for label in source.labels] == ["Baby cry, infant cry", "Rain"]
    assert source.skipped == []


def test_split_is_train_where_there_is_no_such_column(sound, text):
    sound("a.wav")
    source = read_source(text("list.csv", "\ufefflabels,file\nRain,a.wav\n"))
    assert [(clip.labels, clip.split) for clip in source.clips] == [(("Rain",), "train")]


def test_folder_with_a_manifest_is_read_by_it(tmp_path, sound, text):
    sound("data/one/a.wav")
    sound("data/two/b.wav")
    text("data/manifest.csv", "file,label\none/a.wav,Rain\n")
    assert [clip.labels for clip in read_source(tmp_path / "data").clips] == [("Rain",)]


def test_rows_that_cannot_be_used_are_skipped_with_the_reason(tmp_path, sound, text):
    sound("a.wav")
    path = text(
        "list.csv",
        "file,label,split\na.wav,Rain,train\ngone.wav,Rain,train\na.wav, ; ,train\n"
        ",Rain,train\na.wav,Rain\na.wav,Male speech, man speaking,train\n",
    )
    source = read_source(path)
    assert len(source.clips) == 1
    assert [clip.reason for clip in source.skipped] == [
        f"there is no file {tmp_path / 'gone.wav'}",
        "line 4 names no label",
        "line 5 names no file",
        "line 6 names no split",
        "line 7 has more cells than the header; put cells with commas in quotes",
    ]
    assert source.skipped[0][:2] == ("gone", str(tmp_path / "gone.wav"))


def test_clips_without_labels_where_they_are_wanted(tmp_path, sound, text):
    sound("a.wav")
    sound("b.wav")
    sound("c/a.wav")
    path = text("list.csv", "file,label\na.wav,Rain\nb.wav,\n,Rain\n")
    assert len(read_source(path).clips) == 1
    source = read_source(path, unlabelled=True)
    assert [clip.labels for clip in source.clips] == [("Rain",), ()]
    assert [clip.reason for clip in source.skipped] == ["line 4 names no file"]
    with pytest.raises(ValueError, match="Only a manifest may have clips without labels"):
        read_source(tmp_path / "c", unlabelled=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "file,class\na.wav,Rain\n",
            "has the columns file, class; a manifest needs file and label",
        ),
        ("path;label\na.wav;Rain\n", "has the columns path;label; a manifest needs file and label"),
        ("", r"list.csv is empty; its first line must name its columns"),
        ("file,label\n" + "x" * 200000, "is not a CSV file in UTF-8: field larger than"),
    ],
)
def test_wrong_manifest_is_an_error(text, content, message):
    with pytest.raises(ValueError, match=message):
        read_source(text("list.csv", content))


def test_manifest_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"file,label\n\xff\xfe,Rain\n")
    with pytest.raises(ValueError, match=r"list.csv is not a CSV file in UTF-8"):
        read_source(tmp_path / "list.csv")


def test_file_that_is_listed_twice_is_an_error(sound, text):
    sound("a.wav")
    path = text("list.csv", "file,label\na.wav,Rain\n./a.wav,Wind\n")
    with pytest.raises(ValueError, match=r"Two clips have the id a: .* join the labels"):
        read_source(path)


def test_opensounds(shared_data):
    source = read_source(shared_data / "opensounds" / "manifest.csv")
    assert len(source.clips) == 8122
    assert len(source.labels) == 86
    assert source.skipped == []
    assert {clip.split for clip in source.clips} == {"train", "test"}
