"""`soundzoo classify`: what is heard in sound files."""

import contextlib
import functools
import warnings

import zoo
from frontend.sound_warnings import SoundWarning
from zoo.cli import beam, selection, sounds
from zoo.cli.model import add_calibrated, add_hop, add_model, load_model
from zoo.cli.output import JsonArray, TableWriter, add_command
from zoo.cli.table import add_output, rounded, write_table
from zoo.listener import Listener

_COLUMNS = {"file", "seconds", "silent", "start_seconds", "end_seconds", "error"}


def add_classify(commands):
    parser = add_command(
        commands,
        "classify",
        _classify,
        "Name what is heard in sound files.",
        "soundzoo classify street.ogg recordings/ --top 3\n"
        "  soundzoo classify street.ogg --timeline --plot street.png\n"
        "  soundzoo classify street.ogg --model exported.tflite\n"
        "  soundzoo classify recordings/ --output heard.csv --labels Rain,Wind\n"
        "  soundzoo classify 'recordings/**.wav' --output heard --runner DirectRunner \\\n"
        "      -- --direct_num_workers 2 --direct_running_mode multi_processing",
    )
    sounds.add_arguments(parser)
    add_model(parser, ", the folder of a run, or an exported FILE.tflite")
    add_calibrated(parser)
    parser.add_argument(
        "--top",
        type=int,
        default=5,
        metavar="N",
        help="labels (default: 5); a table of --labels has all of these",
    )
    selection.add_labels(parser)
    selection.add_thresholds(parser, 0.0, "scores below it are left out")
    parser.add_argument("--timeline", action="store_true", help="labels of each patch, too")
    add_hop(parser)
    parser.add_argument(
        "--plot", metavar="FILE.png", help="draw waveform, log-mel and scores of one file"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print a JSON array, an entry a file")
    add_output(output, "a row a file, or a patch with --timeline")
    beam.add_runner(parser, "writes the folder --output DIR")


def _classify(options):
    if options.runner:
        beam.check(options, ("json", "plot"))
    paths = [] if options.runner else sounds.sound_files(options)
    if options.plot:
        sounds.check_one(paths, "plot", options)
        from zoo import plot  # here, because matplotlib is an extra and slow to import

        plot.check_save(options.plot)

    classifier = load_model(options)
    chosen = selection.Selection(classifier.labels, options)
    keep_rows = bool(options.timeline or options.plot)
    score_files = functools.partial(Listener.score_files, hop=options.hop, keep_rows=keep_rows)
    run = functools.partial(score_files, classifier)
    if options.output:
        columns, rows_of = (_patches if options.timeline else _files)(classifier.frontend, chosen)
        settings = ("timeline", "hop", "top", "labels", "threshold", "thresholds", "calibrated")
        if options.runner:
            return beam.write_tables(options, score_files, columns, rows_of, settings)
        return write_table(paths, run, columns, rows_of, options, settings)
    failed = False
    with _output(paths, classifier, options) as output:
        for result in sounds.hear(paths, run):
            if result.error is not None:
                failed = True
                continue
            output.write(_entry(result, chosen, options))
            if options.plot:
                warnings.simplefilter("ignore", SoundWarning)  # all was said when it was heard
                timeline = zoo.Timeline(result.start_seconds, result.rows)
                plot.save(
                    plot.recording(classifier, result.file, timeline, top=options.top), options.plot
                )
    return 2 if failed else 0


def _files(_, chosen):
    """Columns of a table of files, and a function that gives a result's row."""
    columns = {"seconds": float, "silent": bool, **_score_columns(chosen)}

    def rows_of(result):
        yield {
            "seconds": round(result.seconds, 3),
            "silent": result.silent,
            **_score_cells(result.mean, chosen),
        }

    return columns, rows_of


def _patches(frontend, chosen):
    """As `_files`, of a table of patches."""
    columns = {"start_seconds": float, "end_seconds": float, **_score_columns(chosen)}

    def rows_of(result):
        length = frontend.heard_seconds(result.seconds)
        for start, scores in zip(map(float, result.start_seconds), result.rows, strict=True):
            yield {
                "start_seconds": round(start, 3),
                "end_seconds": round(min(start + length, result.seconds), 3),
                **_score_cells(scores, chosen),
            }

    return columns, rows_of


def _score_columns(chosen):
    """A column for each label that was named; otherwise the best ones."""
    if chosen.named is not None:
        if clash := _COLUMNS.intersection(chosen.named):
            raise ValueError(f"The label {clash.pop()!r} is the name of another column.")
        return dict.fromkeys(chosen.named, float)
    columns = {}
    for place in range(1, chosen.top + 1):
        columns |= {f"label_{place}": str, f"score_{place}": float}
    return columns


def _score_cells(scores, chosen):
    if chosen.named is not None:
        return {name: rounded(score) for name, score in chosen.scores(scores).items()}
    cells = {}
    for place, (label, _, score) in enumerate(chosen.best(scores), start=1):
        cells |= {f"label_{place}": label, f"score_{place}": rounded(score)}
    return cells


def _output(paths, classifier, options):
    if options.json:
        return JsonArray()
    return contextlib.nullcontext(_PredictionTable(paths, classifier, options))


def _entry(result, chosen, options):
    """What is said of one file, as JSON has it."""

    def best(scores):
        return [prediction._asdict() for prediction in chosen.best(scores)]

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
        cells = [(each["label"], f"{each['score']:.2f}") for each in predictions]
        for label, score in cells or [("-", "-")]:  # nothing reached the threshold
            place = (file, start) if self.timeline else (file,)
            self.table.row(*place, label, score)
            file = start = ""
