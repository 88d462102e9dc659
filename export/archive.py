"""The files that travel behind a TFLite model: a zip archive at the end of it."""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

CHECKSUM = "sha256.txt"
"""The file that holds the SHA-256, in hex, of all that comes before the archive."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of an archive's dates: the same model gives the same bytes

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # an unknown compression, where a byte is wrong
    OSError,
    RuntimeError,  # encrypted, where a byte is wrong
    ValueError,
)


def append_files(model: bytes, files: Mapping[str, str]) -> bytes:
    """Appends files to a model, and its checksum with them.

    Args:
        model: bytes, a TFLite model without an archive.
        files: dict of names and texts.

    Returns:
        bytes.
    """
    # Readers on phones map the files into memory, and so they stay uncompressed.
    scratch = io.BytesIO(model)
    with zipfile.ZipFile(scratch, "a", zipfile.ZIP_STORED) as archive:
        for name, text in {**files, CHECKSUM: hashlib.sha256(model).hexdigest()}.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), text.encode())
    return scratch.getvalue()


def packed_files(model: bytes) -> dict[str, bytes]:
    """The files behind a model, once its checksum is found to be right.

    Args:
        model: bytes, a TFLite model with or without an archive.

    Returns:
        dict of names and bytes; empty without an archive.

    Raises:
        ValueError: the archive is damaged, or the model is not as its checksum says. The message
            goes on from the model's name.
    """
    file = io.BytesIO(model)
    if not zipfile.is_zipfile(file):
        return {}
    try:
        with zipfile.ZipFile(file) as archive:
            files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
            start = min((entry.header_offset for entry in archive.infolist()), default=0)
    except _DAMAGE:
        raise ValueError("ends in a damaged archive") from None
    if CHECKSUM in files:
        found = hashlib.sha256(memoryview(model)[:start]).hexdigest()
        if found.encode() != files[CHECKSUM]:
            raise ValueError("was damaged or changed after its export: its checksum differs")
    return files
