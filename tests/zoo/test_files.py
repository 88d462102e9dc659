import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from zoo import files
from zoo.files import (
    as_sha256,
    check_writable,
    read_lines,
    replace_folder,
    sha256,
    write_atomically,
    write_lines,
)
from zoo.locks import Lock


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


def test_a_pipe_of_the_process_may_be_written_to():
    reads, writes = os.pipe()
    with write_atomically(f"/dev/fd/{writes}") as file:
        file.write(b"heard")
    os.close(writes)
    with open(reads, "rb") as file:
        assert file.read() == b"heard"


@pytest.mark.skipif(sys.platform == "win32", reason="devices have no folders there")
def test_a_device_in_a_folder_that_is_read_only_may_be_written_to(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    check_writable(os.devnull)


def fill(path, text, **options):
    """Replaces a folder, of the kind that holds a "mark", by one of this text."""
    with replace_folder(path, "thing", "mark", **options) as folder:
        (folder / "mark").write_text(text)


def test_folder_takes_its_place_when_complete(tmp_path):
    path = tmp_path / "new" / "thing"
    fill(path, "old")
    (path / "other").touch()
    with replace_folder(path, "thing", "mark", overwrite=True) as folder:
        (folder / "mark").write_text("new")
        assert folder.name == "thing"
        assert (path / "mark").read_text() == "old"
    assert (path / "mark").read_text() == "new"
    assert os.listdir(path) == ["mark"]
    assert os.listdir(path.parent) == ["thing"]


def test_folder_has_the_permissions_of_one_made_plainly(tmp_path):
    fill(tmp_path / "atomic", "new")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_folder_is_not_replaced_unasked(tmp_path):
    fill(tmp_path / "thing", "mine")
    with pytest.raises(FileExistsError, match="thing exists; pass overwrite=True to replace it"):
        fill(tmp_path / "thing", "new")
    assert (tmp_path / "thing" / "mark").read_text() == "mine"


def test_folder_that_another_process_made_meanwhile_is_not_replaced_unasked(tmp_path):
    def late():
        with replace_folder(tmp_path / "thing", "thing", "mark") as folder:
            (folder / "mark").write_text("late")
            fill(tmp_path / "thing", "early")

    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        late()
    assert (tmp_path / "thing" / "mark").read_text() == "early"
    assert os.listdir(tmp_path) == ["thing"]


@pytest.mark.parametrize("make", [os.mkdir, os.mknod])
def test_nothing_of_another_kind_is_replaced(tmp_path, make):
    make(tmp_path / "other")
    with pytest.raises(FileExistsError, match="is not a thing, so it is not replaced"):
        fill(tmp_path / "other", "new", overwrite=True)
    assert os.listdir(tmp_path) == ["other"]
    assert not (tmp_path / "other" / "mark").exists()


def test_error_leaves_the_folder_that_was_there(tmp_path):
    fill(tmp_path / "thing", "old")
    with pytest.raises(TypeError):
        fill(tmp_path / "thing", None, overwrite=True)
    assert (tmp_path / "thing" / "mark").read_text() == "old"
    assert os.listdir(tmp_path) == ["thing"]


# Replaces a folder again and again, each time killed one step later, until it is not killed.
KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from zoo import files

def kill_at(step):
    steps = itertools.count()
    def count(*_):
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)

path = Path(sys.argv[1])
for step in itertools.count():
    child = os.fork()
    if not child:
        kill_at(step)
        with files.replace_folder(path, "thing", "mark", overwrite=True) as folder:
            (folder / "mark").write_text(f"new {step}")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print((path / "mark").read_text())
    if not status:
        break
"""

# Looks at a folder all the time that another process replaces it; counts what it saw.
WATCHED = """
import os, sys
from pathlib import Path
from zoo import files

path = Path(sys.argv[1])
child = os.fork()
if not child:
    for turn in range(100):
        with files.replace_folder(path, "thing", "mark", overwrite=True) as folder:
            (folder / "mark").write_text(f"new {turn}")
    os._exit(0)
seen = set()
while not os.waitpid(child, os.WNOHANG)[0]:
    seen.add((path / "mark").read_text())
