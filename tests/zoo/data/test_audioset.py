import pytest

from zoo.data import read_source
from zoo.labels import Label

CLASSES = 'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n'
OFFICIAL = (
    "# Segments csv created Sun Mar  5 10:54:31 2017\n"
    "# num_ytids=20371, num_segs=20371, num_unique_labels=527, num_positive_labels=51804\n"
    "# YTID, start_seconds, end_seconds, positive_labels\n"
    '--4gqARaEJE, 0.000, 10.000, "/m/05zppz,/m/09x0r"\n'
    '-0BIyqJj9ZU, 30.000, 40.500, "/m/09x0r"\n'
)
CIRCULATING = (
    '--4gqARaEJE,0.000,10.000,"""/m/05zppz","/m/09x0r""",,,,\r\n'
    '-0BIyqJj9ZU,30.000,40.500,"""/m/09x0r""",,,,,\r\n'
)


@pytest.fixture
def audioset(text):
    """A function that writes a list of segments, beside the class list, and gives its path."""
    text("class_labels_indices.csv", CLASSES)
    return lambda content, name="eval_segments.csv": text(name, content)


@pytest.mark.parametrize("content", [OFFICIAL, CIRCULATING], ids=["official", "circulating"])
def test_both_forms_of_the_list(tmp_path, sound, audioset, content):
    sound("wav/--4gqARaEJE.wav")
    sound("wav/deeper/-0BIyqJj9ZU.wav")
    source = read_source(audioset(content), clips=tmp_path / "wav")
    assert [(clip.id, clip.labels, clip.split) for clip in source.clips] == [
        ("--4gqARaEJE", ("Male speech, man speaking", "Speech"), "test"),
        ("-0BIyqJj9ZU", ("Speech",), "test"),
    ]
    assert source.labels == [
        Label("Speech", "/m/09x0r"),
        Label("Male speech, man speaking", "/m/05zppz"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("{}", "Y{}", "{}_30_40.5", "Y{}_30.000_40.500", "{}_30000_40500"),
        *("{}_30", "Y{}_30.0", "{}_30.000", "{}_000030", "{}_30000", "{}_30.0-40.5", "{}_30_40"),
    ],
)
def test_names_of_clips(sound, audioset, name):
    path = sound(f"{name.format('-0BIyqJj9ZU')}.flac")
    source = read_source(audioset(OFFICIAL))
    assert [(clip.id, clip.path) for clip in source.clips] == [("-0BIyqJj9ZU", path)]


@pytest.mark.parametrize("name", ["Y_aaaaaaaa_", "aaaaaaaaa_5", "Yaaaaaaaa_3"])
def test_ids_that_look_like_more(sound, audioset, name):
    for form in ("{}", "Y{}", "{}_5.5", "{}_5.5_15.5", "Y{}_5500"):
        path = sound(f"{form.format(name)}.wav")
        source = read_source(audioset(f'{name}, 5.500, 15.500, "/m/09x0r"\n'))
        assert [(clip.id, clip.path) for clip in source.clips] == [(name, path)], form
        path.unlink()


def test_files_that_no_segment_names_are_counted(tmp_path, sound, audioset, text):
    sound("wav/-0BIyqJj9ZU_30.wav")
    sound("wav/--4gqARaEJE_200.wav")  # another part of that recording
    sound("wav/more/voice memo.wav")
    text("wav/notes.txt", "")
    source = read_source(audioset(OFFICIAL), clips=tmp_path / "wav")
    assert [clip.id for clip in source.clips] == ["-0BIyqJj9ZU"]
    assert [clip.reason for clip in source.skipped] == [
        f"there is no sound file of this id below {tmp_path / 'wav'}, but of another start"
    ]
    assert list(map(str, source.left_out)) == [
        f"1 .wav that no segment names in {tmp_path / 'wav'}/",
        f"1 .wav that no segment names in {tmp_path / 'wav' / 'more'}/",
        f"1 .txt in {tmp_path / 'wav'}/",
    ]


def test_clips_that_are_not_there_are_skipped(tmp_path, sound, audioset):
    sound("wav/-0BIyqJj9ZU.wav")
    odd = "nonsense\n--4gqARaEJE, 1.2.3, 10.0, /m/068hy\n"
    source = read_source(audioset(OFFICIAL + odd), clips=tmp_path / "wav")
    assert len(source.clips) == 1
    assert [(clip.clip_id, clip.reason) for clip in source.skipped] == [
        ("--4gqARaEJE", f"there is no sound file of this id below {tmp_path / 'wav'}"),
        ("", "line 6 is not a segment: nonsense"),
        ("", "line 7 is not a segment: --4gqARaEJE, 1.2.3, 10.0, /m/068hy"),
    ]


def test_folder_of_lists_has_their_splits(tmp_path, sound, audioset):
    for name in ("--4gqARaEJE", "-0BIyqJj9ZU", "train______"):
        sound(f"{name}.wav")
    audioset(OFFICIAL)
    audioset("train______,0.0,10.0,/m/09x0r\n", "balanced_train_segments.csv")
    source = read_source(tmp_path)
    assert sorted((clip.split, clip.id) for clip in source.clips) == [
        ("test", "--4gqARaEJE"),
        ("test", "-0BIyqJj9ZU"),
        ("train", "train______"),
    ]


def test_two_files_of_one_id_are_an_error(sound, audioset):
    sound("-0BIyqJj9ZU.wav")
    sound("Y-0BIyqJj9ZU.flac")
    with pytest.raises(ValueError, match=r"the id -0BIyqJj9ZU: .*U\.wav and .*Y-0BIyqJj9ZU\.flac"):
        read_source(audioset(OFFICIAL))


def test_a_segment_that_is_listed_twice_is_an_error(tmp_path, sound, audioset):
    sound("-0BIyqJj9ZU.wav")
    audioset(OFFICIAL)
    audioset(OFFICIAL, "my_segments.csv")
    with pytest.raises(ValueError, match=r"Two clips have the id -0BIyqJj9ZU: .* list it once"):
        read_source(tmp_path)


def test_class_that_is_not_listed_is_an_error(audioset):
    with pytest.raises(ValueError, match=r"has the label /m/12345 at line 1, which .*indices.csv"):
        read_source(audioset("-0BIyqJj9ZU,0,10,/m/12345\n"))


def test_list_needs_the_class_list(text):
    with pytest.raises(FileNotFoundError, match=r"class_labels_indices.csv"):
        read_source(text("eval_segments.csv", OFFICIAL))


def test_clips_folder_is_for_audioset(tmp_path, text):
    with pytest.raises(ValueError, match=r"goes with AudioSet's \*_segments.csv. Received: .*list"):
        read_source(text("list.csv", "file,label\na.wav,Rain\n"), clips=tmp_path)


def test_the_real_list(tmp_path, sound, shared_data):
    sound("Y--4gqARaEJE_0_10.wav")
    folder = shared_data / "audioset"
    source = read_source(folder / "eval_segments.csv", clips=tmp_path)
    assert [label.name for label in source.labels[:2]] == ["Speech", "Male speech, man speaking"]
    assert (len(source.labels), len(source.skipped)) == (527, 20370)
    (clip,) = source.clips
    assert clip.labels == ("Domestic animals, pets", "Squeak", "Dog", "Animal")
