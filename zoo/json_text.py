"""JSON that others wrote."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """What `json.loads` gives; whatever is wrong with the text is a ValueError that says what.

    Example:

    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
        ...
    ValueError: it nests too many lists or objects
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it nests too many lists or objects") from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    """As `parse_json`; what is no object is a ValueError, too."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value
