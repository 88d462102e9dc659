import pytest

from zoo.data import Clip, read_source

TABLE = (
    "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n"
    "100263-2-0-117.wav,100263,58.5,62.5,1,10,2,children_playing\n"
    "100263-2-0-121.wav,100263,60.5,64.5,1,10,2,children_playing\n"
)


@pytest.fixture
def urbansound(tmp_path, text, sound):
    """A function that makes an UrbanSound8K whose folds are in a folder; its third clip is gone."""

    def make(table, folds):
        text(f"data/{table}", TABLE)
        sound(f"data/{folds}fold5/100032-3-0-0.wav")
        sound(f"data/{folds}fold10/100263-2-0-117.wav")
        return tmp_path / "data"

    return make


@pytest.mark.parametrize(
    ("table", "folds"),
    [
        ("metadata/UrbanSound8K.csv", "audio/"),
        ("UrbanSound8K.csv", "audio/"),
        ("UrbanSound8K.csv", ""),
    ],
)
def test_folds_are_splits(urbansound, table, folds):
    folder = urbansound(table, folds)
    source = read_source(folder)
    first, second = folder / f"{folds}fold5", folder / f"{folds}fold10"
    assert source.clips == [
        Clip("100032-3-0-0", first / "100032-3-0-0.wav", ("dog_bark",), "5", "100032"),
        Clip(
            "100263-2-0-117",
            second / "100263-2-0-117.wav",
            ("children_playing",),
            "10",
            "100263",
        ),
    ]
    assert [(clip.clip_id, clip.reason) for clip in source.skipped] == [
        ("100263-2-0-121", f"there is no file {second / '100263-2-0-121.wav'}")
    ]
    assert read_source(folder / table) == source


def test_table_without_folds_is_an_error(text):
    with pytest.raises(
        ValueError, match=r"lie in folders fold1 to fold10; there are none in .*aud"
    ):
        read_source(text("data/metadata/UrbanSound8K.csv", TABLE))
