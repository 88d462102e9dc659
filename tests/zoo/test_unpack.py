"""Archives that would write elsewhere, write other things than files, or write without end."""

import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest

from zoo import unpack as module
from zoo.unpack import unpack

FILES = {"small/config.json": b"{}", "small/deep/weights": b"numbers" * 20_000}
LONG = "long/" + "name" * 50


@pytest.fixture
def folder(tmp_path):
    """An empty folder to unpack into, beside which nothing may appear."""
    folder = tmp_path / "around" / "folder"
    folder.mkdir(parents=True)
    yield folder
    assert os.listdir(tmp_path / "around") == ["folder"]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_zip(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def member(name, **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def write_tar(path, members, mode="w", form=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def plain(files):
    return [(member(name, size=len(content)), content) for name, content in files.items()]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_unpacks_zip(tmp_path, folder, method):
    unpack(write_zip(tmp_path / "x", {"small/": b"", **FILES}, method), folder)
    assert contents(folder) == FILES


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unpacks_tar(tmp_path, folder, mode, form):
    files = {**FILES, **({LONG: b"x"} if form != tarfile.USTAR_FORMAT else {})}
    members = [(member("./small", type=tarfile.DIRTYPE), b""), *plain(files)]
    members[-1][0].pax_headers["mtime"] = "1.5"
    unpack(write_tar(tmp_path / "x", members, mode, form), folder)
    assert contents(folder) == files


def test_permissions_do_not_count(tmp_path, folder):
    info = member("set", mode=0o4777)
    unpack(write_tar(tmp_path / "x", [(info, b"")]), folder)
    (tmp_path / "plain").touch()
    assert (folder / "set").stat().st_mode == (tmp_path / "plain").stat().st_mode


ELSEWHERE = ["/evil", "../evil", "a/../../evil", "..", "a\\..\\..\\evil", "C:evil", "//evil"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_paths_that_lead_elsewhere_are_refused(tmp_path, folder, name):
    for archive in (
        write_zip(tmp_path / "zip", {"good": b"", name: b""}),
        write_tar(tmp_path / "tar", plain({"good": b"", name: b""})),
    ):
        with pytest.raises(ValueError, match="a path that leads out of its folder, "):
            unpack(archive, folder)
        assert contents(folder) == {}


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CONTTYPE,
        b"Z",
    ],
)
def test_members_that_are_no_files_are_refused(tmp_path, folder, kind):
    info = member("good", type=kind, linkname="../evil")
    with pytest.raises(ValueError, match="holds 'good', which is neither a file nor a folder"):
        unpack(write_tar(tmp_path / "x", [*plain(FILES), (info, b"")]), folder)
    assert contents(folder) == {}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_entries_that_are_no_files_are_refused(tmp_path, folder, kind):
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr(info, "../evil")
    with pytest.raises(ValueError, match="holds 'link', which is neither a file nor a folder"):
        unpack(tmp_path / "x", folder)
    assert contents(folder) == {}


@pytest.mark.parametrize("names", [["a", "./a"], ["a", "a/b"], ["a/b", "a"], ["."]])
def test_names_that_are_taken_are_refused(tmp_path, folder, names):
    for archive in (
        write_zip(tmp_path / "zip", dict.fromkeys(names, b"")),
        write_tar(tmp_path / "tar", plain(dict.fromkeys(names, b""))),
    ):
        for path in [*folder.rglob("*")][::-1]:
            path.rmdir() if path.is_dir() else path.unlink()
        with pytest.raises(ValueError, match="holds two things of the name"):
            unpack(archive, folder)


def test_too_much_is_refused(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(module, "_MOST_FILES", 2)
    monkeypatch.setattr(module, "_MOST_BYTES", 100)
    for files in (dict.fromkeys("abc", b""), {"a": bytes(60), "b": bytes(60)}):
        with pytest.raises(ValueError, match=r"; at most (2|100) are allowed"):
            unpack(write_zip(tmp_path / "zip", files), folder)
        with pytest.raises(ValueError, match="holds more than 2 files or 100 bytes"):
            unpack(write_tar(tmp_path / "tar", plain(files)), folder)
    assert contents(folder) == {}


def header(name, kind, size):
    """A header that claims a size."""
    info = member(name, type=kind)
    data = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    data[124:136] = size.to_bytes(12, "big", signed=True)
    data[124] |= 0x80  # as numbers are written that octal digits are too few for
    total = sum(data[:148]) + sum(data[156:]) + 8 * ord(" ")
    data[148:156] = b"%06o\0 " % total
    return bytes(data)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [1 << 23, 1 << 40, -1, -512, -(1 << 40)])
def test_headers_of_absurd_size_are_not_read(tmp_path, folder, kind, size):
    with gzip.open(tmp_path / "x", "wb", 1) as file:
        file.write(header("long", kind, size))
        file.write(bytes(1 << 24))
    with pytest.raises(ValueError, match="is not a zip or tar archive, or is damaged"):
        unpack(tmp_path / "x", folder)


@pytest.mark.parametrize("size", [1 << 32, 1 << 80, -1, -(1 << 40)])
def test_files_of_absurd_size_are_not_written(tmp_path, folder, size):
    (tmp_path / "x").write_bytes(header("big", tarfile.REGTYPE, size) + bytes(4096))
    with pytest.raises(ValueError, match="holds more than 1000 files or 2147483648 bytes"):
        unpack(tmp_path / "x", folder)
    assert contents(folder) == {}


def test_chains_of_headers_end(tmp_path, folder):
    (tmp_path / "x").write_bytes(header("g", tarfile.XHDTYPE, 0) * 5000 + bytes(1024))
    with pytest.raises(ValueError, match="is not a zip or tar archive, or is damaged"):
        unpack(tmp_path / "x", folder)


def test_sparse_files_are_refused(tmp_path, folder):
    """They write more than they take."""
    info = member("hole")
    info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 40)}
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        unpack(write_tar(tmp_path / "x", [(info, b"")]), folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404</html>",
        b"PK\3\4",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00 noise and so on",
        b"BZh9",
    ],
)
def test_what_is_no_archive_is_refused(tmp_path, folder, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        unpack(tmp_path / "x", folder)


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_archives_that_are_cut_short_are_refused(tmp_path, folder, form):
    files = {"noise": os.urandom(200_000)}
    whole = tmp_path / "whole"
    if form == "zip":
        write_zip(whole, files)
    else:
        write_tar(whole, plain(files), "w:gz" if form == "tar.gz" else "w")
    (tmp_path / "x").write_bytes(whole.read_bytes()[:150_000])
    with pytest.raises(ValueError, match="damaged"):
        unpack(tmp_path / "x", folder)
