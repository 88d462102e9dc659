import os

import pytest

from zoo.files import write_atomically


def test_takes_its_place_when_complete(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with write_atomically(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_has_the_permissions_of_a_file_written_plainly(tmp_path):
    with write_atomically(tmp_path / "atomic"):
        pass
    (tmp_path / "plain").touch()
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), write_atomically(path) as file:
        file.writelines([b"half", "not bytes"])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.bin"]


def test_names_a_folder_that_is_missing(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="there is no folder"),
        write_atomically(tmp_path / "missing" / "file.bin"),
    ):
        pass


def test_names_a_directory(tmp_path):
    with pytest.raises(IsADirectoryError, match="name a file"), write_atomically(tmp_path):
        pass


def test_follows_links(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with write_atomically(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_writes_to_a_device_and_leaves_it_one():
    with write_atomically(os.devnull) as file:
        file.write(b"gone")
    assert not os.path.isfile(os.devnull)
