"""docs/results.md: it is what its figures make it, and an experiment gives them again."""

import subprocess
import sys
from pathlib import Path

import pytest

from zoo import reproduce
from zoo.data import open_prepared

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ("architectures", "data", "labels", "transfer", "world/architectures")


def test_page_is_made_of_its_figures(recipes):
    import results

    assert (ROOT / "docs" / "results.md").read_text(encoding="utf-8") == results.page()


def test_commands_are_those_of_make(recipes):
    import results

    makefile = " ".join((ROOT / "Makefile").read_text(encoding="utf-8").replace("\\", "").split())
    for _, command, _ in results.SECTIONS.values():
        assert f"soundzoo {command} " in makefile


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_figures_are_complete(name):
    found = reproduce.read_results(ROOT / "docs" / "results", name)
    assert found["experiment"] == Path(name).name
    for row in found["rows"]:
        low, high = row["intervals"]["mAP"]
        assert 0 < low <= row["mAP"] <= high <= 1


@pytest.mark.slow
def test_transfer_gives_its_figures_again(shared_data, tmp_path, recipes):
    """From ESC-10's sounds on, with the weights that lie in the repository."""
    commands = [
        [recipes / "opensounds.py", "--data", shared_data, "--esc10", "folds", "--output", "x.csv"],
        ["-m", "zoo", "prepare", "x.csv", "esc10"],
    ]
    for command in commands:
        subprocess.run([sys.executable, *command], cwd=tmp_path, check=True)
    model = ROOT / "weights" / "resnet50_w025_opensounds_only"
    again = reproduce.transfer(open_prepared(tmp_path / "esc10"), [model])
    before = reproduce.read_results(ROOT / "docs" / "results", "transfer")
    of_before = {row["settings"]["features"]: row for row in before["rows"]}
    for row in again["rows"]:
        expected = of_before[row["settings"]["features"]]
        for figure in ("mAP", "AUC", "top1"):
            assert row[figure] == pytest.approx(expected[figure], abs=0.02), figure
            low, high = expected["intervals"][figure]
            assert low <= row[figure] <= high
