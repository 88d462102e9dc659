"""Zip archives that lie: of sizes, of places, of how much there is."""

import io
import random
import struct
import zipfile

import pytest

from zoo.zip_directory import DEFLATED, STORED, read_directory, read_entry

NAMES = ["a.txt", "b/c.txt"]
CONTENT = b"some text, " * 1000

# Where fields begin: in a header, in an entry of the directory, in the record at the end.
HEADER = {"flags": 6, "method": 8, "crc": 14, "packed": 18, "size": 22, "name": 30}
ENTRY = {"flags": 8, "method": 10, "packed": 20, "size": 24, "offset": 42, "name": 46}
END = {"here": 8, "count": 10, "size": 12, "offset": 16, "comment": 20}


def archive(*names, method=STORED, before=b"", content=CONTENT):
    """An archive of files of these names."""
    file = io.BytesIO()
    file.write(before)
    with zipfile.ZipFile(file, "a", method) as writer:
        for name in names or NAMES:
            writer.writestr(name, content)
    return file.getvalue()


def read(data, most_files=10, most_bytes=1 << 20):
    """Names and contents in an archive."""
    file = io.BytesIO(data)
    entries = read_directory(file, most_files=most_files, most_bytes=most_bytes)
    return {entry.name: b"".join(read_entry(file, entry)) for entry in entries}


def put(data, record, field, value, code="I"):
    """The archive with another value in the first header, entry or end."""
    signature, fields = {
        "header": (b"PK\3\4", HEADER),
        "entry": (b"PK\1\2", ENTRY),
        "end": (b"PK\5\6", END),
    }[record]
    changed = bytearray(data)
    struct.pack_into(f"<{code}", changed, data.index(signature) + fields[field], value)
    return bytes(changed)


@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("before", [b"", b"a model"])
def test_reads_what_is_there(method, before):
    assert read(archive(method=method, before=before)) == dict.fromkeys(NAMES, CONTENT)
    noise = random.Random(0).randbytes(200_000)
    assert read(archive("n", method=method, content=noise)) == {"n": noise}
    assert read(archive("empty", method=method, content=b"")) == {"empty": b""}


def test_reads_what_was_put_behind_something():
    """Places that count from the archive's own beginning."""
    assert read(b"a model" + archive()) == dict.fromkeys(NAMES, CONTENT)


def test_reads_what_was_written_to_a_pipe():
    """There the sizes follow the file."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation

        tell = seek

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", DEFLATED) as writer:
        writer.writestr("a.txt", CONTENT)
    assert read(pipe.getvalue()) == {"a.txt": CONTENT}


def test_entries_are_described():
    file = io.BytesIO(archive(method=DEFLATED, before=b"a model"))
    first, _ = read_directory(file, most_files=2, most_bytes=len(CONTENT) * 2)
    assert (first.name, first.begin, first.size) == ("a.txt", 7, len(CONTENT))
    assert first.start == 7 + 30 + len("a.txt")
    assert first.packed < first.size / 10


@pytest.mark.parametrize("data", [b"", b"PK", b"a model without an archive"])
def test_what_is_no_archive_has_no_directory(data):
    assert read_directory(io.BytesIO(data), most_files=1, most_bytes=1) is None


def test_too_much_is_refused():
    with pytest.raises(ValueError, match="archive of 2 files; at most 1 are allowed"):
        read(archive(), most_files=1)
    with pytest.raises(ValueError, match="archive of 22000 bytes; at most 21999 are allowed"):
        read(archive(), most_bytes=21_999)


def test_what_is_too_much_is_not_inflated():
    bomb = archive("a.txt", method=DEFLATED, content=bytes(100_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="archive of 100000000 bytes; at most"):
        read(bomb)
    # Nor is what an archive hides.
    for record in ("header", "entry"):
        bomb = put(bomb, record, "size", 1000)
    file, inflated = io.BytesIO(bomb), []
    (entry,) = read_directory(file, most_files=1, most_bytes=1000)
    with pytest.raises(ValueError, match="damaged"):
        inflated.extend(read_entry(file, entry))
    assert sum(map(len, inflated)) <= 1000


@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize(
    ("record", "field", "value", "code"),
    [
        ("header", "size", 5, "I"),
        ("header", "packed", 5, "I"),
        ("header", "crc", 5, "I"),
        ("header", "flags", 1 << 11, "H"),
        ("header", "method", 12, "H"),
        ("header", "name", ord("x"), "B"),
        ("entry", "size", 5, "I"),
        ("entry", "packed", 0xFFFFFFFF, "I"),
        ("entry", "offset", 3, "I"),
        ("entry", "offset", 0xFFFFFFFF, "I"),
        ("entry", "name", ord("x"), "B"),
        ("end", "here", 1, "H"),
        ("end", "size", 50, "I"),
        ("end", "size", 0xFFFFFFFF, "I"),
        ("end", "offset", 0xFFFFFFFF, "I"),
        ("end", "comment", 1, "H"),
    ],
)
def test_archives_that_contradict_themselves_are_refused(method, record, field, value, code):
    with pytest.raises(ValueError, match="damaged"):
        read(put(archive(method=method), record, field, value, code))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_number_of_files_must_be_right(count):
    data = put(put(archive(), "end", "here", count, "H"), "end", "count", count, "H")
    with pytest.raises(ValueError, match="damaged"):
        read(data)


@pytest.mark.parametrize("reach", [1, 30, 300])
def test_files_that_overlap_are_refused(reach):
    """As in an archive that counts the same bytes many times."""
    data = archive()
    for record in ("header", "entry"):
        for field in ("packed", "size"):
            data = put(data, record, field, len(CONTENT) + reach)
    with pytest.raises(ValueError, match="damaged"):
        read(data)


def test_two_files_at_one_place_are_refused():
    data = archive("a", "b")
    place = data.rindex(b"PK\1\2")
    same = data[:place] + data[data.index(b"PK\1\2") : place] + data[data.index(b"PK\5\6") :]
    with pytest.raises(ValueError, match="damaged"):
        read(same)


def test_two_files_of_one_name_are_refused():
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = archive("a", "a")
    with pytest.raises(ValueError, match="damaged"):
        read(data)


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_content_must_be_what_was_packed(method):
    data = bytearray(archive("a.txt", method=method))
    data[40] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        read(bytes(data))


@pytest.mark.parametrize(("field", "value"), [("flags", 1), ("method", 14)])
def test_unusual_archives_are_refused(field, value):
    data = archive()
    for record in ("header", "entry"):
        data = put(data, record, field, value, "H")
    with pytest.raises(ValueError, match="encrypted, or compressed in an unusual way"):
        read(data)


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_every_cut_is_refused(method):
    data = archive(method=method)
    for end in range(data.index(b"PK\5\6") + 4, len(data)):
        with pytest.raises(ValueError, match="damaged"):
            read(data[:end])
    for start in range(1, data.index(b"PK\1\2"), 97):
        with pytest.raises(ValueError, match="damaged"):
            read(data[start:])
