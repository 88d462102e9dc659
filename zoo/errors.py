"""What exceptions say, in words for people."""


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
