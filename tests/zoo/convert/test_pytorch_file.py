"""Files of PyTorch's are read without it, and nothing in them is run."""

import collections
import contextlib
import os
import pickle
import zipfile

import numpy as np
import pytest

from zoo.convert.pytorch_file import read_pytorch

from . import pytorch

ARRAYS = {
    "a.weight": np.arange(24, dtype="f4").reshape(2, 3, 4),
    "a.count": np.array(7),
    "b.weight": np.arange(6, dtype="f4").reshape(2, 3).copy().T,
}


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("under", [None, "model"])
def test_arrays_come_back(older, under, tmp_path):
    state = pytorch.ordered(ARRAYS)
    if under:
        state = {"iteration": 3, under: state, "optimizer": {"step": np.ones(3, "f4")}}
    pytorch.save(tmp_path / "x.pth", state, older)
    found = read_pytorch(tmp_path / "x.pth")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


class Runs:
    """Makes a folder when it is unpickled, where something runs what a file says."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("older", [False, True])
def test_nothing_is_run(older, tmp_path):
    state = {**ARRAYS, "x": Runs(tmp_path / "ran")}
    pytorch.save(tmp_path / "x.pth", state, older)
    with pytest.raises(ValueError, match=r"wants to run \w+.mkdir, which no weights need"):
        read_pytorch(tmp_path / "x.pth")
    assert not (tmp_path / "ran").exists()


def rewritten(path, change):
    """Changes the bytes of the pickle in a zip archive."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["archive/data.pkl"] = change(files["archive/data.pkl"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"}r\xff\xff\xff\x7f.", "refers to more than it holds"),
        (b"}p4294967295\n.", "refers to more than it holds"),
        (b"cos\nsys\x0ctem\n.", "wants to run os.sys tem, which"),
        (b"X\xff\xff\xff\x7f.", "expected 2147483647 bytes"),
    ],
)
def test_pickles_that_ask_for_what_is_not_there(pickled, message, tmp_path):
    for path in (tmp_path / "new.pth", tmp_path / "old.pth"):
        path.write_bytes(b"\x80\x02" + pickled)
    pytorch.save(tmp_path / "new.pth", ARRAYS)
    rewritten(tmp_path / "new.pth", lambda _: b"\x80\x02" + pickled)
    for path in (tmp_path / "new.pth", tmp_path / "old.pth"):
        with pytest.raises(ValueError, match=message) as caught:
            read_pytorch(path)
        assert len(str(caught.value).splitlines()) == 1


def test_archives_that_would_be_inflated_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 20))
    with pytest.raises(ValueError, match="is compressed"):
        read_pytorch(tmp_path / "x.pth")


def test_what_makes_tensors_is_not_changed(tmp_path):
    path = tmp_path / "x.pth"
    pytorch.save(path, pytorch.ordered(ARRAYS))
    hostile = b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb."
    rewritten(path, lambda _: b"\x80\x02" + hostile)
    with pytest.raises(ValueError, match="changes what its tensors are made by"):
        read_pytorch(path)


def small(shape, strides, offset=0, numbers=6):
    """A pickle, by hand, of one tensor of a storage."""
    storage = ("storage", "<f4", "0", "cpu", numbers)

    def text(value):
        return pickle.dumps(value, 2)[2:-1]

    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n("
    kind = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + b"".join(map(text, storage[2:]))
    rest = b"".join(map(text, (offset, shape, strides)))
    return b"\x80\x02}" + text("a") + rebuilt + kind + b"tQ" + rest + b"tRs."


@pytest.mark.parametrize(
    "tensor",
    [
        small((7,), (1,)),
        small((6,), (1,), offset=1),
        small((2, 3), (4, 1)),
        small((10**9,), (0,)),
        small((2,), (-1,), offset=2),
        small((6,), (1, 1)),
        small((6.0,), (1,)),
        small((6,), (1,), numbers=7),
        small((6,), (1,), numbers=-6),
        small((6,), (1,))[:-9],
    ],
)
def test_tensors_that_reach_elsewhere(tensor, tmp_path):
    path = tmp_path / "x.pth"
    pytorch.save(path, {"a": np.arange(6, dtype="f4")})
    rewritten(path, lambda _: small((6,), (1,)))
    np.testing.assert_array_equal(read_pytorch(path)["a"], np.arange(6))
    rewritten(path, lambda _: tensor)
    with pytest.raises(ValueError, match=r"x\.pth is"):
        read_pytorch(path)


@pytest.mark.parametrize("older", [False, True])
def test_damaged_files_are_one_sentence(older, tmp_path):
    path = tmp_path / "x.pth"
    pytorch.save(path, pytorch.ordered(ARRAYS), older)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for cut in rng.integers(0, len(content) - 1, 50):
        path.write_bytes(content[:cut])
        with pytest.raises(ValueError, match=r"x\.pth is"):
            read_pytorch(path)
    for place, byte in rng.integers(0, [len(content), 256], (300, 2)):
        path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
        with contextlib.suppress(ValueError):  # and nothing else is raised
            read_pytorch(path)


@pytest.mark.parametrize("held", [[], {}, {"a": 3}, collections.OrderedDict(model=3)])
def test_other_content(held, tmp_path):
    pytorch.save(tmp_path / "x.pth", held)
    with pytest.raises(ValueError, match="holds no"):
        read_pytorch(tmp_path / "x.pth")
