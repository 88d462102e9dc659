"""What exceptions say on one line."""

import errno

import pytest

from zoo.errors import one_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b\tc"), "a b c"),
        (ValueError(""), ""),
        ("of a text", "of a text"),
        (OSError(errno.ENOENT, "No such file or directory", "x.wav"), "x.wav: No such file"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("another\nword"), "another word"),
    ],
)
def test_a_message_is_one_line(error, line):
    assert one_line(error).startswith(line)
    assert "\n" not in one_line(error)
