"""What holds for sources of all forms: labels, ids, held-out clips, and what is no source."""

import pytest

from zoo.data import read_source
from zoo.labels import Label


@pytest.fixture
def manifest(sound, text):
    """A function that writes a manifest of clips with these labels, one each."""

    def write(*labels, split="train"):
        rows = []
        for number, label in enumerate(labels):
            sound(f"{number}.wav")
            rows.append(f'{number}.wav,"{label}",{split}')
        return text("list.csv", "\n".join(["file,label,split", *rows]) + "\n")

    return write


def test_ontology_gives_names_and_ids(manifest, ontology):
    source = read_source(manifest("Rain", "/m/4", "Squelch"), ontology=ontology)
    assert [clip.labels for clip in source.clips] == [
        ("Rain",),
        ("Electric guitar, amplified",),
        ("Squelch",),
    ]
    assert source.labels == [
        Label("Electric guitar, amplified", "/m/4"),
        Label("Rain", "/m/6"),
        Label("Squelch"),
    ]


def test_parents_are_implied_on_request(manifest, ontology):
    source = read_source(manifest("Bass guitar", "Rain"), ontology=ontology, imply_parents=True)
    assert [clip.labels for clip in source.clips] == [
        ("Bass guitar", "Guitar", "Bass", "Music"),
        ("Rain",),
    ]
    assert [label.mid for label in source.labels] == ["/m/5", "/m/3", "/m/2", "/m/1", "/m/6"]


def test_parents_need_an_ontology(manifest):
    with pytest.raises(ValueError, match="implied by an ontology"):
        read_source(manifest("Rain"), imply_parents=True)


def test_parents_of_audiosets_classes_come_after_the_class_list(sound, text, ontology):
    text("class_labels_indices.csv", "index,mid,display_name\n0,/m/6,Rain\n1,/m/3,Bass guitar\n")
    sound("-0BIyqJj9ZU.wav")
    segments = text("eval_segments.csv", '-0BIyqJj9ZU, 0.000, 10.000, "/m/3"\n')
    source = read_source(segments, ontology=ontology, imply_parents=True)
    assert source.clips[0].labels == ("Bass guitar", "Guitar", "Bass", "Music")
    assert [label.name for label in source.labels] == [
        "Rain",
        "Bass guitar",
        "Bass",
        "Guitar",
        "Music",
    ]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "7",
        '[{"id": "/m/1"}]',
        "[1]",
        '[{"id": "/m/1", "name": "A", "child_ids": true}]',
        '[{"id": "/m/1", "name": "A", "child_ids": [["/m/1"]]}]',
        '[{"id": "/m/1", "name": null, "child_ids": []}]',
        "[" * 100_000,
    ],
)
def test_what_is_no_ontology_is_an_error(manifest, text, content):
    path = text("other.json", content)
    with pytest.raises(ValueError, match=r"other.json is not AudioSet's ontology.json"):
        read_source(manifest("Rain"), ontology=path)


def test_list_fixes_classes_and_their_order(manifest, text):
    classes = text("classes.txt", "Wind\n\nRain\nBaby cry, infant cry\n")
    source = read_source(manifest("Rain", "Baby cry, infant cry"), labels=classes)
    assert [label.name for label in source.labels] == ["Wind", "Rain", "Baby cry, infant cry"]


def test_list_in_audiosets_form_knows_ids(manifest, text):
    classes = text("classes.csv", "index,mid,display_name\n0,/m/9,Wind\n1,/m/6,Rain\n")
    source = read_source(manifest("/m/6", "Wind"), labels=classes)
    assert [clip.labels for clip in source.clips] == [("Rain",), ("Wind",)]
    assert source.labels == [Label("Wind", "/m/9"), Label("Rain", "/m/6")]


