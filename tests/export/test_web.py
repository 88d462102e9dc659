"""The folder that `export_web` writes; tests/export/test_browser.py opens it in a browser."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from export import TFLiteClassifier, export_web
from frontend import FrontendConfig
from tests.export.exported import LABELS, small_classifier, small_model, without_metadata

PAGE = Path(__file__).parents[2] / "export" / "page"


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return path


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_holds_page_model_and_what_the_page_needs_of_the_runtime(model, node_modules, tmp_path):
    export_web(model, tmp_path / "page", runtime=node_modules)
    copied = {
        "litertjs/core/package.json",
        "litertjs/core/dist/index.js",
        "litertjs/core/wasm/litert_wasm_internal.js",
        "litertjs/core/wasm/litert_wasm_internal.wasm",
        "litertjs/core/wasm/litert_wasm_compat_internal.js",
        "litertjs/core/wasm/litert_wasm_compat_internal.wasm",
        "litertjs/wasm-utils/package.json",
        "litertjs/wasm-utils/dist/index.js",
    }
    page = tmp_path / "page"
    ours = {path.name for path in PAGE.iterdir()}
    assert {"index.html", "LICENSE"} < ours
    assert (page / "LICENSE").read_text() == (PAGE.parents[1] / "LICENSE").read_text()
    assert files(page) == copied | ours | {"model.tflite", "model.json"}
    for name in copied:
        assert (page / name).read_bytes() == (node_modules / f"@{name}").read_bytes()
    for name in ours:
        assert (page / name).read_bytes() == (PAGE / name).read_bytes()
        assert not (page / name).is_symlink()
    assert (page / "model.tflite").read_bytes() == model.read_bytes()


def test_says_what_the_model_is(model, node_modules, tmp_path):
    export_web(model, tmp_path / "page", runtime=node_modules)
    about = json.loads((tmp_path / "page" / "model.json").read_text())
    assert about["labels"] == [label.name for label in LABELS]
    assert about["mids"] == [label.mid for label in LABELS]
    assert about["license"] == "Apache-2.0"
    assert about["runtime"].startswith("LiteRT.js 2.5.3")
    assert FrontendConfig.from_dict(about["frontend"]) == FrontendConfig()
    assert (about["window_samples"], about["hop_samples"], about["tail_samples"]) == (
        15600,
        15360,
        3840,
    )
    assert (about["frame_samples"], about["frame_hop_samples"]) == (400, 160)


def test_exports_a_classifier(node_modules, tmp_path, noise):
    export_web(small_classifier(), tmp_path / "page", runtime=node_modules)
    exported = TFLiteClassifier(tmp_path / "page" / "model.tflite")
    sound = noise(40000)
    difference = exported.timeline(sound).scores - small_classifier().timeline(sound).scores
    assert abs(difference).max() < 1e-5


def test_a_file_is_exported_without_tensorflow(model, node_modules, tmp_path):
    program = (
        "import sys, export\n"
        "export.export_web(sys.argv[1], sys.argv[2], runtime=sys.argv[3])\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    arguments = [sys.executable, "-c", program, model, tmp_path / "page", node_modules]
    subprocess.run(arguments, check=True)
    assert (tmp_path / "page" / "index.html").exists()


def test_page_allows_its_own_files_alone():
    """The hash that the policy gives is that of the import map, and nothing has an address."""
    page = (PAGE / "index.html").read_text()
    [policy] = re.findall('"Content-Security-Policy" content="(.*?)"', page)
    [imports] = re.findall('<script type="importmap">(.*?)</script>', page)
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "connect-src 'self';" in policy
    for path in PAGE.iterdir():
        if path.name != "LICENSE":
            assert "://" not in path.read_text().replace("file://", "")


def test_replaces_a_page_only_when_told_and_nothing_else(model, node_modules, tmp_path):
    page = tmp_path / "page"
    export_web(model, page, runtime=node_modules)
    with pytest.raises(FileExistsError, match="page exists; pass overwrite=True"):
        export_web(model, page, runtime=node_modules)
    (page / "old.txt").touch()
    export_web(model, page, runtime=node_modules, overwrite=True)
    assert not (page / "old.txt").exists()
    with pytest.raises(FileExistsError, match="is not a page of soundzoo"):
        export_web(model, node_modules, runtime=node_modules, overwrite=True)


def refused(message, model, node_modules, tmp_path, error=ValueError):
    with pytest.raises(error, match=message):
        export_web(model, tmp_path / "new" / "page", runtime=node_modules)
    assert not files(tmp_path / "new")


def test_a_runtime_that_is_missing_is_named_with_the_command(model, node_modules, tmp_path):
    message = "nowhere does not hold the runtime .*`npm install @litertjs/core@2`"
    refused(message, model, tmp_path / "nowhere", tmp_path, FileNotFoundError)
    (node_modules / "@litertjs/core/wasm/litert_wasm_internal.wasm").unlink()
    message = r"litert_wasm_internal.wasm is missing\): run `npm install"
    refused(message, model, node_modules, tmp_path, FileNotFoundError)


@pytest.mark.parametrize("package", ['{"version": "0.2.1"}', "{}", "[]", "<html>"])
def test_a_runtime_of_another_version_is_refused(model, node_modules, tmp_path, package):
    (node_modules / "@litertjs/core/package.json").write_text(package)
    refused("the page wants version 2: run `npm install", model, node_modules, tmp_path)


def test_files_that_the_page_cannot_run_are_refused(model, node_modules, tmp_path):
    model.write_bytes(small_model("any"))
    refused("small.tflite takes sound of any length.*input='window'", model, node_modules, tmp_path)
    model.write_bytes(b"<html>")
    refused("small.tflite is not a TFLite model", model, node_modules, tmp_path)
    model.write_bytes(without_metadata(small_model()))
    refused("small.tflite does not name its 3 scores", model, node_modules, tmp_path)
    refused("lost.tflite", tmp_path / "lost.tflite", node_modules, tmp_path, FileNotFoundError)
    refused("Only an AudioClassifier can be exported", 3, node_modules, tmp_path)
