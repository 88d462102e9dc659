"""What all tests and examples have in common."""

from importlib.util import find_spec

import pytest

from zoo import architecture

# Its example runs where tensorflow-io is installed, as in `make test-legacy`.
collect_ignore = [] if find_spec("tensorflow_io") else ["frontend/tf_audio.py"]


@pytest.fixture(autouse=True)
def _own_architectures(monkeypatch):
    """Networks that a test or an example registers are gone when it ends."""
    monkeypatch.setattr(architecture, "_ARCHITECTURES", dict(architecture._ARCHITECTURES))
