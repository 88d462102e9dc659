import os

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
        Clip("a", tmp_path / "a.wav", ("Baby cry, infant cry", "Rain"), "test", "x"),
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
            "file,kind\na.wav,Rain\n",
            "has the columns file, kind; a manifest needs file and label",
        ),
        ("path|label\na.wav|Rain\n", r"has the columns path\|label; a manifest needs file and la"),
        ("", r"list.csv is empty; its first line must name its columns"),
        ("file,label\n" + "x" * 200000, "by line 2: field larger than field limit"),
    ],
)
def test_wrong_manifest_is_an_error(text, content, message):
    with pytest.raises(ValueError, match=message):
        read_source(text("list.csv", content))


def test_label_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"file,label\na.wav,T\xfcr\n")
    message = r"list.csv is not a table of text in UTF-8 or UTF-16: it holds b'T\\xfcr'; save it as"
    with pytest.raises(ValueError, match=message):
        read_source(tmp_path / "list.csv")


@pytest.mark.parametrize("name", [b"t\xfcr.wav", b"two\nlines.wav", "a\u2028b.wav".encode()])
def test_names_of_files_need_not_be_text(tmp_path, sound, name):
    sound("a.wav").rename(tmp_path / os.fsdecode(name))
    (tmp_path / "list.csv").write_bytes(b'file,label\n"' + name + b'",Rain\n')
    (clip,) = read_source(tmp_path / "list.csv").clips
    assert os.fsencode(clip.path) == os.fsencode(tmp_path) + b"/" + name


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("before", ["", "sep={}\r\n", "sep={0}{0}\r\n"])
def test_separators_and_encodings_of_spreadsheets(tmp_path, sound, separator, encoding, before):
    for number in range(3):
        sound(f"{number}.wav")
    rows = ["File,Label,SPLIT", "0.wav,Tür,train", '1.wav,"Rain;Wind",test', "2.wav,Tür,train"]
    text = "".join(f"{row}\r\n" for row in rows).replace(",", separator)
    path = tmp_path / "list.csv"
    path.write_bytes((before.format(separator) + text).encode(encoding))
    source = read_source(path)
    assert [(clip.id, clip.labels, clip.split) for clip in source.clips] == [
        ("0", ("Tür",), "train"),
        ("1", ("Rain", "Wind"), "test"),
        ("2", ("Tür",), "train"),
    ]
    assert source.skipped == []


def test_labels_joined_by_semicolons_between_semicolons_need_quotes(sound, text):
    sound("a.wav")
    source = read_source(text("list.csv", "file;label\na.wav;Rain;Wind\n"))
    assert [clip.reason for clip in source.skipped] == [
        "line 2 has more cells than the header; put cells with semicolons in quotes"
    ]


@pytest.mark.parametrize("header", ["filename,category", "Path,Class", "file_name,labels"])
def test_columns_by_other_names(sound, text, header):
    sound("a.wav")
    source = read_source(text("list.csv", f"{header}\na.wav,Rain\n"))
    assert [(clip.id, clip.labels) for clip in source.clips] == [("a", ("Rain",))]


def test_backslashes_where_a_slash_finds_the_file(tmp_path, sound, text):
    sound("dog/0.wav")
    odd = sound("a.wav").rename(tmp_path / "dog\\1.wav")
    text("dog/1.wav", "")
    source = read_source(
        text("list.csv", "file,label\ndog\\0.wav,dog\ndog\\1.wav,dog\nx\\y.wav,x\n")
    )
    assert [(clip.id, clip.path) for clip in source.clips] == [
        ("dog/0", tmp_path / "dog" / "0.wav"),
        ("dog\\1", odd),
    ]
    assert [clip.reason for clip in source.skipped] == [f"there is no file {tmp_path}/x\\y.wav"]


def test_splits_by_their_usual_names_and_others_by_their_own(sound, text):
    names = ["Train", "train", "val", "eval", "world_test", "1"]
    for number in range(len(names)):
        sound(f"{number}.wav")
    rows = [f"{number}.wav,Rain,{name}" for number, name in enumerate(names)]
    source = read_source(text("list.csv", "\n".join(["file,label,split", *rows])))
    assert [clip.split for clip in source.clips] == [
        *("train", "train", "validation", "test", "world_test", "1")
    ]


def test_two_splits_that_mean_one_are_an_error(sound, text):
    sound("a.wav")
    sound("b.wav")
    path = text("list.csv", "file,label,split\na.wav,Rain,dev\nb.wav,Rain,valid\n")
    with pytest.raises(ValueError, match=r"list.csv has the splits 'dev' and 'valid', which both"):
        read_source(path)


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


def test_a_quotation_mark_that_is_not_closed_is_an_error(sound, text):
    sound("a.wav")
    rows = "".join(f"a{number}.wav,dog\n" for number in range(20000))
    with pytest.raises(ValueError, match=r"quotation mark that is not closed, .* by line "):
        read_source(text("list.csv", f'file,label\n"a.wav,dog\n{rows}'))


def test_a_name_that_no_file_can_have_is_skipped(sound, text):
    sound("a.wav")
    source = read_source(text("list.csv", f"file,label\na.wav,dog\n{'a' * 5000}.wav,dog\n"))
    assert len(source.clips) == len(source.skipped) == 1