print(len(seen))
"""


@pytest.fixture
def no_exchange(monkeypatch):
    """As on a file system that cannot exchange folders."""
    monkeypatch.setattr(files, "exchange", lambda one, other: False)


def run(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges folders, and forks")
def test_killed_at_any_step_the_folder_is_there(tmp_path):
    fill(tmp_path / "thing", "old")
    found = run(KILLED, tmp_path / "thing")
    assert len(found) > 10
    assert found[0] == "old"
    assert found[-1] == f"new {len(found) - 1}"
    for step, (before, after) in enumerate(itertools.pairwise(found)):
        assert after in (before, f"new {step + 1}")


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges folders, and forks")
def test_who_looks_always_finds_a_folder(tmp_path):
    fill(tmp_path / "thing", "old")
    (seen,) = run(WATCHED, tmp_path / "thing")
    assert int(seen) > 1


def leave(folder):
    """Makes what killed processes may have left of "thing", and others."""
    names = [".thing.unfinished-old", ".thing.unfinished-new", ".thing.mine", ".thing.replaced-old"]
    for name in names:
        (folder / name / "thing").mkdir(parents=True)
    return names


def write_file(path):
    with write_atomically(path) as file:
        file.write(b"new")


def write_folder(path):
    fill(path, "new")


@pytest.mark.parametrize("write", [write_file, write_folder])
@pytest.mark.skipif(sys.platform == "win32", reason="has no locks of folders")
def test_what_killed_processes_left_is_removed_and_what_others_write_is_not(tmp_path, write):
    names = leave(tmp_path)
    with Lock(tmp_path / names[1]):
        write(tmp_path / "thing")
    assert sorted(os.listdir(tmp_path)) == sorted([*names[1:], "thing"])


def test_where_there_are_no_locks_what_processes_left_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.locks.fcntl", None)
    names = leave(tmp_path)
    fill(tmp_path / "thing", "new")
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "thing"])


def test_a_folder_that_is_taken_for_abandoned_before_it_is_locked(tmp_path, monkeypatch):
    made = []

    def make(**options):
        made.append(mkdtemp(**options))
        if len(made) == 1:
            os.rmdir(made[0])
        return made[-1]

    mkdtemp = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", make)
    fill(tmp_path / "thing", "new")
    assert len(made) == 2
    assert os.listdir(tmp_path) == ["thing"]


def refuse_to_move(monkeypatch, *names):
    """Lets moves of folders fail whose paths match one of these patterns."""
    replace = os.replace

    def move(source, target):
        if any(Path(source).match(name) for name in names):
            raise OSError("the disk is gone")
        replace(source, target)

    monkeypatch.setattr(os, "replace", move)


def test_folder_is_replaced_where_folders_cannot_be_exchanged(tmp_path, no_exchange):
    fill(tmp_path / "thing", "old")
    fill(tmp_path / "thing", "new", overwrite=True)
    assert (tmp_path / "thing" / "mark").read_text() == "new"
    assert os.listdir(tmp_path) == ["thing"]


def test_folder_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path, no_exchange, monkeypatch
):
    fill(tmp_path / "thing", "old")
    refuse_to_move(monkeypatch, ".thing.unfinished-*/thing")
    with pytest.raises(OSError, match="the disk is gone"):
        fill(tmp_path / "thing", "new", overwrite=True)
    assert (tmp_path / "thing" / "mark").read_text() == "old"
    assert os.listdir(tmp_path) == ["thing"]


def test_folder_that_cannot_come_back_is_kept_beside(tmp_path, no_exchange, monkeypatch):
    fill(tmp_path / "thing", "old")
    refuse_to_move(monkeypatch, ".thing.unfinished-*/thing", ".thing.replaced-*")
    with pytest.raises(OSError, match="the disk is gone"):
        fill(tmp_path / "thing", "new", overwrite=True)
    (kept,) = tmp_path.iterdir()
    assert (kept / "mark").read_text() == "old"


def test_folder_of_a_link_is_replaced(tmp_path):
    fill(tmp_path / "target", "old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    fill(tmp_path / "link", "new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target" / "mark").read_text() == "new"


def test_names_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"thing cannot be written: .* is read-only"):
        fill(tmp_path / "thing", "new")


def test_checksum_may_be_in_capitals(tmp_path):
    (tmp_path / "file").touch()
    found = sha256(tmp_path / "file")
    assert as_sha256(found) == as_sha256(found.upper()) == found


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "g" * 64, "0" * 63 + "\n", None, b"0" * 64]
)
def test_other_texts_are_no_checksum(text):
    with pytest.raises(ValueError, match=r"A SHA-256 is 64 hexadecimal digits\. Received: "):
        as_sha256(text)


@given(st.lists(st.binary().map(os.fsdecode) | st.text(st.characters(exclude_categories=["Cs"]))))
def test_lines_hold_whatever_names_of_files_hold(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "names.txt"
    write_lines(path, lines)
    assert read_lines(path) == lines
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    assert len(text.splitlines()) == len(lines)


@pytest.mark.parametrize("line", ["1\n2cafe", "1\u2028cafe", "\\x0a", "\\\\u2028", "\n\\n", "\\\n"])
def test_lines_look_like_their_escapes(tmp_path, line):
    write_lines(tmp_path / "names.txt", [line, line])
    assert read_lines(tmp_path / "names.txt") == [line, line]


def test_lines_are_plain_text_where_names_are(tmp_path):
    write_lines(tmp_path / "names.txt", ["Tür/1", "two\nlines", "a\u2028b", "C:\\new", "t\udcfcr"])
    assert (tmp_path / "names.txt").read_bytes() == (
        "Tür/1\ntwo\\x0alines\na\\u2028b\nC:\\\\new\n".encode() + b"t\xfcr\n"
    )


def test_lines_that_were_not_escaped_are_read_as_they_are(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"dog/1\r\nC:\\dog\\1\r\n")
    assert read_lines(tmp_path / "names.txt") == ["dog/1", "C:\\dog\\1"]
