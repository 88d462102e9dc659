"""What a TFLite file says of itself: labels, sample rate, name, version and licence.

The form is that of TFLite metadata 1.3, which MediaPipe and Android read: a flatbuffer in one of
the model's buffers, which names files in the archive at the model's end. Numbers of fields are
those of metadata_schema.fbs and, for the model, of TFLite's schema.fbs.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from export.archive import CHECKSUM, append_files, packed_files
from export.flatbuffer import read_root
from zoo.json_text import parse_json

LABELS, MIDS, FRONTEND = "labels.txt", "mids.txt", "frontend.json"
"""Files in the archive: a label a line; an AudioSet id, or nothing, a line; and the fields of the
`FrontendConfig`."""

_ENTRY = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MODEL_IDENTIFIER = b"TFL3"
_MIN_PARSER = "1.3.0"  # the first that knows AudioProperties
_AUDIO_PROPERTIES = 4  # in the union ContentProperties
_DESCRIPTIONS, _TENSOR_AXIS_LABELS = 1, 2  # in the enumeration AssociatedFileType


class Metadata(NamedTuple):
    """What `read_metadata` finds in a TFLite file.

    Attributes:
        name: the model's.
        description: what the model does, for people.
        version: the model's.
        license: the model's.
        sample_rate: of the waveforms, in Hz, or None.
        labels: names of the scores, in order.
        mids: their AudioSet ids, None where there is none.
        frontend: what `FrontendConfig.to_dict` gives, or None for the default.
    """

    name: str
    description: str
    version: str
    license: str
    sample_rate: int | None
    labels: list[str]
    mids: list[str | None]
    frontend: dict[str, Any] | None


def add_metadata(
    model: bytes,
    *,
    name: str,
    description: str,
    labels: Sequence[str],
    mids: Sequence[str | None],
    license: str,
    version: str,
    sample_rate: int,
    frontend: dict[str, Any] | None = None,
) -> bytes:
    """Writes metadata into a model; what it held before is replaced.

    Args:
        model: bytes, a .tflite file of one input, mono waveforms, whose first output is scores. A
            second one is embeddings.
        name: the model's.
        description: what the model does, for people.
        labels: names of the scores, in order.
        mids: their AudioSet ids, None where there is none.
        license: the model's.
        version: the model's.
        sample_rate: of the waveforms, in Hz.
        frontend: what `FrontendConfig.to_dict` gives, where it is not the default.

    Returns:
        bytes, a .tflite file.

    Raises:
        ValueError: labels that are not as many as the scores or the mids, or of several lines.
    """
    from ai_edge_litert import schema_py_generated as schema  # a runtime that reads needs it not

    whole = schema.ModelT.InitFromPackedBuf(model, 0)
    (graph,) = whole.subgraphs
    _check_labels(labels, mids, int(graph.tensors[graph.outputs[0]].shape[-1]))
    entries = list(whole.metadata or [])
    entry = next((entry for entry in entries if entry.name == _ENTRY.encode()), None)
    if entry is None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = _ENTRY, len(whole.buffers)
        entries.append(entry)
        whole.buffers.append(schema.BufferT())
    whole.metadata = entries

    files = {LABELS: "\n".join(labels), MIDS: "".join(f"{mid or ''}\n" for mid in mids)}
    if frontend is not None:
        files[FRONTEND] = json.dumps(frontend)
    metadata = _write(name, description, version, license, sample_rate, files, len(graph.outputs))
    whole.buffers[entry.buffer].data = np.frombuffer(metadata, np.uint8)
    builder = _builder()
    builder.Finish(whole.Pack(builder), _MODEL_IDENTIFIER)
    return append_files(bytes(builder.Output()), files)


def read_metadata(model: bytes) -> Metadata | None:
    """Reads the metadata of a TFLite file, ours or another's.

    Args:
        model: bytes, content of a .tflite file.

    Returns:
        `Metadata`, or None if the file has none. What it does not say is empty or None.

    Raises:
        ValueError: the file is damaged, or cut short. The message goes on from the file's name.
    """
    root = read_root(memoryview(model), _MODEL_IDENTIFIER)
    if root is None:
        raise ValueError("does not begin as a TFLite file does")
    entry = next((entry for entry in root.tables(6) if entry.text(0) == _ENTRY), None)
    if entry is None:
        return None
    buffers, index = root.tables(4), entry.number(1, "I")
    content = buffers[index].numbers(0, "B") if index < len(buffers) else b""
    metadata = read_root(memoryview(content), _IDENTIFIER)
    if metadata is None:
        raise ValueError("holds metadata that does not begin as TFLite metadata does")
    files = packed_files(model)
    graph = next(iter(metadata.tables(3)), None)
    inputs, outputs = (graph.tables(2), graph.tables(3)) if graph else ([], [])
    labels = _read_labels(outputs, files)
    mids = _lines(files, MIDS) if MIDS in files else [""] * len(labels)
    if len(mids) != len(labels):
        raise ValueError(f"names {len(labels)} labels and {len(mids)} mids")
    return Metadata(
        name=metadata.text(0) or "",
        description=metadata.text(1) or "",
        version=metadata.text(2) or "",
        license=metadata.text(5) or "",
        sample_rate=_read_sample_rate(inputs),
        labels=labels,
        mids=[mid or None for mid in mids],
        frontend=_read_frontend(files),
    )


def _check_labels(labels, mids, scores):
    if not len(labels) == len(mids) == scores:
        raise ValueError(
            f"The model gives {scores} scores, which need as many labels and mids. "
            f"Received {len(labels)} labels and {len(mids)} mids."
        )
    for text in (*labels, *filter(None, mids)):
        if text.splitlines() != [text]:
            raise ValueError(f"Labels and mids must be one line of text. Received: {text!r}")


def _write(name, description, version, license, sample_rate, files, outputs):
    """The flatbuffer of the metadata. Its tables are written before what points to them."""
    builder = _builder()
    purposes = {
        LABELS: ("Names of the scores, in order.", _TENSOR_AXIS_LABELS),
        MIDS: ("AudioSet ids of the labels, in order.", _DESCRIPTIONS),
        FRONTEND: ("Constants of the log-mel front end.", _DESCRIPTIONS),
        CHECKSUM: ("SHA-256 of the file up to the archive.", _DESCRIPTIONS),
    }
    packed = {}
    for file in [*files, CHECKSUM]:
        purpose, kind = purposes[file]
        packed[file] = _table(builder, {0: file, 1: purpose}, {2: ("Int8", kind)})
    sound = _table(builder, {}, {0: ("Uint32", sample_rate), 1: ("Uint32", 1)})
    content = _table(builder, {1: sound}, {0: ("Uint8", _AUDIO_PROPERTIES)})
    about = f"Mono sound at {sample_rate} Hz, in -1..1."
    waveform = _table(builder, {0: "waveform", 1: about, 3: content})
    about = "A score from 0 to 1 for each label."
    scores = _table(builder, {0: "scores", 1: about, 6: [packed.pop(LABELS)]})
    about = "The layer before the classifier, for each patch."
    embeddings = _table(builder, {0: "embeddings", 1: about})
    # Readers want an entry for each output.
    graph = _table(builder, {2: [waveform], 3: [scores, embeddings][:outputs]})
    texts = {0: name, 1: description, 2: version, 5: license, 7: _MIN_PARSER}
    model = _table(builder, {**texts, 3: [graph], 6: list(packed.values())})
    builder.Finish(model, _IDENTIFIER)
    return bytes(builder.Output())


def _table(builder, fields, scalars=()):
    """Writes a table.

    Args:
        builder: the `flatbuffers.Builder`.
        fields: dict of numbers to texts, places of tables, and lists of such places.
        scalars: dict of numbers to a type and a value.

    Returns:
        The table's place.
    """
    places = {}
    for field, value in fields.items():
        if isinstance(value, str):
            value = builder.CreateString(value)
        elif isinstance(value, list):
            builder.StartVector(4, len(value), 4)
            for place in reversed(value):
                builder.PrependUOffsetTRelative(place)
            value = builder.EndVector()
        places[field] = value
    builder.StartObject(1 + max([*places, *scalars]))
    for field, place in places.items():
        builder.PrependUOffsetTRelativeSlot(field, place, 0)
    for field in scalars:
        kind, value = scalars[field]
        getattr(builder, f"Prepend{kind}Slot")(field, value, 0)
    return builder.EndObject()


def _builder():
    import flatbuffers  # a runtime that reads needs it not

    class Builder(flatbuffers.Builder):
        # TFLite's schema aligns the weights at 16 bytes, and its Python code does not see to it.
        def StartVector(self, size, count, alignment):
            return super().StartVector(size, count, 16 if size == 1 else alignment)

    return Builder()


def _read_labels(outputs, files):
    for output in outputs:
        for file in output.tables(6):
            if file.number(2, "b") == _TENSOR_AXIS_LABELS:
                return _lines(files, file.text(0))
    return []


def _lines(files, name):
    if name not in files:
        raise ValueError(f"names a file {name}, which is not packed with it, and so is cut short")
    try:
        text = files[name].decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"holds a file {name} that is not text") from None
    return text.removesuffix("\n").replace("\r\n", "\n").split("\n")


def _read_frontend(files):
    if FRONTEND not in files:
        return None
    try:
        frontend = parse_json(files[FRONTEND])
    except ValueError:
        frontend = None
    if not isinstance(frontend, dict):
        raise ValueError(f"holds a file {FRONTEND} that is not a front end's")
    return frontend


def _read_sample_rate(inputs):
    for waveform in inputs:
        content = waveform.table(3)
        if content is not None and content.number(0, "B") == _AUDIO_PROPERTIES:
            sound = content.table(1)
            return sound.number(0, "I") if sound is not None else None
    return None
