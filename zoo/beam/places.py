"""Files wherever workers find them: on disk, or by a URL that Beam knows, as `gs://bucket/name`."""

import contextlib
import os
import posixpath
import shutil
import tempfile
import uuid
from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from zoo.search import check_file, is_hidden

_AS_IT_IS = {"compression_type": CompressionTypes.UNCOMPRESSED}  # whatever its name ends in


def is_remote(path):
    """Whether Beam opens it, and not the operating system."""
    return "://" in os.fspath(path)


def join(folder, *names):
    """The path or URL of a file in a folder."""
    return posixpath.join(os.fspath(folder), *names)


def open_sound(path):
    """A context manager of what is to be read instead of a path or URL, as `score_files` takes
    it.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is a folder, which was searched and holds none.
    """
    if is_remote(path):
        return FileSystems.open(path, **_AS_IT_IS)
    check_file(path)
    return contextlib.nullcontext(path)


def read(place):
    """The bytes of a file, or None if there is none."""
    if not FileSystems.exists(place):
        return None
    with FileSystems.open(place, **_AS_IT_IS) as file:
        return file.read()


def size(place):
    """Bytes that a file has, or None if there is none."""
    if not FileSystems.exists(place):  # `match` would take a name with brackets for a pattern
        return None
    return FileSystems.get_filesystem(place).size(place)


def search(pattern):
    """Paths or URLs of the files that fit a pattern (`*`, `?`, `[...]`, and `**` for folders in
    folders), sorted; without hidden ones, unless the pattern names them."""
    found = sorted(found.path for found in FileSystems.match([pattern])[0].metadata_list)
    named = set(pattern.split("/"))
    return [
        path
        for path in found
        if not any(is_hidden(part) for part in path.split("/") if part not in named)
    ]


def make_folder(folder):
    """Makes a folder, and those above it, where there are none; object stores have none."""
    if not is_remote(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def local_copy(place):
    """The path of a file on this machine: a copy, if it lies elsewhere."""
    if not is_remote(place):
        yield place
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, posixpath.basename(place))
        with FileSystems.open(place, **_AS_IT_IS) as source, open(copy, "wb") as target:
            shutil.copyfileobj(source, target)
        yield copy


@contextlib.contextmanager
def write(place):
    """Opens a binary file that takes its place when the block ends without an error.

    Raises:
        OSError: it cannot be written.
    """
    scratch = f"{place}.{uuid.uuid4().hex}.unfinished"
    try:
        with FileSystems.create(scratch, "application/octet-stream", **_AS_IT_IS) as file:
            yield file
        FileSystems.rename([scratch], [os.fspath(place)])
    except BaseException:
        with contextlib.suppress(BeamIOError):  # it may not have come into being
            FileSystems.delete([scratch])
        raise


def publish(file, place):
    """Copies a file of this machine to its place, where it appears whole or not at all."""
    with open(file, "rb") as source, write(place) as target:
        shutil.copyfileobj(source, target)
