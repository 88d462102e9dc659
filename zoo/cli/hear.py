"""`soundzoo classify` and `soundzoo embed`: what is heard in sound files."""

import contextlib
import functools
import warnings
from pathlib import Path

import numpy as np

import zoo
from frontend.sound_warnings import SoundWarning
from zoo.cli import sounds
from zoo.cli.output import JsonArray, TableWriter, add_command
from zoo.files import check_writable, write_atomically

DEFAULT_MODEL = "resnet50_w025_opensounds"


def add_classify(commands):
    parser = add_command(
        commands,
        "classify",
        _classify,
        "Name what is heard in sound files.",
        "soundzoo classify street.ogg recordings/ --top 3\n"
        "  soundzoo classify street.ogg --timeline --plot street.png\n"
        "  soundzoo classify street.ogg --model exported.tflite",
    )
    sounds.add_arguments(parser)
    add_model(parser, ", or an exported FILE.tflite")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="labels (default: 5)")
    parser.add_argument("--timeline", action="store_true", help="labels of each patch, too")
    _add_hop(parser)
    parser.add_argument(
        "--plot", metavar="FILE.png", help="draw waveform, log-mel and scores of one file"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array, an entry a file")


def add_embed(commands):
    parser = add_command(
        commands,
        "embed",
        _embed,
        "Turn sound files into embeddings, one for each patch of 0.96 s.",
        "soundzoo embed recordings/ --output embeddings.npz\n"
        "  soundzoo embed recordings/ --plot map.png",
    )
    sounds.add_arguments(parser)
    add_model(parser)
    _add_hop(parser)
    output = parser.add_mutually_exclusive_group(required=True)
    output.add_argument(
        "--output",
        metavar="FILE.npz",
        help="write arrays: embeddings [patches, units], start_seconds and files [patches]",
    )
    output.add_argument(
        "--plot",
        metavar="FILE.png",
        help="draw them in two dimensions, named by their folders, or in one folder by their files",
    )
    output.add_argument("--json", action="store_true", help="print a JSON array, an entry a file")


def add_model(parser, others=""):
    """Adds `--model`; `others` says what it may be beside a preset."""
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help=f"a preset's name or folder{others} (default: {DEFAULT_MODEL})",
    )


def _add_hop(parser):
    parser.add_argument(
        "--hop",
        type=float,
        metavar="SECONDS",
        help="between patches (default: the model's, 0.96 for most)",
    )


def _load(model):
    if Path(model).suffix != ".tflite":
        return zoo.AudioClassifier.from_preset(model)
    from export import TFLiteClassifier  # here, because the packages point the other way

    return TFLiteClassifier(model)


def _classify(options):
    if options.top < 1:
        raise ValueError(f"--top must be at least 1. Received: {options.top}")
    paths = sounds.sound_files(options)
    if options.plot:
        if len(paths) != 1 or paths[0] == sounds.STDIN:
            raise ValueError(f"--plot draws one file. Received: {', '.join(paths)}")
        check_writable(options.plot)
        from zoo import plot  # here, because matplotlib is an extra and slow to import

    classifier = _load(options.model)
    classifier.frontend.with_hop(options.hop)  # says what is wrong with it before any file is read

    rows_wanted = bool(options.timeline or options.plot)
    run = functools.partial(classifier.score_files, hop=options.hop, keep_rows=rows_wanted)
    failed = False
    with _output(paths, classifier, options) as output:
        for result in sounds.hear(paths, run):
            if result.error is not None:
                failed = True
                continue
            output.write(_entry(result, classifier, options))
            if options.plot:
                warnings.simplefilter("ignore", SoundWarning)  # all was said when it was heard
                timeline = zoo.Timeline(result.start_seconds, result.rows)
                plot.save(
                    plot.recording(classifier, result.file, timeline, top=options.top), options.plot
                )
    return 2 if failed else 0


def _output(paths, classifier, options):
    if options.json:
        return JsonArray()
    return contextlib.nullcontext(_PredictionTable(paths, classifier, options))


def _entry(result, classifier, options):
    """What is said of one file, as JSON has it."""

    def best(scores):
        return [prediction._asdict() for prediction in classifier.rank(scores, options.top)]

    entry = {"file": result.file, "predictions": best(result.mean)}
    if result.silent:
        entry["silent"] = True
    if options.timeline:
        entry["timeline"] = [
            {"start_seconds": round(float(start), 3), "predictions": best(scores)}
            for start, scores in zip(result.start_seconds, result.rows, strict=True)
        ]
    return entry


class _PredictionTable:
    """Prints entries as rows: the file's mean first, then, where asked for, each patch."""

    def __init__(self, paths, classifier, options):
        self.timeline = options.timeline
        self.table = TableWriter(
            File=max(map(len, paths)),
            **({"Start": -6} if self.timeline else {}),
            Label=max(len(label.name) for label in classifier.labels),
            Score=-5,
        )

    def write(self, entry):
        self._rows(entry["file"], "mean", entry["predictions"])
        for patch in entry.get("timeline", ()):
            self._rows("", f"{patch['start_seconds']:.2f}", patch["predictions"])

    def _rows(self, file, start, predictions):
        for prediction in predictions:
            place = (file, start) if self.timeline else (file,)
            self.table.row(*place, prediction["label"], f"{prediction['score']:.2f}")
            file = start = ""


def _embed(options):
    paths = sounds.sound_files(options)
    if not options.json:
        check_writable(options.output or options.plot)
    if options.plot:
        from zoo import plot  # here, because matplotlib is an extra and slow to import

    classifier = _load(options.model)
    if not hasattr(classifier, "embed"):
        raise ValueError(f"{options.model} gives scores alone; embed needs a preset.")
    classifier.frontend.with_hop(options.hop)  # says what is wrong with it before any file is read
    run = functools.partial(classifier.embed_files, hop=options.hop)
    heard, failed = [], False
    with JsonArray() if options.json else contextlib.nullcontext() as output:
        for result in sounds.hear(paths, run):
            if result.error is not None:
                failed = True
            elif options.json:
                output.write({"file": result.file, "embeddings": result.rows.tolist()})
            else:
                heard.append(result)
    if heard:
        embeddings = np.concatenate([result.rows for result in heard])
        files = np.concatenate([[result.file] * result.patches for result in heard])
        if options.plot:
            plot.save(plot.embedding_map(embeddings, _places(files)), options.plot)
        else:
            starts = np.concatenate([result.start_seconds for result in heard])
            with write_atomically(options.output) as file:
                np.savez(file, embeddings=embeddings, start_seconds=starts, files=files)
        print(f"{options.output or options.plot}: {len(files)} embeddings of {len(heard)} files")
    return 2 if failed else 0


def _places(files):
    """Where each file lies: its folder's name, or its own where all lie in one folder."""
    folders = [Path(file).parent for file in files]
    if len(set(folders)) == 1:
        return [Path(file).stem for file in files]
    return [folder.name for folder in folders]
