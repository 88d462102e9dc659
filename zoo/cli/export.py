"""`soundzoo export`: a model for TensorFlow Serving, for phones and boards, or for browsers."""

import argparse
import shlex
import tempfile
import warnings
from pathlib import Path

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

import zoo
from zoo.cli.model import add_model, is_exported
from zoo.cli.output import TableWriter, add_command, check_overwrite, complain, print_json
from zoo.cli.progress import progress_bar
from zoo.cli.sounds import sound_files
from zoo.search import check_file

_PACKAGE_LICENSE = "Apache-2.0"
_RUNTIME = "node_modules"


def add_export(commands):
    parser = add_command(
        commands,
        "export",
        _export,
        "Write a model as a SavedModel, for TensorFlow Serving, a TFLite file, or a web page.",
        "soundzoo export --format saved_model sounds/1\n"
        "  soundzoo export --format tflite sounds.tflite --quantize int8 --calibration clips/\n"
        "  soundzoo export --format web page --runtime node_modules",
    )
    parser.add_argument("output", metavar="OUT", help="folder (saved_model, web) or file (tflite)")
    add_model(parser, ", the folder of a run, or (web) a .tflite file")
    parser.add_argument("--format", choices=("saved_model", "tflite", "web"), required=True)
    parser.add_argument(
        "--runtime",
        metavar="FOLDER",
        help="for web: node_modules of `npm install @litertjs/core@2` (default: node_modules)",
    )
    tflite = parser.add_argument_group("of TFLite files, also in web pages")
    tflite.add_argument(
        "--quantize",
        choices=("none", "float16", "dynamic", "int8"),
        help="float16 halves the file; dynamic and int8 quarter it, and are faster (default: none)",
    )
    tflite.add_argument(
        "--input",
        choices=("window", "any"),
        help="one patch of 0.975 s, or sound of any length (default: window)",
    )
    tflite.add_argument(
        "--calibration",
        nargs="+",
        metavar="FILE",
        help="for int8: sound files like those that the model will hear, or directories of them",
    )
    tflite.add_argument(
        "--with-embedding",
        action="store_true",
        default=None,
        help="give embeddings, too, for soundzoo embed and TFLiteClassifier.embed",
    )
    tflite.add_argument(
        "--license",
        metavar="TEXT",
        help="of the model, for the file's metadata (default: that of the package's own presets)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is at OUT")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _export(options):
    choices = {
        name: getattr(options, name)
        for name in ("quantize", "input", "calibration", "with_embedding", "license")
        if getattr(options, name) is not None
    }
    _check(options, choices)
    check_overwrite(options.output, options.overwrite)
    if options.format == "web":
        from export.web import check_place

        options.runtime = options.runtime or _RUNTIME
        check_place(options.output, options.runtime)
    if options.calibration:
        named = argparse.Namespace(files=options.calibration, from_list=None)
        choices["calibration"] = sound_files(named)
        for path in choices["calibration"]:
            check_file(path)
    if options.format != "saved_model" and options.model in zoo.list_presets():
        choices.setdefault("license", _PACKAGE_LICENSE)

    if is_exported(options.model):
        model = options.model
    else:
        model = zoo.AudioClassifier.from_preset(options.model)
    with (
        warnings.catch_warnings(record=True) as caught,
        progress_bar(TextColumn("Converting"), BarColumn(), TimeElapsedColumn()) as bar,
    ):
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        bar.add_task("", total=None)
        describe = _write(model, options, choices)
    for warning in caught:
        complain(warning.message)
    described = {"output": options.output, "format": options.format, **describe(options.output)}
    if options.json:
        print_json(described)
    else:
        _print(described)
    return 0


def _check(options, choices):
    """Refuses options that are not of the format, or not of a file that was exported before."""
    if options.format != "tflite" and options.with_embedding:
        raise ValueError("--with-embedding is for --format tflite.")
    choice = next(iter(choices), None)
    if options.format == "saved_model" and choices:
        raise ValueError(f"--{choice} is for --format tflite and web.")
    if options.format != "web" and options.runtime is not None:
        raise ValueError("--runtime is for --format web.")
    if options.format == "web" and options.input == "any":
        raise ValueError("--input any is for --format tflite: pages want --input window.")
    if is_exported(options.model) and (options.format != "web" or choices):
        what = f"--{choice}" if options.format == "web" else f"--format {options.format}"
        raise ValueError(f"{what} is for presets: {options.model} is exported already.")


def _write(model, options, choices):
    """Writes what is asked for; returns the function that describes it."""
    # Here, because the other commands start faster without it.
    from export import export_saved_model, export_tflite, export_web

    if options.format == "saved_model":
        export_saved_model(model, options.output, overwrite=options.overwrite)
        return _describe_saved_model
    if options.format == "tflite":
        export_tflite(model, options.output, overwrite=options.overwrite, **choices)
        return _describe_tflite
    with tempfile.TemporaryDirectory() as folder:
        if choices:
            classifier, model = model, Path(folder, "model.tflite")
            export_tflite(classifier, model, **choices)
        export_web(
            model,
            options.output,
            runtime=options.runtime,
            overwrite=options.overwrite,
        )
    return _describe_web


def _describe_saved_model(path):
    import tensorflow as tf

    def ends(specs):
        return [_end(name, spec.dtype.name, spec.shape) for name, spec in specs.items()]

    signatures = tf.saved_model.load(path).signatures
    return {
        "bytes": _folder_bytes(path),
        "signatures": {
            key: {
                "inputs": ends(signature.structured_input_signature[1]),
                "outputs": ends(signature.structured_outputs),
            }
            for key, signature in signatures.items()
        },
    }


def _describe_tflite(path):
    from ai_edge_litert.interpreter import Interpreter

    from export.operators import operations

    def ends(details):
        return [
            _end(end["name"], end["dtype"].__name__, (int(n) for n in end["shape_signature"]))
            for end in details
        ]

    model = Path(path).read_bytes()
    interpreter = Interpreter(model_content=model)
    (key,) = interpreter.get_signature_list()
    return {
        "bytes": len(model),
        "signatures": {
            key: {
                "inputs": ends(interpreter.get_input_details()),
                "outputs": ends(interpreter.get_output_details()),
            }
        },
        "operations": operations(model),
    }


def _describe_web(path):
    return {**_describe_tflite(Path(path, "model.tflite")), "bytes": _folder_bytes(path)}


def _folder_bytes(path):
    return sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())


def _end(name, dtype, shape):
    """An input or output as JSON; null stands for a dimension of any size."""
    shape = [None if size in (None, -1) else size for size in shape]
    return {"name": name, "dtype": dtype, "shape": shape}


def _print(described):
    print(f"{described['output']}: {described['bytes'] / 1e6:.2f} MB\n")
    rows = [
        (key, f"{way}: {end['name']}", f"{end['dtype']} {_shape(end['shape'])}")
        for key, signature in described["signatures"].items()
        for way in ("input", "output")
        for end in signature[f"{way}s"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = TableWriter(Signature=widths[0], Tensor=widths[1], Shape=widths[2])
    for row in rows:
        table.row(*row)
    if "operations" in described:
        counts = described["operations"]
        listed = ", ".join(f"{count} {name}" for name, count in counts.items())
        print(f"\n{sum(counts.values())} operations: {listed}")
    if described["format"] == "web":
        print(f"\nTo open it: python -m http.server --directory {shlex.quote(described['output'])}")


def _shape(shape):
    return "[" + ", ".join("any" if size is None else str(size) for size in shape) + "]"
