"""Metadata of TFLite files: what is written is what is read, and what is damaged is refused."""

import io
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from export import add_metadata, read_metadata

from .exported import LABELS, small_classifier, small_model, without_metadata

FIELDS = {
    "name": "Småll",
    "description": "Three sounds.",
    "labels": ["Dog", "Sword, metal clash", "Regen, Prasseln 雨"],
    "mids": [None, "/m/06mb1", None],
    "license": "Apache-2.0",
    "version": "1.2",
    "sample_rate": 8000,
}


def test_export_writes_what_the_classifier_says():
    metadata = read_metadata(small_model())
    classifier = small_classifier()
    assert metadata.labels == [label.name for label in LABELS]
    assert metadata.mids == [label.mid for label in LABELS]
    assert metadata.sample_rate == 16000
    assert metadata.frontend == classifier.frontend.to_dict()
    assert metadata.license == "Apache-2.0"
    assert "fully_connected" in metadata.description


def test_what_is_written_is_read():
    metadata = read_metadata(add_metadata(without_metadata(small_model()), **FIELDS))
    assert {name: getattr(metadata, name) for name in FIELDS} == FIELDS
    assert metadata.frontend is None


def test_new_metadata_replaces_the_old():
    model = add_metadata(small_model(), **FIELDS)
    assert read_metadata(model).name == "Småll"
    assert read_metadata(add_metadata(model, **{**FIELDS, "name": "other"})).name == "other"
    assert len(model) < len(small_model()) + 1000
    assert len(schema.ModelT.InitFromPackedBuf(model, 0).metadata) == len(
        schema.ModelT.InitFromPackedBuf(small_model(), 0).metadata
    )


def test_the_same_model_gives_the_same_bytes():
    assert add_metadata(small_model(), **FIELDS) == add_metadata(small_model(), **FIELDS)


def test_the_network_stays_as_it_was():
    before = schema.ModelT.InitFromPackedBuf(without_metadata(small_model()), 0)
    after = schema.ModelT.InitFromPackedBuf(small_model(), 0)
    weights = [buffer for buffer in before.buffers if buffer.data is not None]
    assert len(weights) > 5
    for index, buffer in enumerate(before.buffers[:-1]):  # the last is the metadata
        np.testing.assert_array_equal(buffer.data, after.buffers[index].data)


def test_weights_are_aligned_as_the_schema_asks():
    model = small_model()
    root = schema.Model.GetRootAs(model, 0)
    base = np.frombuffer(model, np.uint8).__array_interface__["data"][0]
    places = [
        root.Buffers(index).DataAsNumpy().__array_interface__["data"][0] - base
        for index in range(root.BuffersLength())
        if root.Buffers(index).DataLength()
    ]
    assert places
    assert all(place % 16 == 0 for place in places)


def test_archive_is_plain_for_other_readers():
    with zipfile.ZipFile(io.BytesIO(small_model())) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("labels.txt").decode().split("\n") == [label.name for label in LABELS]
        assert archive.read("mids.txt") == b"/m/0bt9lr\n\n/m/06mb1\n"


def test_a_file_without_metadata_has_none():
    assert read_metadata(without_metadata(small_model())) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": ["Dog", "Cat"]}, "3 scores.*Received 2 labels and 3 mids"),
        ({"mids": [None]}, "Received 3 labels and 1 mids"),
        ({"labels": ["Dog", "Two\nlines", "Rain"]}, r"one line of text. Received: 'Two\\nlines'"),
        ({"labels": ["Dog", "", "Rain"]}, "one line of text. Received: ''"),
        ({"labels": ["Dog", "Cat\n", "Rain"]}, r"one line of text. Received: 'Cat\\n'"),
        ({"mids": [None, "/m/1\n", None]}, r"one line of text. Received: '/m/1\\n'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        add_metadata(small_model(), **{**FIELDS, **fields})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda model: b"", "does not begin as a TFLite file"),
        (lambda model: b"<html>404 Not Found</html>", "does not begin as a TFLite file"),
        (lambda model: model[:-100], "names a file labels.txt, which is not packed with it"),
        (lambda model: model.replace(b"M001", b"M999"), "metadata that does not begin as"),
        (lambda model: model[:200], "points to byte"),
    ],
    ids=["empty", "web page", "cut short", "other metadata", "beginning only"],
)
def test_damage_is_named(damage, message):
    with pytest.raises(ValueError, match=message):
        read_metadata(damage(small_model()))


@given(place=st.integers(0, 1 << 30), value=st.integers(0, 255))
def test_damage_anywhere_is_found_out(place, value):
    model = bytearray(small_model())
    place %= len(model)
    model[place] = value
    try:
        metadata = read_metadata(bytes(model))
    except ValueError:
        return
    # In the archive, the dates and such of an entry may change without harm.
    assert metadata is None or metadata.labels == [label.name for label in LABELS]


def test_reads_the_metadata_of_others(shared_data):
    [path] = (shared_data / "yamnet").glob("*.tflite")
    metadata = read_metadata(path.read_bytes())
    assert metadata.name == "yamnet/classification"
    assert metadata.sample_rate == 16000
    assert len(metadata.labels) == 521
    assert metadata.labels[0] == "Speech"
    assert set(metadata.mids) == {None}
