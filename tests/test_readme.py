"""What the README and the documents show is what happens."""

import re
import shlex
from pathlib import Path

import pytest

from zoo import list_presets, presets, reproduce
from zoo.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}

SINGLE = [f"examples/{path.name}" for path in sorted((ROOT / "examples").glob("*.ogg"))]


@pytest.fixture
def checkout(tmp_path, monkeypatch, sounds, node_modules):
    """A folder to write in, with the examples and recordings where the documents have them, and
    what npm would have installed."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "sounds").symlink_to(sounds)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_python_blocks_run(checkout, name):
    namespace = {}
    for kind, block in re.findall(r"```(python|console)\n(.*?)```", DOCUMENTS[name], re.DOTALL):
        if kind == "python":
            exec(compile(block, name, "exec"), namespace)
        else:
            for line in block.splitlines():
                if line.startswith("$ soundzoo "):
                    assert main(shlex.split(line)[2:]) == 0, line


@pytest.mark.parametrize(
    ("shown", "arguments"),
    [
        ("demo", ["classify", "examples/everyday", "--top", "3"]),
        ("single", ["classify", *SINGLE, "--top", "3", "--model", "resnet50_w025_opensounds"]),
        ("summary", ["summary"]),
        ("list", ["list"]),
    ],
)
def test_output_is_the_real_one(checkout, capsys, shown, arguments):
    block = re.search(rf"<!-- {shown} -->\n```\n(.*?)```\n<!-- end {shown} -->", README, re.DOTALL)
    assert main(arguments) == 0
    assert block[1] == capsys.readouterr().out


def test_figures_are_the_presets():
    metrics = presets.read_metrics(presets.find("resnet50_w025_opensounds"))
    text = " ".join(README.split())
    assert f"over {metrics['test_classes']} classes is {metrics['mAP']:.3f};" in text
    wide = ROOT / "weights" / "resnet50_w100_opensounds"
    found = presets.read_metrics(wide)
    megabytes = (wide / presets.WEIGHTS).stat().st_size / 1e6
    assert f"width, {megabytes:.0f} MB, with an mAP of {found['mAP']:.3f};" in text


def test_hearing_is_that_of_cards_and_results():
    """On world the presets' own figures, by the linear classifier those of docs/results.md."""
    transfer = reproduce.read_results(ROOT / "docs" / "results", "transfer")
    probes = {row["settings"]["features"]: row for row in transfer["rows"]}
    header, _, *rows = re.search(r"^\| \| world, mAP .*?\n\n", README, re.M | re.S)[0].splitlines()
    columns = [cell.strip() for cell in header.split("|")]
    shown = {}
    for row in filter(None, rows):
        name, *cells = (cell.strip("` ") for cell in row.split("|")[1:])
        shown[name] = dict(zip(columns[2:], cells, strict=True))
    for name, cells in shown.items():
        probe = probes[name]
        assert numbers(cells["ESC-10, linear probe"]) == pytest.approx(
            [probe["top1"], *probe["intervals"]["top1"]], abs=6e-4
        )
        if name != "mn04" and cells["world, mAP"]:
            metrics = presets.read_metrics(presets.find(name))
            assert numbers(cells["world, mAP"]) == pytest.approx(
                [metrics["world_mAP"], *metrics["world"]["interval"]], abs=6e-4
            )
    assert {name for name in shown if shown[name]["world, mAP"]} == {
        "mn04",
        *(name for name in list_presets() if presets.describe(name)["labels"] > 500),
    }


def numbers(cell):
    return [float(number) for number in re.findall(r"[\d.]+", cell)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", DOCUMENTS[name]):
        assert (folder / target).exists(), target
