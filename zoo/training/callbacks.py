"""What Keras callbacks hold between steps, which a run that goes on must not forget."""

import hashlib
import inspect
import warnings

import keras
import numpy as np


class CallbackStates:
    """The states of callbacks, as JSON and arrays that a checkpoint can hold.

    The state of a callback is what it changed in itself since training began: attributes with a
    public name that are not arguments of its class. Those are kept whose values are None, numbers,
    texts, NumPy arrays, or lists and dicts of these; others are not, and are named when a run goes
    on. Keras' own callbacks make such others, files that they write to among them, anew.

    Args:
        callbacks: a `keras.callbacks.CallbackList`.
    """

    def __init__(self, callbacks):
        self._list = callbacks
        self._callbacks, self._first = {}, {}
        self._held = []  # so that no other object gets the `id` of one that was there first
        for callback in callbacks.callbacks:
            kind = type(callback).__name__
            same = sum(type(other).__name__ == kind for other in self._callbacks.values())
            self._callbacks[f"{kind} {same + 1}"] = callback

    def begin(self, saved=None, arrays=None):
        """Begins training; `saved` and `arrays` are what `get` gave when it was stopped."""
        kept = saved["kept"] if saved else {}
        for name, callback in self._callbacks.items():
            if name in kept and isinstance(callback, keras.callbacks.CSVLogger):
                callback.append = True  # it would begin by emptying its file
        self._list.on_train_begin()
        self._first = {
            name: {
                attribute: _encode(value, {}, self._held)
                for attribute, value in _attributes(callback)
            }
            for name, callback in self._callbacks.items()
        }
        for name in kept.keys() & self._callbacks.keys():
            for attribute, value in kept[name].items():
                setattr(self._callbacks[name], attribute, _decode(value, arrays))
        if saved and saved["lost"]:
            warnings.warn(
                f"A checkpoint holds numbers, texts, arrays, and lists and dicts of them, so that "
                f"these attributes of callbacks begin anew: {', '.join(saved['lost'])}.",
                stacklevel=2,
            )

    def get(self):
        """What JSON can hold, and a dict of arrays, by their SHA-256, to which that refers."""
        kept, lost, arrays = {}, [], {}
        for name, callback in self._callbacks.items():
            kept[name] = {}
            for attribute, value in _attributes(callback):
                found, strange = {}, []
                encoded = _encode(value, found, strange)
                if encoded == self._first[name].get(attribute):
                    continue
                if not strange:
                    kept[name][attribute] = encoded
                    arrays |= found
                elif type(callback).__module__.split(".")[0] not in ("keras", "zoo"):
                    lost.append(f"{type(callback).__name__}.{attribute}")
        return {"kept": kept, "lost": lost}, arrays


def _attributes(callback):
    # An argument is the caller's to say, and Keras changes one of its own once in each training.
    arguments = inspect.signature(type(callback)).parameters
    return [
        (name, value)
        for name, value in vars(callback).items()
        if not name.startswith("_") and name not in arguments
    ]


def _encode(value, arrays, strange):
    """A value as JSON has it; its arrays go into a dict, and what cannot be kept into a list."""
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufcSU":
        content = np.asarray(value)
        form = f"{content.dtype} {content.shape}".encode()
        name = hashlib.sha256(form + content.tobytes()).hexdigest()
        arrays[name] = content
        return {"array": name}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_encode(item, arrays, strange) for item in value]
    if isinstance(value, dict):
        items = [[_encode(part, arrays, strange) for part in item] for item in value.items()]
        return {"items": items}
    strange.append(value)
    return {"strange": id(value)}  # to see whether it was exchanged for another


def _decode(value, arrays):
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]][()]  # a number of NumPy's comes back as one
    return {_decode(key, arrays): _decode(item, arrays) for key, item in value["items"]}
