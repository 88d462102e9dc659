"""The files that travel behind a TFLite model: a zip archive at the end of it."""

import hashlib
import io
import zipfile
from collections.abc import Mapping

from zoo.zip_directory import STORED, read_directory, read_entry

CHECKSUM = "sha256.txt"
"""The file that holds the SHA-256, in hex, of all that comes before the archive."""

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of an archive's dates: the same model gives the same bytes

# Labels of AudioSet are some 12 kB; whoever writes many thousands stays below these.
_MOST_FILES = 64
_MOST_BYTES = 1 << 22


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
        ValueError: the archive is damaged, compressed or of more than labels and the like take, or
            the model is not as its checksum says. The message goes on from the model's name.
    """
    file = io.BytesIO(model)
    entries = read_directory(file, most_files=_MOST_FILES, most_bytes=_MOST_BYTES)
    if not entries:
        return {}
    for entry in entries:
        if entry.method != STORED:
            raise ValueError("ends in an archive that is compressed, which phones cannot map")
    files = {entry.name: b"".join(read_entry(file, entry)) for entry in entries}
    if CHECKSUM in files:
        found = hashlib.sha256(memoryview(model)[: entries[0].begin]).hexdigest()
        if found.encode() != files[CHECKSUM].lower():
            raise ValueError("was damaged or changed after its export: its checksum differs")
    return files
