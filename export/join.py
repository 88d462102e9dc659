"""Joins TFLite models into one, so that each part can be converted and quantised on its own."""

from collections.abc import Iterable, Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def join(
    parts: Iterable[bytes],
    signature: str = "serving_default",
    outputs: Sequence[str] | None = None,
) -> bytes:
    """Joins models into one that runs them in order.

    A tensor is known by the name that the parts' signatures give it: an input that an earlier part
    has as an input or output is that tensor, and what no part gives is an input of the whole.

    Args:
        parts: list of bytes, .tflite files of one subgraph and one signature each.
        signature: key of the whole's signature.
        outputs: names of the whole's outputs, in order; by default those of the last part.

    Returns:
        bytes, a .tflite file of one subgraph, whose tensors at its ends bear the signature's names.
    """
    whole = schema.ModelT()
    whole.version = 3
    whole.operatorCodes, whole.buffers = [], [schema.BufferT()]  # buffer 0 is empty by definition
    graph = schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = "main", [], []
    inputs: dict[str, int] = {}
    known: dict[str, int] = {}
    for content in parts:
        part = schema.ModelT.InitFromPackedBuf(content, 0)
        if len(part.subgraphs) > 1:
            raise ValueError(
                "The network has loops, as GRU and LSTM layers do, which make several graphs of a "
                "TFLite file: build these layers with unroll=True."
            )
        (subgraph,) = part.subgraphs
        (ends,) = part.signatureDefs
        begin = {end.tensorIndex: _text(end.name) for end in ends.inputs}
        place = {}
        for index, tensor in enumerate(subgraph.tensors):
            if begin.get(index) in known:
                place[index] = known[begin[index]]
                continue
            place[index] = len(graph.tensors)
            tensor.buffer = _move_buffer(part.buffers[tensor.buffer], whole.buffers)
            graph.tensors.append(tensor)
        for index, name in begin.items():
            if name not in known:
                inputs[name] = known[name] = place[index]
        codes = [_move_code(code, whole.operatorCodes) for code in part.operatorCodes]
        for operator in subgraph.operators:
            operator.opcodeIndex = codes[operator.opcodeIndex]
            for name in ("inputs", "outputs", "intermediates"):
                indices = getattr(operator, name)
                if indices is not None:
                    setattr(operator, name, [place.get(index, -1) for index in indices])
            graph.operators.append(operator)
        given = {_text(end.name): place[end.tensorIndex] for end in ends.outputs}
        known |= given
    results = {name: known[name] for name in outputs or given}
    for name, index in (inputs | results).items():
        graph.tensors[index].name = name
    graph.inputs, graph.outputs = list(inputs.values()), list(results.values())
    whole.subgraphs = [graph]
    whole.signatureDefs = [_signature(signature, inputs, results)]
    builder = flatbuffers.Builder(sum(map(len, parts)))
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _move_buffer(buffer, buffers):
    """Index of a tensor's buffer among those of the whole."""
    if buffer.data is None:
        return 0
    buffers.append(buffer)
    return len(buffers) - 1


def _move_code(code, codes):
    """Index of an operator code among those of the whole."""
    for index, other in enumerate(codes):
        if vars(other) == vars(code):
            return index
    codes.append(code)
    return len(codes) - 1


def _signature(key, inputs, outputs):
    signature = schema.SignatureDefT()
    signature.signatureKey = key
    signature.inputs = [_end(name, index) for name, index in inputs.items()]
    signature.outputs = [_end(name, index) for name, index in outputs.items()]
    return signature


def _end(name, index):
    end = schema.TensorMapT()
    end.name, end.tensorIndex = name, index
    return end


def _text(name):
    return name.decode("utf-8")
