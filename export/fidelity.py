"""Warns where a quantised network hears other than its model."""

import warnings

import keras
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from export.quantize import predict

_CLEAR = 0.05  # The model's best score above its second: nearer ones are a toss-up.
_FEWEST_AGREE = 0.9


def warn_of_other_labels(
    body: bytes, network: keras.Model, from_embedding: keras.Model, patches: npt.NDArray[np.float32]
) -> None:
    """Warns if int8 changes the best label of more than a tenth of what the model clearly hears.

    Args:
        body: a .tflite file, `log_mel`, patches `[1, 96, 64]`, to `embedding`, `[1, units]`.
        network: `keras.Model`, log-mel patches to scores.
        from_embedding: `keras.Model`, embeddings to logits or to scores.
        patches: those of the calibration, float32 `[patches, 96, 64]`.
    """
    expected = predict(network, patches)
    if expected.shape[1] < 2:
        return
    second, best = np.sort(expected)[:, -2:].T
    clear = best - second > _CLEAR
    if not clear.any():
        return
    run = Interpreter(model_content=body).get_signature_runner()
    embeddings = [run(log_mel=patch[np.newaxis])["embedding"] for patch in patches[clear]]
    found = predict(from_embedding, np.concatenate(embeddings))
    agree = np.mean(found.argmax(1) == expected[clear].argmax(1))
    if agree < _FEWEST_AGREE:
        warnings.warn(
            f"int8 changes the best label of {1 - agree:.0%} of the {clear.sum()} calibration "
            "patches that the model clearly hears; dynamic, as small, may keep more of them.",
            stacklevel=4,
        )
