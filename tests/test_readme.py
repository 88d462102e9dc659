"""What the README shows is what happens."""

import json
import re
import shlex
from pathlib import Path

import pytest

from zoo import presets
from zoo.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder to write in, with the examples where the README has them."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)


def test_python_blocks_run(checkout):
    namespace = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), namespace)


def commands():
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ soundzoo ")]


@pytest.mark.parametrize("command", commands())
def test_commands_run(checkout, command):
    assert main(shlex.split(command)[1:]) == 0


@pytest.mark.parametrize(
    ("shown", "arguments"),
    [
        ("demo", ["classify", "examples", "--top", "3"]),
        ("summary", ["summary"]),
        ("list", ["list"]),
    ],
)
def test_output_is_the_real_one(checkout, capsys, shown, arguments):
    block = re.search(rf"<!-- {shown} -->\n```\n(.*?)```\n<!-- end {shown} -->", README, re.DOTALL)
    assert main(arguments) == 0
    assert block[1] == capsys.readouterr().out


def test_figures_are_the_presets():
    folder = presets.find("resnet50_w025_opensounds")
    metrics = json.loads((folder / presets.METRICS).read_text(encoding="utf-8"))
    text = " ".join(README.split())
    assert f"over {metrics['test_classes']} classes is {metrics['mAP']:.3f};" in text
    assert f"fifth fold it names {metrics['esc10_fold5_top1']:.3f} rightly" in text


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target
