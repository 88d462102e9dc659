"""The operations of a TFLite file."""

import warnings
from collections import Counter

from ai_edge_litert import schema_py_generated as schema

from export.check import OPERATORS

_BUILTIN = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
_PLAIN = set(_BUILTIN.values()) - {"CUSTOM", "DELEGATE"}


def operations(model: bytes) -> dict[str, int]:
    """Counts the operations of a TFLite file.

    Args:
        model: bytes, content of a valid .tflite file.

    Returns:
        dict of name to count, most frequent first. Builtin operations are named as in TFLite's
        schema ("CONV_2D"), others as the file calls them ("FlexStridedSlice").
    """
    root = schema.Model.GetRootAs(model, 0)
    names = [_name(root.OperatorCodes(index)) for index in range(root.OperatorCodesLength())]
    counts: Counter[str] = Counter()
    for number in range(root.SubgraphsLength()):
        graph = root.Subgraphs(number)
        for index in range(graph.OperatorsLength()):
            counts[names[graph.Operators(index).OpcodeIndex()]] += 1
    return dict(counts.most_common())


def check_builtin(model: bytes) -> None:
    """Raises ValueError, with their names, if a TFLite file has operations that are not builtin.

    Only runtimes that are built with TensorFlow's operations, or with those of the file's author,
    run such a file: no plain LiteRT, tflite-runtime or MediaPipe. Warns of those that are builtin
    and that `check_model` lets nobody run.
    """
    found = set(operations(model))
    foreign = sorted(found - _PLAIN)
    if foreign:
        raise ValueError(
            f"The TFLite model needs {', '.join(foreign)}, which plain TFLite runtimes lack. "
            "It is not written."
        )
    if unchecked := sorted(found - set(OPERATORS)):
        warnings.warn(
            f"The TFLite model needs {', '.join(unchecked)}, which plain TFLite runtimes have. "
            "TFLiteClassifier, soundzoo classify and the page refuse it, because they run none but "
            "operators whose arguments they check.",
            stacklevel=3,
        )


def _name(code):
    # Files from before the code outgrew a byte have only the deprecated field; newer have both.
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if builtin == schema.BuiltinOperator.CUSTOM:
        return (code.CustomCode() or b"CUSTOM").decode("utf-8", "replace")
    return _BUILTIN[builtin]
