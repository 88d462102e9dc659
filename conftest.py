"""Which modules' docstrings the tests leave out."""

from importlib.util import find_spec

# Its example runs where tensorflow-io is installed, as in `make test-legacy`.
collect_ignore = [] if find_spec("tensorflow_io") else ["frontend/tf_audio.py"]
