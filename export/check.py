"""Whether a TFLite file can be given to an interpreter, which trusts what it is given."""

import numpy as np

from export.archive import packed_files
from export.flatbuffer import read_root

OPERATORS = {
    "ADD": (0, 11),
    "AVERAGE_POOL_2D": (1, 5),
    "CONCATENATION": (2, 10),
    "CONV_2D": (3, 1),
    "DEPTHWISE_CONV_2D": (4, 2),
    "DEQUANTIZE": (6, 0),
    "FLOOR": (8, 0),
    "FULLY_CONNECTED": (9, 8),
    "LOGISTIC": (14, 0),
    "MAX_POOL_2D": (17, 5),
    "MUL": (18, 21),
    "RELU": (19, 0),
    "RELU6": (21, 0),
    "RESHAPE": (22, 0),
    "SOFTMAX": (25, 9),
    "TANH": (28, 0),
    "PAD": (34, 22),
    "GATHER": (36, 23),
    "TRANSPOSE": (39, 0),
    "MEAN": (40, 27),
    "SUB": (41, 28),
    "DIV": (42, 29),
    "SQUEEZE": (43, 30),
    "STRIDED_SLICE": (45, 32),
    "EXP": (47, 0),
    "SPLIT": (49, 35),
    "CAST": (53, 37),
    "PRELU": (54, 0),
    "MAXIMUM": (55, 0),
    "MINIMUM": (57, 0),
    "LESS": (58, 0),
    "NEG": (59, 0),
    "PADV2": (60, 0),
    "GREATER": (61, 0),
    "GREATER_EQUAL": (62, 0),
    "LESS_EQUAL": (63, 0),
    "SELECT": (64, 0),
    "SLICE": (65, 0),
    "SIN": (66, 0),
    "EXPAND_DIMS": (70, 52),
    "EQUAL": (71, 0),
    "NOT_EQUAL": (72, 0),
    "LOG": (73, 0),
    "SUM": (74, 27),
    "SQRT": (75, 0),
    "RSQRT": (76, 0),
    "SHAPE": (77, 55),
    "POW": (78, 0),
    "REDUCE_MAX": (82, 27),
    "PACK": (83, 59),
    "LOGICAL_OR": (84, 0),
    "LOGICAL_AND": (86, 0),
    "LOGICAL_NOT": (87, 0),
    "UNPACK": (88, 64),
    "REDUCE_MIN": (89, 27),
    "FLOOR_DIV": (90, 0),
    "SQUARE": (92, 0),
    "FILL": (94, 68),
    "RANGE": (96, 0),
    "LEAKY_RELU": (98, 75),
    "SQUARED_DIFFERENCE": (99, 0),
    "ABS": (101, 0),
    "SPLIT_V": (102, 79),
    "COS": (108, 0),
    "ELU": (111, 0),
    "QUANTIZE": (114, 0),
    "HARD_SWISH": (117, 0),
    "SELECT_V2": (123, 98),
    "BATCH_MATMUL": (126, 101),
    "BROADCAST_TO": (130, 0),
    "RFFT2D": (131, 0),
    "COMPLEX_ABS": (135, 0),
    "GELU": (150, 0),
}
"""Numbers in TFLite's schema, of the operators that exports are made of and of the options that the
operator cannot do without. Options that are missing read as zeros, such as a stride of zero."""

_OPTIONS = dict(OPERATORS.values())
_CUSTOM = 32
_BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 8: 8, 9: 1, 10: 8}
"""Bytes of an element, by the numbers of the schema's TensorType."""
_LARGEST = 1 << 30
_SQUEEZE, _RESHAPE = 30, 17
_VECTORS = (_SQUEEZE, _RESHAPE)  # options that begin with a vector of int32
_POSITIVE = {  # fields of options that divide, by the number of the options: strides and the like
    1: {1: 0, 2: 0, 4: 1, 5: 1},  # Conv2D: strides, dilations; each with its default
    2: {1: 0, 2: 0, 5: 1, 6: 1},  # DepthwiseConv2D
    5: {1: 0, 2: 0, 3: 0, 4: 0},  # Pool2D: strides, sizes
}


def check_model(model: bytes, name: str = "the model") -> None:
    """Refuses what could crash an interpreter.

    The file's checksum, where it has one, says whether it is what the export wrote. Whatever it
    says, the flatbuffer must be sound: nothing in it points outside of it, weights fill their
    tensors, and operators read what is there. A weight that is wrong in a file without checksum is
    not found out.

    Args:
        model: bytes, content of a .tflite file.
        name: what to call it in the error.

    Raises:
        ValueError: the file is no TFLite model, is damaged, or is of a kind that `export_tflite`
            does not write: custom operators, several subgraphs, sparse tensors, tensors of strings.

    Example:

    >>> check_model(b"<html>404 Not Found</html>", "sounds.tflite")
    Traceback (most recent call last):
        ...
    ValueError: sounds.tflite is not a TFLite model that can run: it does not begin as one.
    """
    try:
        packed_files(model)
        root = read_root(memoryview(model), b"TFL3")
        if root is None:
            raise ValueError("does not begin as one")
        _check_root(root)
    except ValueError as error:
        raise ValueError(f"{name} is not a TFLite model that can run: it {error}.") from None


