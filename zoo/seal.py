"""JSON objects that carry a checksum of their own, so that no wrong bit goes unnoticed."""

import hashlib
import json
from typing import Any

SEAL = "own_sha256"
"""The key of the SHA-256, in hex, of what else the object holds, as `_digest` writes it."""


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """An object with its seal, which comes last.

    Args:
        content: JSON types by name; no seal among them.

    Returns:
        dict.
    """
    return {**content, SEAL: _digest(content)}


def check_seal(content: dict[str, Any], keys: set[str]) -> None:
    """Checks that an object is what was sealed.

    Args:
        content: what was read.
        keys: those that an object without a seal has, as they were written before there were any.
            A seal of which the name is damaged is none of them.

    Raises:
        ValueError: it is not. The message goes on from the file's name.
    """
    if not isinstance(content, dict):
        whole = False
    elif SEAL in content:
        rest = {key: value for key, value in content.items() if key != SEAL}
        whole = content[SEAL] == _digest(rest)
    else:
        whole = content.keys() <= keys
    if not whole:
        raise ValueError(f"is damaged or was changed: its {SEAL!r} is not that of its content")


def _digest(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
