"""Unpacks archives from elsewhere: plain files into one folder, and nothing anywhere else."""

import gzip
import stat
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from zoo.zip_directory import read_directory, read_entry

# A preset has four files; the paper's largest network, with 3087 labels, is 0.25 GB.
_MOST_FILES = 1000
_MOST_BYTES = 1 << 31
_MOST_HEADER_BYTES = 1 << 22
_BLOCK = 1 << 16

_ZIP, _GZIP = b"PK\3\4", b"\x1f\x8b"
_ELSEWHERE = set("\\:\0")  # Windows follows the first two

_DAMAGE = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    RecursionError,  # a chain of headers
)
"""What reading a tar archive raises where a byte is wrong."""


def unpack(path, folder):
    """Unpacks a zip, tar or tar.gz archive of files and folders.

    All that the archive says is checked before anything is written. Owners and permissions in it
    do not count.

    Args:
        path: the archive.
        folder: an empty folder.

    Raises:
        ValueError: the archive is damaged, holds too much, something other than files and folders
            (links, devices), or a path that leads out of the folder. The message goes on from the
            archive's name.
        OSError: a file cannot be read or written.
    """
    with open(path, "rb") as file:
        begins = file.read(4)
        file.seek(0)
        if begins == _ZIP:
            _unpack_zip(file, folder)
        elif begins.startswith(_GZIP):
            with gzip.open(file) as inflated:
                _unpack_tar(inflated, folder)
        else:
            _unpack_tar(file, folder)


def _unpack_zip(file, folder):
    entries = read_directory(file, most_files=_MOST_FILES, most_bytes=_MOST_BYTES)
    if entries is None:
        raise ValueError("is a damaged archive")
    for entry in entries:
        _check(entry.name, stat.S_IFMT(entry.mode) in (0, stat.S_IFREG, stat.S_IFDIR))
    for entry in entries:
        if not entry.name.endswith("/"):
            _write(folder, entry.name, read_entry(file, entry))


def _unpack_tar(file, folder):
    members, total = [], 0
    for member in _read_members(file):
        plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.sparse
        _check(member.name, plain or member.isdir())
        if plain:
            members.append(member)
            total += member.size
        if member.size < 0 or len(members) > _MOST_FILES or total > _MOST_BYTES:
            raise ValueError(f"holds more than {_MOST_FILES} files or {_MOST_BYTES} bytes")
    for member in members:
        _write(folder, member.name, _read_member(file, member))


class _Headers:
    """A tar archive for `tarfile`, which would read headers of whatever length they claim."""

    def __init__(self, file):
        self.file = file
        self.seek, self.tell = file.seek, file.tell
        self.left = _MOST_HEADER_BYTES

    def read(self, size):
        if not 0 <= size <= self.left:
            raise tarfile.ReadError
        self.left -= size
        return self.file.read(size)


def _read_members(file):
    """Yields the members, each before what follows it is looked at."""
    try:
        with tarfile.open(fileobj=_Headers(file), mode="r:") as archive:
            yield from archive
    except _DAMAGE:
        raise ValueError("is not a zip or tar archive, or is damaged") from None


def _read_member(file, member):
    try:
        file.seek(member.offset_data)
        for place in range(0, member.size, _BLOCK):
            block = file.read(min(_BLOCK, member.size - place))
            if not block:
                raise EOFError
            yield block
    except _DAMAGE:
        raise ValueError("is a damaged archive") from None


def _check(name, plain):
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or _ELSEWHERE & set(name):
        raise ValueError(f"holds a path that leads out of its folder, {name!r}")
    if not plain:
        raise ValueError(f"holds {name!r}, which is neither a file nor a folder")


def _write(folder, name, blocks):
    path = Path(folder, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.writelines(blocks)
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        raise ValueError(f"holds two things of the name {name!r}") from None