def _check_root(root):
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in root.tables(1)]
    for code, table in zip(codes, root.tables(1), strict=True):
        if code not in _OPTIONS:
            which = table.text(1) if code == _CUSTOM else f"number {code}"
            raise ValueError(
                f"needs the operator {which}, which is none of those that are run here"
            )
    sizes = [_check_buffer(buffer) for buffer in root.tables(4)]
    graphs = root.tables(2)
    if len(graphs) != 1:
        raise ValueError(f"holds {len(graphs)} subgraphs, and one is expected")
    _check_graph(graphs[0], codes, sizes)
    for signature in root.tables(7):
        for end in [*signature.tables(0), *signature.tables(1)]:
            end.text(0)
            _check_indices([end.number(1, "I")], len(graphs[0].tables(0)))
        signature.text(2)
        _check_indices([signature.number(4, "I")], 1)
    for entry in root.tables(6):
        entry.text(0)
        _check_indices([entry.number(1, "I")], len(sizes))


def _check_buffer(buffer):
    if buffer.number(1, "Q") > 1 or buffer.number(2, "Q") > 1:
        raise ValueError("keeps its weights outside of the flatbuffer")
    return len(buffer.numbers(0, "B"))


def _check_graph(graph, codes, sizes):
    tensors = graph.tables(0)
    constant = [_check_tensor(tensor, sizes) for tensor in tensors]
    inputs, outputs = graph.numbers(1, "i"), graph.numbers(2, "i")
    _check_indices(inputs, len(tensors))
    _check_indices(outputs, len(tensors))
    # An operator that reads what no other has written yet would read any memory.
    weights = {index for index, filled in enumerate(constant) if filled}
    if weights & set(inputs.tolist()):
        raise ValueError("has an input that is also a weight")
    empty = {index for index, filled in enumerate(constant) if filled is None}
    known = weights | set(inputs.tolist())
    for operator in graph.tables(3):
        _check_indices([operator.number(0, "I")], len(codes))
        _check_options(operator, _OPTIONS[codes[operator.number(0, "I")]])
        reads, writes = operator.numbers(1, "i"), operator.numbers(2, "i")
        _check_indices(reads, len(tensors), optional=True)
        _check_indices(writes, len(tensors))
        _check_indices(operator.numbers(8, "i"), len(tensors), optional=True)
        if not len(reads) or not len(writes):
            raise ValueError("has an operator that reads or writes nothing")
        if not set(reads.tolist()) - {-1} <= known | empty:
            raise ValueError("has an operator that reads what is not there yet")
        if set(writes.tolist()) & known:
            raise ValueError("has an operator that writes over what is there")
        known |= set(writes.tolist())
    if not set(outputs.tolist()) <= known:
        raise ValueError("has an output that no operator writes")


def _check_tensor(tensor, sizes):
    """Whether a tensor is constant; one without elements may or may not be."""
    shape, kind, buffer = tensor.numbers(0, "i"), tensor.number(1, "b"), tensor.number(2, "I")
    tensor.text(3)
    if kind not in _BYTES or tensor.table(6) is not None or tensor.tables(9):
        raise ValueError("holds tensors that are sparse, or neither numbers nor truths")
    if (shape < 0).any() or (tensor.numbers(7, "i") < -1).any():
        raise ValueError("holds a tensor of negative size")
    size = _BYTES[kind] * np.prod(shape.astype(float))
    if size > _LARGEST:
        raise ValueError(f"holds a tensor of {size:.3g} bytes")
    _check_indices([buffer], len(sizes))
    if sizes[buffer] and sizes[buffer] != size:
        raise ValueError(f"has {sizes[buffer]} bytes of weights for a tensor of {size:.0f}")
    _check_quantization(tensor.table(4), shape)
    return None if not size else bool(sizes[buffer])


def _check_quantization(quantization, shape):
    if quantization is None:
        return
    scales, zeros = quantization.numbers(2, "f"), quantization.numbers(3, "q")
    quantization.numbers(0, "f")
    quantization.numbers(1, "f")
    axis = quantization.number(6, "i")
    whole = len(scales) <= 1
    by_channel = not whole and 0 <= axis < len(shape) and len(scales) == shape[axis]
    if not (whole or by_channel) or len(zeros) not in (0, len(scales)):
        raise ValueError("holds a tensor whose scales do not fit it")
    usual = (scales > 1e-30).all() and (scales < 1e30).all() and (abs(zeros) < 256).all()
    if not usual or quantization.number(4, "B"):
        raise ValueError("holds a tensor of unknown quantisation")


def _check_options(operator, expected):
    if operator.number(11, "B"):
        raise ValueError("has operators of StableHLO")
    operator.numbers(5, "B")
    operator.numbers(7, "B")
    kind, options = operator.number(3, "B"), operator.table(4)
    if (expected and kind != expected) or (kind and options is None):
        raise ValueError("has an operator without its options")
    if options is not None:
        options.check_fields()
    if kind in _VECTORS:
        options.numbers(0, "i")
    for field, default in _POSITIVE.get(kind, {}).items():
        if not 0 < options.number(field, "i", default) < _LARGEST:
            raise ValueError("has an operator with steps that lead nowhere")


def _check_indices(indices, count, optional=False):
    lowest = -1 if optional else 0
    if not all(lowest <= index < count for index in indices):
        raise ValueError(f"refers to number {list(map(int, indices))} of {count}")
