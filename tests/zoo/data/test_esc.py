import pytest

from zoo.data import Clip, read_source

TABLE = (
    "filename,fold,target,category,esc10,src_file,take\n"
    "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
    "5-9032-A-14.wav,5,14,chirping_birds,False,9032,A\n"
    "5-99999-A-10.wav,5,10,rain,True,99999,A\n"
)


@pytest.fixture
def esc50(tmp_path, sound, text):
    """The folder of an ESC-50 of two clips; a third is listed and not there."""
    text("ESC-50-master/meta/esc50.csv", TABLE)
    sound("ESC-50-master/audio/1-100032-A-0.wav")
    sound("ESC-50-master/audio/5-9032-A-14.wav")
    return tmp_path / "ESC-50-master"


def test_folds_are_splits(esc50):
    source = read_source(esc50)
    assert source.clips == [
        Clip("1-100032-A-0", esc50 / "audio" / "1-100032-A-0.wav", ("dog",), "1"),
        Clip("5-9032-A-14", esc50 / "audio" / "5-9032-A-14.wav", ("chirping_birds",), "5"),
    ]
    assert [clip.clip_id for clip in source.skipped] == ["5-99999-A-10"]
    assert read_source(esc50 / "meta" / "esc50.csv") == source


def test_esc10_is_a_part(esc50):
    source = read_source(esc50, esc10=True)
    assert [clip.id for clip in source.clips] == ["1-100032-A-0"]
    assert [clip.clip_id for clip in source.skipped] == ["5-99999-A-10"]


def test_esc10_as_a_table_of_file_category_and_fold(tmp_path, sound, text):
    path = sound("rain/1-2-A.ogg")
    text("manifest.csv", "file,category,fold\nrain/1-2-A.ogg,Rain,1\n")
    assert read_source(tmp_path).clips == [Clip("rain/1-2-A", path, ("Rain",), "1")]
    assert read_source(tmp_path, esc10=True).clips == read_source(tmp_path).clips


def test_esc10_of_another_data_set_is_an_error(sound, tmp_path):
    sound("dog/a.wav")
    with pytest.raises(ValueError, match=r"ESC-10 is a part of ESC-50, which .* is not"):
        read_source(tmp_path, esc10=True)


def test_table_without_files_is_an_error(text):
    with pytest.raises(ValueError, match="has the columns category, fold; it needs file, category"):
        read_source(text("table.csv", "category,fold\nRain,1\n"))


def test_esc10(shared_data):
    source = read_source(shared_data / "esc10")
    assert len(source.clips) == 400
    assert len(source.labels) == 10
    assert {clip.split for clip in source.clips} == set("12345")
