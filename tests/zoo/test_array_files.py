"""NumPy's files that declare what they do not hold."""

import io
import zipfile

import numpy as np
import pytest

from zoo.array_files import map_npy, read_npz


def npy(shape=(2, 3), descr="<f4", content=bytes(24), order=False):
    """An `.npy` file of a header and bytes, whether they fit or not."""
    file = io.BytesIO()
    header = {"shape": shape, "fortran_order": order, "descr": descr}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def npz(content, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.npy", content)
    return file


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_wrote(save):
    file = io.BytesIO()
    arrays = {
        "a/b": np.arange(6.0).reshape(2, 3).T,
        "text": np.array("ö"),
        "none": np.zeros((0, 2), np.float16),
    }
    save(file, **arrays)
    found = read_npz(file.getvalue())
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(content=bytes(20)), "cannot reshape"),
        (npy(content=bytes(28)), "cannot reshape"),
        (npy(shape=(1 << 40, 1 << 20)), "cannot reshape"),
        (npy(shape=(-1, 3)), "an array of shape"),
        (npy(descr="|O"), "OBJECT"),
        (npy(descr="<U1", content=b"\xff" * 24), "letters that there are not"),
        (npy(descr=">U1", content=b"a\0\0\0" * 6), "letters that there are not"),
        (npy(descr="<f4").replace(b"fortran", b"\0ortran"), ""),
        (b"PK", "magic"),
        (b"", "magic|EOF"),
    ],
)
def test_arrays_that_are_none_are_refused(content, message):
    with pytest.raises(ValueError, match=rf"\Ais damaged, or no npz file: .*({message})"):
        read_npz(npz(content).getvalue())


def test_what_is_no_archive_is_refused():
    for content in (b"", b"PK\x05\x06", npy(), npz(npy()).getvalue()[:-1]):
        with pytest.raises(ValueError, match="is damaged, or no npz file"):
            read_npz(bytes(content))


def test_what_would_fill_the_memory_is_refused():
    content = bytearray(npz(npy(content=bytes(1 << 20)), zipfile.ZIP_DEFLATED).getvalue())
    place = content.index(b"PK\x01\x02")
    content[place + 24 : place + 28] = b"\xff" * 4  # the inflated size in the directory
    with pytest.raises(ValueError, match="would be inflated to 4294967295 bytes"):
        read_npz(bytes(content))


def test_maps_what_is_expected(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5, dtype="<i8"))
    for dtype in (np.dtype("<i8"), np.integer):
        array = map_npy(tmp_path / "a.npy", dtype, 1)
        assert isinstance(array, np.memmap)
        assert array.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"\Aholds int64 in 1 dimensions, and float32 in 1 is"):
        map_npy(tmp_path / "a.npy", np.dtype("<f4"), 1)
    with pytest.raises(ValueError, match=r"\Aholds int64 in 1 dimensions, and floating in 1 is"):
        map_npy(tmp_path / "a.npy", np.floating, 1)
    with pytest.raises(ValueError, match=r"\Aholds int64 in 1 dimensions, and int64 in 2 is"):
        map_npy(tmp_path / "a.npy", np.dtype("<i8"), 2)
    with pytest.raises(FileNotFoundError):
        map_npy(tmp_path / "b.npy", np.dtype("<i8"), 1)


@pytest.mark.parametrize(
    "content",
    [
        npy(content=bytes(20)),
        npy(shape=(1 << 40, 1 << 40)),
        npy(shape=(-1, 3)),
        npy(descr="|O"),
        npz(npy()).getvalue(),
        npy()[:20],
        b"",
        b"\x93NUMPY\x01\x00\x10\x00((((((((((((((((",
    ],
)
def test_files_that_hold_no_array_are_refused(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"\Ais damaged, or no npy file: .") as caught:
        map_npy(tmp_path / "a.npy", np.dtype("<f4"), 2)
    assert "\n" not in str(caught.value)
