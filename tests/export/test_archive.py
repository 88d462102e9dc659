"""The archive behind a model: read by its own measure, whatever it says of its size."""

import io
import json
import tracemalloc
import zipfile

import pytest

from export import TFLiteClassifier, check_model, read_metadata
from export.archive import append_files, packed_files

from .exported import small_model

MODEL = b"\x1c\0\0\0TFL3 a model"


def packed(files, method=zipfile.ZIP_STORED):
    """The model with these files behind it, as another program writes them."""
    file = io.BytesIO()
    file.write(MODEL)
    with zipfile.ZipFile(file, "a", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def repacked(**files):
    """A real model, some of whose packed files are others."""
    model = small_model()
    begin = model.index(b"PK\3\4")
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        found = {name: archive.read(name).decode() for name in archive.namelist()}
    found.pop("sha256.txt")
    found.update({name.replace("_", "."): text for name, text in files.items()})
    return append_files(model[:begin], found)


def test_what_is_appended_is_read():
    files = packed_files(append_files(MODEL, {"labels.txt": "Regen 雨\nWind"}))
    assert files["labels.txt"].decode() == "Regen 雨\nWind"
    assert packed_files(MODEL) == {}


def test_checksum_may_be_in_capitals():
    files = packed_files(append_files(MODEL, {"labels.txt": "Rain"}))
    capitals = packed({**files, "sha256.txt": files["sha256.txt"].upper()})
    assert packed_files(capitals)["labels.txt"] == b"Rain"


@pytest.mark.parametrize("checksum", [b"0" * 64, b"", b"\xff" * 64])
def test_other_checksums_are_refused(checksum):
    with pytest.raises(ValueError, match="its checksum differs"):
        packed_files(packed({"sha256.txt": checksum}))


def test_archive_that_inflates_is_refused_before_it_does():
    bomb = packed({"labels.txt": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 250_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="model that can run: it ends in an archive of 200000000"):
        check_model(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_compressed_files_are_refused():
    with pytest.raises(ValueError, match="an archive that is compressed"):
        packed_files(packed({"labels.txt": "Rain"}, zipfile.ZIP_DEFLATED))


def test_many_files_are_refused():
    with pytest.raises(ValueError, match="an archive of 65 files; at most 64 are allowed"):
        packed_files(packed({str(number): "" for number in range(65)}))


def test_labels_of_absurd_size_are_refused():
    with pytest.raises(ValueError, match="bytes; at most 4194304 are allowed"):
        read_metadata(repacked(labels_txt="\n" * (1 << 22)))


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[1]", '"x"', "null"])
def test_front_ends_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r"holds a file frontend\.json that is not a front end's"):
        read_metadata(repacked(frontend_json=text))


@pytest.mark.parametrize("frames", [10**6, 10**9, 10**30])
def test_front_ends_of_absurd_size_are_refused(tmp_path, frames):
    path = tmp_path / "long.tflite"
    path.write_bytes(repacked(frontend_json=json.dumps({"patch_frames": frames})))
    with pytest.raises(ValueError, match=r"cannot be used: patch_frames must "):
        TFLiteClassifier(path)
