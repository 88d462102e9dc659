"""Files that an interpreter must not see."""

import subprocess
import sys

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from export import check_model
from export.check import OPERATORS

from .exported import small_model, without_metadata


def plain():
    return without_metadata(small_model())


def rewritten(change):
    """A sound flatbuffer of a model that `change` has changed."""
    model = schema.ModelT.InitFromPackedBuf(plain(), 0)
    change(model, model.subgraphs[0])
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def first(graph, options):
    return next(operator for operator in graph.operators if operator.builtinOptionsType == options)


def weights(model, graph):
    """The tensor of the most weights, and its buffer."""
    tensor = max(graph.tensors, key=lambda tensor: np.size(model.buffers[tensor.buffer].data))
    return tensor, model.buffers[tensor.buffer]


def test_what_is_sound_passes():
    check_model(small_model())
    check_model(small_model("any"))
    check_model(plain())
    check_model(rewritten(lambda model, graph: None))


def test_operators_are_numbered_as_in_the_schema():
    options = {number: name for name, number in vars(schema.BuiltinOptions).items()}
    for name, (number, option) in OPERATORS.items():
        assert getattr(schema.BuiltinOperator, name) == number
        if option:
            family = name.removesuffix("_V2").replace("_", "").lower()
            known = options[option].removesuffix("Options").lower()
            assert known in (f"{family}v2", family, "pool2d", "reducer")


def cut_weights(model, graph):
    _, buffer = weights(model, graph)
    buffer.data = buffer.data[:-4]


def custom_operator(model, graph):
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    model.operatorCodes[0].customCode = "FlexMatMul"


def standing_convolution(model, graph):
    operator = first(graph, 8)
    code = model.operatorCodes[operator.opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = 3
    operator.builtinOptionsType, operator.builtinOptions = 1, schema.Conv2DOptionsT()


def scales(values, zeros=None):
    def change(model, graph):
        quantization = schema.QuantizationParametersT()
        quantization.scale = values
        quantization.zeroPoint = [0] * len(values) if zeros is None else zeros
        weights(model, graph)[0].quantization = quantization

    return change


def put(name, value):
    def change(model, graph):
        setattr(weights(model, graph)[0], name, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            custom_operator,
            "needs the operator FlexMatMul, which is none of those that are run here",
        ),
        (lambda m, g: setattr(m.operatorCodes[0], "builtinCode", 119), "the operator number 119"),
        (lambda m, g: m.subgraphs.append(g), "holds 2 subgraphs"),
        (cut_weights, "bytes of weights for a tensor of"),
        (put("shape", [3, -1]), "a tensor of negative size"),
        (put("shape", [1 << 20, 1 << 20]), r"a tensor of 4.4e\+12 bytes"),
        (put("type", schema.TensorType.STRING), "neither numbers nor truths"),
        (put("buffer", 999), r"refers to number \[999\] of"),
        (scales([0.1, 0.1]), "whose scales do not fit it"),
        (scales([float("nan")]), "unknown quantisation"),
        (scales([0.0]), "unknown quantisation"),
        (scales([0.1], [1 << 40]), "unknown quantisation"),
        (lambda m, g: setattr(g, "inputs", [999]), r"refers to number \[999\] of"),
        (lambda m, g: setattr(g, "inputs", [-1]), r"refers to number \[-1\] of"),
        (lambda m, g: setattr(g, "inputs", []), "reads what is not there yet"),
        (lambda m, g: g.operators.reverse(), "reads what is not there yet"),
        (lambda m, g: g.operators.pop(), "an output that no operator writes"),
        (lambda m, g: g.operators.append(g.operators[-1]), "writes over what is there"),
        (lambda m, g: setattr(g.operators[-1], "inputs", []), "reads or writes nothing"),
        (lambda m, g: setattr(g.operators[-1], "opcodeIndex", 99), r"number \[99\] of"),
        (lambda m, g: setattr(first(g, 8), "builtinOptionsType", 0), "without its options"),
        (standing_convolution, "steps that lead nowhere"),
    ],
)
def test_models_that_do_not_hold_together(change, message):
    model = rewritten(change)
    with pytest.raises(ValueError, match=rf"x.tflite is not a TFLite model .*{message}"):
        check_model(model, "x.tflite")


def test_needs_no_operators_of_others(flex_model):
    with pytest.raises(ValueError, match="needs the operator Flex"):
        check_model(flex_model)


@given(place=st.integers(0, 1 << 30), bit=st.integers(0, 7))
def test_checksum_finds_every_wrong_bit(place, bit):
    model = bytearray(small_model())
    end = model.index(b"PK\x03\x04")
    model[place % end] ^= 1 << bit
    with pytest.raises(ValueError, match=r"checksum differs|does not begin|damaged archive"):
        check_model(bytes(model))


def test_every_cut_is_found():
    model = plain()
    for end in [*range(0, len(model) - 16, 997), len(model) - 16]:
        with pytest.raises(ValueError, match=r"does not begin as one|points to byte"):
            check_model(model[:end])


@given(data=st.binary(max_size=400), begins=st.booleans())
def test_any_bytes_are_refused(data, begins):
    with pytest.raises(ValueError, match="is not a TFLite model that can run"):
        check_model(b"\x1c\0\0\0TFL3" + data if begins else data)


@pytest.mark.parametrize(
    ("first", "last"), [(0, 400), pytest.param(400, 8000, marks=pytest.mark.slow)]
)
def test_damage_does_not_crash_the_process(tmp_path, first, last):
    path = tmp_path / "model.tflite"
    path.write_bytes(plain())
    run = subprocess.run(
        [sys.executable, "-m", "tests.export.fuzz", str(path), str(first), str(last)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, f"damage {run.stdout.split()[-1]}: {run.stderr[-500:]}"
    ran = int(run.stdout.split()[-2])
    assert 0 < ran < (last - first) / 2
