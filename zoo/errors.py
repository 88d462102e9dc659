"""What exceptions say, in words for people."""

import difflib
from collections.abc import Iterable


def reason(error: BaseException) -> str:
    """What an exception says, without the name of the file that an operating system error has."""
    return getattr(error, "strerror", None) or str(error)


def one_line(error: BaseException | str) -> str:
    """An exception's message on one line; operating system errors as "file: reason".

    Example:

    >>> one_line(ValueError("a line" + chr(10) + "  and another"))
    'a line and another'
    """
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return " ".join(str(error).split())


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The name, of those that are known, that somebody may have meant; None if none is near.

    Example:

    >>> nearest("YAMnet", ["vgg", "yamnet"])
    'yamnet'
    """
    by_case = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=cutoff)
    return by_case[near[0]] if near else None
