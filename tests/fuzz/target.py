"""What a fuzzing target is, and what its parser may do with an input."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.sandbox import Sandbox

TARGETS: dict[str, Callable[[Path], "Parser"]] = {}
"""Functions that make a `Parser` in a folder of their own, by the names of their targets."""


class Finding(Exception):  # noqa: N818
    """A parser did with an input what none may."""


class Parser(NamedTuple):
    """A public function that reads what others wrote, and inputs to begin with.

    Attributes:
        read: function of an input, bytes, and of an empty folder to put it in.
        seeds: inputs that it reads.
        attacks: inputs that it must refuse; others are made of them, too.
        refusals: the errors that its documentation promises. Those of others may say what they
            like.
        mutate: function of an input, the most bytes that the next may have, and a seed, that gives
            the next input; libFuzzer's own by default, which knows nothing of formats.
    """

    read: Callable[[bytes, Path], object]
    seeds: Sequence[bytes]
    attacks: Sequence[bytes] = ()
    refusals: tuple[type[Exception], ...] = (ValueError, OSError)
    mutate: Callable[[bytes, int, int], bytes] | None = None


def target(make: Callable[[Path], Parser]) -> Callable[[Path], Parser]:
    """Enters a function that makes a parser among the targets, under its name."""
    TARGETS[make.__name__] = make
    return make


def read_file(
    name: str,
    read: Callable[[Path], object],
    seeds: Sequence[bytes],
    mutate: Callable[[bytes, int, int], bytes] | None = None,
    attacks: Sequence[bytes] = (),
) -> Parser:
    """The parser of one file, which is given its path."""

    def write_and_read(data, folder):
        (folder / name).write_bytes(data)
        read(folder / name)

    return Parser(write_and_read, seeds, attacks, mutate=mutate)


def try_input(parser: Parser, data: bytes, sandbox: Sandbox) -> bool:
    """Whether a parser takes an input; what is neither that nor a refusal is raised."""
    refusal = None
    with sandbox as folder:
        try:
            parser.read(data, folder)
        except parser.refusals as error:
            refusal = error
    if sandbox.offences:
        raise Finding("; ".join(sandbox.offences))
    if _is_for_memory(refusal):
        raise Finding(f"more memory was asked for than there may be: {refusal!r}") from refusal
    fault = refusal and Exception not in parser.refusals and _fault(refusal)
    if fault:
        raise Finding(f"{fault}: {refusal!r}") from refusal
    return refusal is None


def _is_for_memory(refusal):
    """Whether an error is, or was raised instead of, one that says that there is no memory."""
    while refusal is not None and not isinstance(refusal, MemoryError):
        refusal = refusal.__context__
    return refusal is not None


def _fault(refusal):
    """What is wrong with the message of an error that is promised, or None."""
    message = str(refusal)
    if not message or "\n" in message or "\r" in message:
        return "the message is not one line"
    if isinstance(refusal, UnicodeError):
        return "the message does not say what was read"
    return None
