import json

import pytest

from zoo.seal import SEAL, check_seal, sealed

CONTENT = {"labels": [["Tür", None]], "width": 0.25, "rate": 1e-09}
OTHERS = [
    {**sealed(CONTENT), "width": 0.5},
    {**sealed(CONTENT), "more": 1},
    {**sealed(CONTENT), SEAL: None},
    {**CONTENT, f"{SEAL}_": sealed(CONTENT)[SEAL]},
    [],
    None,
]


def test_what_was_sealed_is_whole_in_whatever_order_and_form():
    for indent in (None, 1):
        check_seal(json.loads(json.dumps(sealed(CONTENT), indent=indent, sort_keys=True)), set())


def test_without_a_seal_as_it_was_before():
    check_seal(CONTENT, {*CONTENT, "more"})
    with pytest.raises(ValueError, match="damaged or was changed"):
        check_seal(CONTENT, {"labels"})


@pytest.mark.parametrize("content", OTHERS)
def test_other_content_is_refused(content):
    with pytest.raises(ValueError, match=f"is damaged or was changed: its '{SEAL}' is not that of"):
        check_seal(content, set(CONTENT))
