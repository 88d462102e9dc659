"""The API reference: what is public has a docstring, and its docstring has a place on a page."""

import dataclasses
import html
import importlib
import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import zoo
from zoo.architecture import find_architecture

ROOT = Path(__file__).parents[1]
pytest.importorskip("pdoc", reason="pdoc, of the extra docs, is not installed")
reference = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "reference.py")))


def public(name):
    return reference.public(importlib.import_module(name))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder that `make docs` writes."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "docs/reference.py", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return folder


def text(page):
    """What a page shows, apart from its menu."""
    source = page.read_text(encoding="utf-8")
    main = re.search(r"<main.*</main>", source, re.DOTALL)[0]
    return words(html.unescape(re.sub("<[^>]*>", "", main)))


def words(string):
    return " ".join(string.replace("`", "").split())


def documented(string):
    """The parameters of a function or class that a docstring tells of."""
    listed = re.findall(r"^ {4}(\w+(?:, \w+)*): ", string, re.MULTILINE)
    quoted = re.findall(r"`(\w+)`", string)
    return {*", ".join([*listed, *quoted]).split(", ")}


@pytest.mark.slow
@pytest.mark.parametrize("name", reference.MODULES)
def test_pages_show_what_is_public(pages, name):
    shown = text(pages / f"{name.replace('.', '/')}.html")
    for key, value in public(name).items():
        assert key in shown
        if callable(value):
            first = re.match(r".*?(\.(?=\s)|$|(?=\n\n))", inspect.getdoc(value), re.DOTALL)[0]
            assert words(first) in shown, key


@pytest.mark.slow
def test_classes_show_their_own_members_and_no_others(pages):
    shown = text(pages / "zoo.html")
    classifier = shown[shown.index("class AudioClassifier") : shown.index("class Calibration")]
    members = re.findall(r"def (\w+)\(", classifier)
    assert members == [
        "export",
        "freeze_body",
        "save_to_preset",
        "from_preset",
        "with_labels",
        "preset_config",
        "classify",
        "rank",
        "timeline",
        "events",
        "score_files",
        "embed",
        "embed_files",
        "stream",
    ]
    assert re.search(r"def VGG\( ?\*, ?classes: int = 3087", shown)


@pytest.mark.slow
def test_hints_are_as_they_are_written(pages):
    shown = text(pages / "zoo" / "evaluation.html")
    assert "def lwlrap(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:" in shown
    for page in pages.rglob("*.html"):
        assert "_SupportsArray" not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_pages_lead_to_each_other_and_load_nothing_from_elsewhere(pages):
    front = (pages / "index.html").read_text(encoding="utf-8")
    assert {"frontend.html", "zoo.html", "export.html"} <= {*re.findall('href="([^"]*)"', front)}
    for page in pages.rglob("*.html"):
        source = page.read_text(encoding="utf-8")
        assert not re.search(r'(src=|<link[^>]*href=|@import |url\()["\']?(https?:)?//', source)
        for target, anchor in re.findall(r'<a [^>]*href="(?!http|\$)([^"#]*)#?([^"]*)"', source):
            there = page.parent / target if target else page
            assert f'id="{anchor}"' in there.read_text(encoding="utf-8") or not anchor, anchor
    assert "zoo.AudioClassifier.classify" in (pages / "search.js").read_text(encoding="utf-8")


WRONG = """
import runpy, sys
from zoo.data import Clip
Clip.__annotations__["id"] = "Nonsense"
runpy.run_path("docs/reference.py")["write"](sys.argv[1])
"""


@pytest.mark.slow
def test_a_warning_fails(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", WRONG, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "UserWarning: Error parsing type annotation Nonsense" in run.stderr


@pytest.mark.parametrize("name", reference.MODULES)
def test_docstrings_tell_of_every_parameter(name):
    module = importlib.import_module(name)
    assert module.__doc__
    for key, value in public(name).items():
        if callable(value):
            assert value.__doc__, key
            told = documented(inspect.getdoc(value))
            for other in re.findall(r"Args and errors\s+are those\s+of `(\w+)`", value.__doc__):
                told |= documented(inspect.getdoc(public(name)[other]))
            if dataclasses.is_dataclass(value):  # listed from there
                told |= {field.name for field in dataclasses.fields(value) if field.metadata}
            if not (inspect.isclass(value) and issubclass(value, BaseException)):  # ours to raise
                parameters = inspect.signature(value).parameters.values()
                given = {each.name for each in parameters if each.kind != each.VAR_KEYWORD}
                assert given <= told, key


@pytest.mark.parametrize("name", zoo.list_models())
def test_arguments_of_networks_stand_apart(name):
    assert "\n\nArgs:\n" in find_architecture(name).builder.__doc__


@pytest.mark.parametrize("name", reference.MODULES)
def test_no_name_is_that_of_a_module(name):
    """Importing the module would hide a function that is reached lazily."""
    module = importlib.import_module(name)
    if "__getattr__" in vars(module):
        folder = Path(module.__file__).parent
        assert not {*module.__all__} & {path.stem for path in folder.iterdir()}
