"""The wheel holds what the code reads beside itself: presets, the web page, example recordings."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of a copy of the sources, because a build leaves folders behind."""
    pytest.importorskip("wheel", reason="it builds with what is installed, without the network")
    sources, wheels = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheels")
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    for name in ("examples", "export", "frontend", "zoo"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, sources / name, symlinks=True, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--no-deps", "--wheel-dir", wheels, sources], check=True
    )
    (path,) = wheels.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_holds_the_example_recordings_and_their_credits(wheel):
    paths = [path for path in (ROOT / "examples").rglob("*") if path.is_file()]
    examples = [path.relative_to(ROOT / "examples").as_posix() for path in paths]
    assert {"README.md", "wind.ogg", "everyday/cow.ogg"} <= {*examples}
    assert len(examples) > 5
    for name in examples:
        assert wheel.read(f"export/examples/{name}") == (ROOT / "examples" / name).read_bytes()


def test_holds_the_presets(wheel):
    presets = sorted((ROOT / "zoo" / "pretrained").glob("*/*"))
    assert presets
    for path in presets:
        assert wheel.read(path.relative_to(ROOT).as_posix()) == path.read_bytes()


def test_holds_the_web_page(wheel):
    page = sorted((ROOT / "export" / "page").iterdir())
    assert page
    for path in page:
        assert wheel.read(path.relative_to(ROOT).as_posix()) == path.read_bytes()


def test_says_that_it_has_type_hints(wheel):
    assert {f"{package}/py.typed" for package in ("export", "frontend", "zoo")} <= {
        *wheel.namelist()
    }


def test_holds_every_module_and_no_test(wheel):
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("export", "frontend", "zoo")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {name for name in wheel.namelist() if name.endswith(".py")} == modules
