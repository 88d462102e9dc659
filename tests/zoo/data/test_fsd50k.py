import pytest

from zoo.data import Clip, read_source
from zoo.labels import Label

DEV = (
    "fname,labels,mids,split\n"
    '64760,"Electric_guitar,Guitar","/m/02sgy,/m/0342h",train\n'
    '16399,"Rain","/m/06mb1",val\n'
    '21914,"Rain","/m/06mb1",train\n'
    '21915,"Rain,Water","/m/06mb1",train\n'
)
EVAL = 'fname,labels,mids\n37199,"Electric_guitar,Guitar","/m/02sgy,/m/0342h"\n'


@pytest.fixture
def fsd50k(tmp_path, text, sound):
    """The folder of an FSD50K of three clips; a fourth is listed and not there."""
    text("FSD50K/FSD50K.ground_truth/dev.csv", DEV)
    text("FSD50K/FSD50K.ground_truth/eval.csv", EVAL)
    for number in (64760, 16399, 21915):
        sound(f"FSD50K/FSD50K.dev_audio/{number}.wav")
    sound("FSD50K/FSD50K.eval_audio/37199.wav")
    return tmp_path / "FSD50K"


def test_both_tables_of_a_folder(fsd50k):
    source = read_source(fsd50k)
    guitar = ("Electric_guitar", "Guitar")
    assert source.clips == [
        Clip("64760", fsd50k / "FSD50K.dev_audio" / "64760.wav", guitar),
        Clip("16399", fsd50k / "FSD50K.dev_audio" / "16399.wav", ("Rain",), "validation"),
        Clip("37199", fsd50k / "FSD50K.eval_audio" / "37199.wav", guitar, "test"),
    ]
    assert source.labels == [
        Label("Electric_guitar", "/m/02sgy"),
        Label("Guitar", "/m/0342h"),
        Label("Rain", "/m/06mb1"),
    ]
    assert [(clip.clip_id, clip.reason) for clip in source.skipped] == [
        ("21914", f"there is no file {fsd50k / 'FSD50K.dev_audio' / '21914.wav'}"),
        ("21915", "line 5 has 2 labels and 1 mids"),
    ]


def test_one_table(fsd50k):
    source = read_source(fsd50k / "FSD50K.ground_truth" / "eval.csv")
    assert [(clip.id, clip.split) for clip in source.clips] == [("37199", "test")]


def test_a_table_of_another_name_is_an_error(text):
    with pytest.raises(ValueError, match=r"tables are dev.csv and eval.csv. Received: .*list.csv"):
        read_source(text("list.csv", EVAL))


def test_tables_of_other_columns_are_an_error(fsd50k):
    (fsd50k / "FSD50K.ground_truth" / "eval.csv").write_text("fname,labels\n1,Rain\n")
    with pytest.raises(
        ValueError, match=r"eval.csv has the columns fname, labels; FSD50K's tables"
    ):
        read_source(fsd50k)
