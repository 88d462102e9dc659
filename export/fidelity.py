"""Warns where a quantised network hears other than its model."""

import warnings

import keras
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

_CLEAR = 0.05  # The model's best score above its second: nearer ones are a toss-up.
_FEWEST_AGREE = 0.9


def warn_of_other_labels(
    body: bytes, network: keras.Model, from_embedding: keras.Model, patches: npt.NDArray[np.float32]
) -> None:
    """Warns if int8 changes the best label of more than a tenth of what the model clearly hears.

    Args:
        body: a .tflite file, log-mel patches `[1, 96, 64]` to embeddings `[1, units]`.
        network: `keras.Model`, log-mel patches to scores.
        from_embedding: `keras.Model`, embeddings to logits or to scores.
        patches: those of the calibration, float32 `[patches, 96, 64]`.
    """
    expected = network.predict(patches, verbose=0)
    if expected.shape[1] < 2:
        return
    second, best = np.sort(expected)[:, -2:].T
    clear = best - second > _CLEAR
    if not clear.any():
        return
    embeddings = _run(body, patches[clear])
    found = from_embedding.predict(embeddings, verbose=0)
    agree = np.mean(found.argmax(1) == expected[clear].argmax(1))
    if agree < _FEWEST_AGREE:
        warnings.warn(
            f"int8 changes the best label of {1 - agree:.0%} of the {clear.sum()} calibration "
            "patches that the model clearly hears; dynamic gives a file as small that keeps more.",
            stacklevel=4,
        )


def _run(model, inputs):
    interpreter = Interpreter(model_content=model)
    (begin,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(begin["index"], (1, *inputs.shape[1:]))
    interpreter.allocate_tensors()
    outputs = []
    for one in inputs:
        interpreter.set_tensor(begin["index"], one[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(end["index"]))
    return np.concatenate(outputs)
