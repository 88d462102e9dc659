"""Zip archives from elsewhere: what they hold is judged before anything is inflated.

`zipfile` believes what an archive says of itself. Here an archive must agree with itself: the
directory at its end with the header before each file, and all places with each other.
"""

import os
import struct
import zlib
from typing import NamedTuple

STORED, DEFLATED = 0, 8
"""Methods of compression, by their numbers in the format."""

# The format's records (PKWARE's APPNOTE.TXT, 4.3): at the archive's end, for each file in the
# directory, and before each file's bytes.
_END, _END_SIGNATURE = struct.Struct("<4s4H2IH"), b"PK\5\6"
_ENTRY, _ENTRY_SIGNATURE = struct.Struct("<4s6H3I5H2I"), b"PK\1\2"
_HEADER, _HEADER_SIGNATURE = struct.Struct("<4s5H3I2H"), b"PK\3\4"
_LONGEST_COMMENT = 0xFFFF

_SIZES_FOLLOW, _UTF8 = 1 << 3, 1 << 11
_FLAGS = _SIZES_FOLLOW | _UTF8 | 0b110  # the last: how hard the compressor tried. No encryption.
_BLOCK = 1 << 16


class Entry(NamedTuple):
    """A file in an archive.

    Attributes:
        begin: where its header begins in the archive.
        name: as the archive has it; a folder's ends in "/".
        method: `STORED` or `DEFLATED`.
        start: where its bytes begin, behind the header.
        packed: how many they are.
        size: how many they are once inflated.
        crc: their CRC-32 once inflated.
        mode: Unix type and permissions; 0 where the archive does not tell.
    """

    begin: int
    name: str
    method: int
    start: int
    packed: int
    size: int
    crc: int
    mode: int


def read_directory(file, *, most_files, most_bytes):
    """What a zip archive holds.

    Args:
        file: a seekable binary file, which the archive ends; other content may come before it.
        most_files: how many are allowed.
        most_bytes: how many are allowed once all files are inflated.

    Returns:
        List of `Entry` in the order of their places; None if the file does not end in an archive.

    Raises:
        ValueError: the archive is damaged, contradicts itself or holds too much. The message goes
            on from the file's name.
    """
    try:
        return _read_directory(file, most_files, most_bytes)
    except (struct.error, UnicodeDecodeError):
        raise _damage() from None


def read_entry(file, entry):
    """Yields the content of a file in the archive, in blocks.

    Raises:
        ValueError: it is not what the directory says. The message goes on from the file's name.
    """
    size = crc = 0
    try:
        for block in _inflate(file, entry):
            size, crc = size + len(block), zlib.crc32(block, crc)
            if size > entry.size:
                break
            yield block
    except zlib.error:
        raise _damage() from None
    if (size, crc) != (entry.size, entry.crc):
        raise _damage()


def _damage():
    return ValueError("ends in a damaged archive")


def _read_directory(file, most_files, most_bytes):
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - _END.size - _LONGEST_COMMENT))
    tail = file.read()
    found = tail.rfind(_END_SIGNATURE)
    if found < 0:
        return None
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, found)
    end = length - len(tail) + found
    # Some writers count places from the file's beginning, others from the archive's.
    shift = end - size - offset
    if disk or first_disk or here != count or shift < 0 or end + _END.size + comment != length:
        raise _damage()
    if count > most_files:
        raise ValueError(f"ends in an archive of {count} files; at most {most_files} are allowed")
    file.seek(end - size)
    entries = sorted(_read_entry(file, shift) for _ in range(count))
    if file.tell() != end or len({entry.name for entry in entries}) != count:
        raise _damage()
    total = sum(entry.size for entry in entries)
    if total > most_bytes:
        raise ValueError(f"ends in an archive of {total} bytes; at most {most_bytes} are allowed")
    nexts = [*(entry.begin for entry in entries[1:]), end - size]
    for entry, following in zip(entries, nexts, strict=True):
        if entry.start + entry.packed > following:
            raise _damage()
    return entries


def _read_entry(file, shift):
    """The next entry of the directory, which the header before its file must repeat."""
    fields = _ENTRY.unpack(file.read(_ENTRY.size))
    signature, _, _, flags, method, _, _, *sizes, name, extra, comment, disk = fields[:14]
    mode, begin = fields[15:]
    name = file.read(name)
    following = file.seek(extra + comment, os.SEEK_CUR)

    begin += shift
    file.seek(begin)
    fields = _HEADER.unpack(file.read(_HEADER.size))
    header_signature, _, *about, _, _, crc, packed, size, header_name, extra = fields
    repeated = (
        (signature, header_signature) == (_ENTRY_SIGNATURE, _HEADER_SIGNATURE)
        and about == [flags, method]
        and file.read(header_name) == name
        # Zero in the header where the writer could not know them yet.
        and ([crc, packed, size] == sizes or (flags & _SIZES_FOLLOW and not crc + packed + size))
    )
    if not repeated or disk or (method == STORED and sizes[1] != sizes[2]):
        raise _damage()
    if flags & ~_FLAGS or method not in (STORED, DEFLATED):
        raise ValueError("ends in an archive that is encrypted, or compressed in an unusual way")
    start = file.seek(extra, os.SEEK_CUR)
    file.seek(following)
    crc, packed, size = sizes
    name = name.decode("utf-8" if flags & _UTF8 else "cp437")
    return Entry(begin, name, method, start, packed, size, crc, mode >> 16)


def _inflate(file, entry):
    file.seek(entry.start)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for place in range(0, entry.packed, _BLOCK):
        block = file.read(min(_BLOCK, entry.packed - place))
        if entry.method == STORED:
            yield block
            continue
        if inflater.eof:
            return
        while block:
            yield inflater.decompress(block, _BLOCK)
            block = inflater.unconsumed_tail
    yield inflater.flush()  # a rest of less than a block
