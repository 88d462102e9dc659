import os

import pytest

from zoo import search
from zoo.search import LeftOut, find_sounds, subfolders


@pytest.fixture
def make(tmp_path):
    """A function that makes an empty file of each name, in a folder whose path it gives."""

    def write(*names):
        for name in names:
            path = tmp_path / "folder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "folder"

    return write


def found(folder):
    """What was found, relative to the folder, and what was left out, in words."""
    files, left_out = find_sounds(folder)
    return [str(file.relative_to(folder)) for file in files], list(map(str, left_out))


def test_every_suffix_of_sound_at_any_depth(make, monkeypatch):
    folder = make("b/deep/2.wav", "a.FLAC", "b/1.ogg", "b/3.m4a")
    monkeypatch.setattr(search, "SUFFIXES", {".wav", ".flac", ".ogg", ".m4a"})
    assert found(folder) == (["a.FLAC", "b/1.ogg", "b/3.m4a", "b/deep/2.wav"], [])
    assert find_sounds(str(folder)) == find_sounds(folder)


def test_hidden_files_and_those_of_the_system_are_passed_over(make):
    folder = make(
        *("a.wav", "._a.wav", ".DS_Store", ".Trashes/501/b.wav", "__MACOSX/x/._a.wav"),
        *("$RECYCLE.BIN/c.wav", "System Volume Information/d.wav", ".git/hooks/e.wav"),
    )
    assert found(folder) == (["a.wav"], [])
    assert subfolders(folder) == []


def test_what_is_left_out_is_counted_by_suffix_and_folder(make):
    folder = make("a.wav", "x/1.docx", "x/2.DOCX", "x/3.txt", "x/y/4.txt", "README", "x/.b.wav")
    assert find_sounds(folder).left_out == [
        LeftOut(1, "without a suffix", str(folder)),
        LeftOut(2, ".docx", str(folder / "x")),
        LeftOut(1, ".txt", str(folder / "x")),
        LeftOut(1, "hidden .wav", str(folder / "x")),
        LeftOut(1, ".txt", str(folder / "x" / "y")),
    ]


def test_links_are_followed_once(make, tmp_path):
    folder = make("a/1.wav", "b/2.wav")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "3.wav").touch()
    (folder / "c").symlink_to(tmp_path / "elsewhere")
    (folder / "0").symlink_to(folder / "a")  # comes before a, which is searched
    (folder / "b" / "up").symlink_to(folder)
    (folder / "d").symlink_to(tmp_path / "elsewhere")
    assert found(folder) == (
        ["a/1.wav", "b/2.wav", "c/3.wav"],
        [
            f"1 link to a folder that is searched elsewhere in {folder / name}/"
            for name in ("0", "b/up", "d")
        ],
    )


def test_a_folder_that_is_a_link_is_searched(make, tmp_path):
    (tmp_path / "link").symlink_to(make("a.wav"))
    assert found(tmp_path / "link") == (["a.wav"], [])


def test_links_to_files_are_files_and_broken_ones_are_counted(make):
    folder = make("a.wav")
    (folder / "b.wav").symlink_to(folder / "a.wav")
    (folder / "c.wav").symlink_to(folder / "gone.wav")
    os.mkfifo(folder / "d.wav")
    assert found(folder) == (["a.wav", "b.wav"], [f"2 .wav that is no file in {folder}/"])


def test_names_need_not_be_text(make):
    names = [os.fsdecode(b"t\xfcr.wav"), "two\nlines.wav", "a\u2028b.wav"]
    assert found(make(*names))[0] == sorted(names)


def test_a_folder_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_sounds(tmp_path / "nowhere")


def test_a_folder_within_that_cannot_be_read_is_counted(make, monkeypatch):
    folder = make("a.wav", "lost+found/b.wav")
    entries = search._entries

    def refuse(path):
        if os.fspath(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied", path)
        return entries(path)

    monkeypatch.setattr(search, "_entries", refuse)
    left_out = [f"1 folder that cannot be read in {folder / 'lost+found'}/"]
    assert found(folder) == (["a.wav"], left_out)
    with pytest.raises(PermissionError):
        find_sounds(folder / "lost+found")


def test_links_that_lead_in_a_circle_are_no_files(make):
    folder = make("a.wav")
    (folder / "b.wav").symlink_to("b.wav")
    assert found(folder) == (["a.wav"], [f"1 .wav that is no file in {folder}/"])
    assert subfolders(folder) == []
