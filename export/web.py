"""Exports a classifier as a page that runs it in browsers: a folder for any static server."""

import json
import os
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from export.flatbuffer import read_root
from export.runtime import TFLiteClassifier
from frontend.types import StrPath
from zoo.files import check_replaceable, replace_folder
from zoo.listener import SILENCE

if TYPE_CHECKING:  # a .tflite file is exported without TensorFlow
    from zoo import AudioClassifier

INSTALL = "npm install @litertjs/core@2"
"""The command that installs the runtime, in the range of versions that was tested."""

_CORE, _UTILS = "@litertjs/core", "@litertjs/wasm-utils"
_TESTED = "2."  # how versions begin

# The runtime for browsers with relaxed SIMD and the one for all others, as Safari is. Those with
# threads want headers that static servers do not send, and JSPI is for GPUs, on which the front
# end's Fourier transform does not run.
_RUNTIME_FILES = [
    f"{_CORE}/package.json",
    f"{_CORE}/dist/index.js",
    *(
        f"{_CORE}/wasm/litert_wasm_{kind}internal.{suffix}"
        for kind in ("", "compat_")
        for suffix in ("js", "wasm")
    ),
    f"{_UTILS}/package.json",
    f"{_UTILS}/dist/index.js",
]

_PAGE = "page of soundzoo"
_MARK = "soundzoo.js"  # tells a page of ours from other folders


def export_web(
    model: "AudioClassifier | StrPath",
    path: StrPath,
    *,
    runtime: StrPath = "node_modules",
    overwrite: bool = False,
) -> None:
    """Writes a page that names what is heard in files and by the microphone, on the device itself.

    The folder holds `index.html` and its modules, `model.tflite`, `model.json` (labels, front end)
    and the runtime, LiteRT.js, in WebAssembly. Any static server serves it; from `file://` browsers
    load no modules, and only pages from https and localhost may ask for the microphone. The page
    asks no other host for anything. Its scores are those of `TFLiteClassifier` on the same samples.

    Args:
        model: an `AudioClassifier`, which is exported in float32; or a .tflite file that
            `export_tflite` wrote, quantised or not, with `input="window"`.
        path: the folder. It appears complete or not at all; folders above it are made.
        runtime: folder `node_modules` in which npm installed `@litertjs/core`, version 2.
        overwrite: replace the page that is there.

    Raises:
        FileExistsError: the path exists, and `overwrite` is not set or it is not such a page.
        FileNotFoundError: the runtime is not in `runtime`; the message says how to install it.
        OSError: a file cannot be read, or the folder not be written.
        ValueError: the model is no classifier of this form, or the runtime's version is another.
    """
    version = _check_runtime(Path(runtime))
    with replace_folder(path, _PAGE, _MARK, overwrite=overwrite) as folder:
        file = folder / "model.tflite"
        if isinstance(model, (str, os.PathLike)):
            about = _describe(model)
            shutil.copyfile(model, file)
        else:
            from export.tflite import export_tflite

            export_tflite(model, file)
            about = _describe(file)
        about["runtime"] = f"LiteRT.js {version}, WebAssembly, one thread"
        (folder / "model.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        for part in resources.files("export").joinpath("page").iterdir():
            (folder / part.name).write_bytes(part.read_bytes())
        for name in _RUNTIME_FILES:
            target = folder / name.removeprefix("@")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(runtime, name), target)


def check_place(path: StrPath, runtime: StrPath) -> None:
    """Raises what `export_web` would raise even with `overwrite`, before the work is done."""
    check_replaceable(Path(path).resolve(), _PAGE, _MARK, overwrite=True)
    _check_runtime(Path(runtime))


def _check_runtime(folder):
    """The version of the runtime in a folder `node_modules`."""
    missing = [name for name in _RUNTIME_FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} does not hold the runtime LiteRT.js ({missing[0]} is missing): run "
            f"`{INSTALL}`, and name the folder node_modules that it makes."
        )
    try:
        version = json.loads((folder / _CORE / "package.json").read_bytes())["version"]
    except (ValueError, KeyError, TypeError):
        version = "of no version"
    if not str(version).startswith(_TESTED):
        raise ValueError(
            f"{folder} holds LiteRT.js {version}, and the page wants version 2: run `{INSTALL}`."
        )
    return version


def _describe(file):
    """What the page must know of a .tflite file."""
    classifier = TFLiteClassifier(file)
    frontend, metadata = classifier.frontend, classifier.metadata
    assert metadata is not None  # the labels are there
    if -1 in _input_shape(Path(file).read_bytes()):
        raise ValueError(
            f"{os.fsdecode(file)} takes sound of any length, and LiteRT.js wants one length: "
            "export it with input='window'."
        )
    return {
        "name": metadata.name,
        "description": metadata.description,
        "license": metadata.license,
        "labels": [label.name for label in classifier.labels],
        "mids": [label.mid for label in classifier.labels],
        "silence": SILENCE,
        "frontend": frontend.to_dict(),
        "window_samples": frontend.patch_samples,
        "hop_samples": frontend.patch_hop_samples,
        "tail_samples": frontend.tail_samples,
        "frame_samples": frontend.window_samples,
        "frame_hop_samples": frontend.hop_samples,
    }


def _input_shape(model):
    """The shape of a model's input, with -1 for any size, as its file's schema has it."""
    (graph,) = read_root(memoryview(model), b"TFL3").tables(2)
    tensor = graph.tables(0)[graph.numbers(1, "i")[0]]
    signature = tensor.numbers(7, "i")
    return (signature if len(signature) else tensor.numbers(0, "i")).tolist()