def test_list_keeps_out_parents_that_it_does_not_name(manifest, text, ontology):
    classes = text("classes.txt", "Music\nBass guitar\n")
    source = read_source(
        manifest("Bass guitar"), labels=classes, ontology=ontology, imply_parents=True
    )
    assert source.clips[0].labels == ("Bass guitar", "Music")
    assert source.labels == [Label("Music", "/m/1"), Label("Bass guitar", "/m/3")]


def test_label_that_is_not_in_the_list_is_an_error(manifest, text):
    classes = text("classes.txt", "Wind\nSnow\n")
    with pytest.raises(ValueError, match=r"0\.wav has the label 'Rain', which is not in the list"):
        read_source(manifest("Rain"), labels=classes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Rain\nRain\n", "'Rain' twice"),
        ("\n", "at least one class"),
        ("index,mid,display_name\n1,/m/1\n", "must be a name"),
    ],
)
def test_what_is_no_list_of_classes_is_an_error(manifest, text, content, message):
    with pytest.raises(ValueError, match=f"classes.txt is not a list of classes: .*{message}"):
        read_source(manifest("Rain"), labels=text("classes.txt", content))


def test_names_may_look_like_the_columns_of_a_list(manifest, text):
    classes = text("classes.txt", "display_names,mid\nRain\n")
    source = read_source(manifest("Rain"), labels=classes)
    assert source.labels == [Label("display_names,mid"), Label("Rain")]


def test_held_out_clips_go_by_their_ids(tmp_path, sound):
    for number in range(100):
        sound(f"data/dog/{number}.wav", samples=10)
    before = {clip.id: clip.split for clip in read_source(tmp_path / "data", hold_out=0.3).clips}
    for number in range(100, 120):
        sound(f"data/dog/{number}.wav", samples=10)
    after = {clip.id: clip.split for clip in read_source(tmp_path / "data", hold_out=0.3).clips}
    wider = {clip.id: clip.split for clip in read_source(tmp_path / "data", hold_out=0.6).clips}
    assert set(before.values()) == {"train", "validation"}
    assert 20 < list(before.values()).count("validation") < 40
    assert before.items() <= after.items()
    assert all(wider[name] == "validation" for name in after if after[name] == "validation")


def test_clips_of_a_source_are_held_out_together(sound, text):
    rows = ["file,label,source"]
    for number in range(12):
        sound(f"{number}.wav")
        rows.append(f"{number}.wav,{'Rain' if number < 6 else 'Wind'},{number // 2}")
    source = read_source(text("list.csv", "\n".join(rows)), hold_out=0.2)
    splits = [clip.split for clip in source.clips]
    assert splits[::2] == splits[1::2]
    for of_class in (splits[:6], splits[6:]):
        assert set(of_class) == {"train", "validation"}


def test_only_train_is_held_out_of(manifest):
    with pytest.raises(ValueError, match="no split 'train'"):
        read_source(manifest("Rain", split="test"), hold_out=0.5)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_share_must_be_one(manifest, share):
    with pytest.raises(ValueError, match=r"to hold out must be from 0 to below 1. Received: "):
        read_source(manifest("Rain"), hold_out=share)


def test_what_is_no_source_is_an_error(tmp_path, sound):
    with pytest.raises(ValueError, match=r"a.wav is neither a folder nor a table"):
        read_source(sound("a.wav"))
    for name in ("missing", "missing.csv", "missing_segments.csv"):
        with pytest.raises(FileNotFoundError, match=name):
            read_source(tmp_path / name)


@pytest.mark.parametrize("table", ["manifest.csv", "manifest.tsv", "manifest.txt"])
def test_a_manifest_in_a_wrapping_folder_is_found_above_the_folders_of_its_files(
    tmp_path, sound, text, table
):
    sound("zip/set/audio/part1/a.wav")
    sound("zip/set/audio/part2/b.wav")
    text(f"zip/set/{table}", "file\tlabel\naudio/part1/a.wav\tdog\naudio/part2/b.wav\tcat\n")
    assert [label.name for label in read_source(tmp_path / "zip").labels] == ["cat", "dog"]
