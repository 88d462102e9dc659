"""`soundzoo convert`, and what all sources have in common."""

import json

import numpy as np
import pytest

from zoo import AudioClassifier
from zoo.cli import main
from zoo.convert import convert


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"hello", "of no kind that can be converted"),
        ("broken.npz", b"hello", "broken.npz is damaged"),
        ("broken.npz", b"PK\3\4 and no more", "broken.npz is damaged"),
    ],
)
def test_what_is_no_source(name, content, message, tmp_path, capsys):
    (tmp_path / name).write_bytes(content)
    assert main(["convert", str(tmp_path / name), str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_unknown_arrays_name_what_is_known(tmp_path):
    np.savez(tmp_path / "x.npz", weight=np.zeros(3))
    with pytest.raises(ValueError, match=r"no weights that are known\. .* EfficientAT"):
        convert(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        ("features.15.block.0.0.weight", "classifier.5.weight", "classifier.2.bias"),
        ("vggish/fc2/weights", "vggish/fc2/biases"),
    ],
)
def test_a_scalar_where_a_vector_is_expected(arrays, tmp_path):
    np.savez(tmp_path / "x.npz", **dict.fromkeys(arrays, np.float32(1)))
    with pytest.raises(ValueError, match=r"resembles: '.*' is \[\], where a vector is expected"):
        convert(tmp_path / "x.npz")


def test_missing_source(tmp_path, capsys):
    assert main(["convert", str(tmp_path / "x.npz"), str(tmp_path / "out")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_command(shared_data, tmp_path, capsys):
    source, out = shared_data / "teacher" / "mn04_as_float32.npz", tmp_path / "mn04"
    assert main(["convert", str(source), str(out)]) == 0
    said = capsys.readouterr().out
    assert "mobilenet_v3 at width 0.4, 527 labels, 32000 Hz" in said
    assert "MIT License" in said
    assert "MIT License" in (out / "README.md").read_text()
    assert AudioClassifier.from_preset(out).frontend.sample_rate == 32000
    assert main(["convert", str(source), str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["convert", str(source), str(out), "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == 527
