import pytest

from zoo.json_text import parse_json


def test_gives_what_the_text_holds():
    assert parse_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting property name"),
        (b"\xff", "invalid start byte"),
        ("[" * 10**5, "nests too many"),
        ('{"a": ' * 10**5, "nests too many"),
        ("1" * 10**5, "Exceeds the limit"),
    ],
)
def test_what_is_wrong_is_a_value_error(text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text)
