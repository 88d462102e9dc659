"""`soundzoo events`: what is heard from when to when."""

import contextlib
import functools
import os
import warnings

from frontend.sound_warnings import SoundWarning
from zoo.cli import selection, sounds
from zoo.cli.model import add_calibrated, add_hop, add_model, load_model
from zoo.cli.output import JsonArray, TableWriter, add_command, complain, figure
from zoo.cli.table import add_output, rounded, write_table
from zoo.event_files import write_audacity, write_raven
from zoo.events import EventFinder
from zoo.files import check_writable
from zoo.labels import find_label

_COLUMNS = {
    "onset": float,
    "offset": float,
    "label": str,
    "mid": str,
    "peak": float,
    "mean": float,
}


def add_events(commands):
    parser = add_command(
        commands,
        "events",
        _events,
        "Say what is heard from when to when.",
        "soundzoo events street.ogg --hop 0.24\n"
        "  soundzoo events street.ogg --plot street.png --audacity street.txt\n"
        "  soundzoo events recordings/ --labels Rain,Wind --min-seconds 2 --output heard.csv",
    )
    sounds.add_arguments(parser)
    add_model(parser, ", the folder of a run, or an exported FILE.tflite")
    add_hop(parser)
    add_calibrated(parser)
    selection.add_labels(parser)
    selection.add_thresholds(
        parser, 0.3, "an event reaches it, and lasts while scores are half of it or more"
    )
    parser.add_argument(
        "--median",
        type=int,
        default=1,
        metavar="PATCHES",
        help="smooth scores by the median of so many, an odd number (default: 1)",
    )
    parser.add_argument(
        "--merge-gap",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="events of a label that are less than this apart are one (default: 0)",
    )
    parser.add_argument(
        "--min-seconds",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="leave out what is shorter (default: 0)",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print a JSON array, an entry a file")
    add_output(output, "a row an event")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the events of one file")
    parser.add_argument(
        "--audacity", metavar="FILE.txt", help="write those of one file as a label track"
    )
    parser.add_argument("--raven", metavar="FILE.txt", help="or as a selection table for Raven")
    parser.add_argument(
        "--reference",
        metavar="FILE.csv",
        help="print F1 and error rate against the events of this table (file, label, onset, "
        "offset) instead",
    )


def _events(options):
    paths = sounds.sound_files(options)
    for flag in ("plot", "audacity", "raven"):
        if path := getattr(options, flag):
            sounds.check_one(paths, flag, options)
            check_writable(path)
    if options.plot:
        from zoo import plot  # here, because matplotlib is an extra and slow to import

        plot.check_save(options.plot)
    if options.reference:
        for flag in ("json", "output", "plot", "audacity", "raven"):
            if getattr(options, flag):
                raise ValueError(f"--reference prints figures alone; leave --{flag} out.")

    classifier = load_model(options)
    frontend = classifier.frontend.with_hop(options.hop)
    find = EventFinder(
        classifier.labels,
        frontend,
        threshold=selection.thresholds_of(options, classifier.labels),
        median=options.median,
        merge_gap=options.merge_gap,
        min_seconds=options.min_seconds,
    )
    run = functools.partial(classifier.score_files, hop=options.hop, keep_rows=True)

    if options.reference:
        return _evaluate(paths, run, find, options)
    if options.output:
        settings = (
            "hop",
            "labels",
            "threshold",
            "thresholds",
            "calibrated",
            "median",
            "merge_gap",
            "min_seconds",
        )

        def rows_of(result):
            return _rows(find(result.rows, result.seconds))

        return write_table(paths, run, _COLUMNS, rows_of, options, settings)
    failed = False
    with JsonArray() if options.json else contextlib.nullcontext(_Table(paths, find)) as output:
        for result in sounds.hear(paths, run):
            if result.error is not None:
                failed = True
                continue
            events = find(result.rows, result.seconds)
            output.write({"file": result.file, "events": _rows(events)})
            if options.audacity:
                write_audacity(options.audacity, events)
            if options.raven:
                write_raven(options.raven, events, frontend)
            if options.plot:
                warnings.simplefilter("ignore", SoundWarning)  # all was said when it was heard
                plot.save(plot.events(result.file, events, frontend=frontend), options.plot)
    return 2 if failed else 0


def _rows(events):
    """Events as tables and JSON have them, a list of dicts."""
    return [
        event._asdict()
        | {
            "onset": round(event.onset, 3),
            "offset": round(event.offset, 3),
            "peak": rounded(event.peak),
            "mean": rounded(event.mean),
        }
        for event in events
    ]


def _evaluate(paths, run, find, options):
    """Prints figures of the events of those files that the reference has."""
    # Here, because their packages import TensorFlow.
    from zoo.data.event_table import read_events
    from zoo.evaluation.events import event_based, segment_based

    reference = _by_names(read_events(options.reference), find.labels)
    real = {path: os.path.realpath(path) for path in paths}
    # A file that is named twice is one.
    heard = list({name: path for path, name in real.items() if name in reference}.values())
    for what, count in (
        ("files that the reference lacks", len(set(real.values())) - len(heard)),
        ("recordings of the reference that are not among the files", len(reference) - len(heard)),
    ):
        if count:
            complain(f"left out: {count} {what}")
    if not heard:
        raise ValueError(f"{options.reference} names none of the files that are to be heard.")
    names = {find.labels[index].name for index in find.thresholds}
    lacked = {event.label for events in reference.values() for event in events} - names
    if lacked:
        complain(f"labels that are not looked for count as missed: {', '.join(sorted(lacked))}")
    estimated = {
        real[result.file]: find(result.rows, result.seconds)
        for result in sounds.hear(heard, run)
        if result.error is None
    }
    reference = {name: reference[name] for name in estimated}
    by_event, by_segment = event_based(reference, estimated), segment_based(reference, estimated)
    labels = sorted(by_event.labels, key=lambda label: (-by_event.labels[label].reference, label))
    columns = ("There_are", "Found", "F1", "Error_rate", "Segment_F1", "Segment_error_rate")
    widest = max(map(len, ["all labels", *labels]))
    table = TableWriter(Label=widest, **{name: -max(5, len(name)) for name in columns})
    for label in ["all labels", *labels]:
        events, segments = (
            figures.overall if label == "all labels" else figures.labels[label]
            for figures in (by_event, by_segment)
        )
        cells = (events.f1, events.error_rate, segments.f1, segments.error_rate)
        table.row(label, events.reference, events.estimated, *map(figure, cells))
    return 2 if len(estimated) < len(heard) else 0


def _by_names(reference, labels):
    """The events of a reference, whose labels may be in another case, or mids, by their names."""
    names = {}
    for label in {event.label for events in reference.values() for event in events}:
        with contextlib.suppress(ValueError):
            names[label] = labels[find_label(label, labels)].name
    return {
        name: [event._replace(label=names.get(event.label, event.label)) for event in events]
        for name, events in reference.items()
    }


class _Table:
    """Prints a row for each event."""

    def __init__(self, paths, find):
        self.table = TableWriter(
            File=max(map(len, paths)),
            Onset=-7,
            Offset=-7,
            Label=max(len(find.labels[index].name) for index in find.thresholds),
            Peak=-4,
            Mean=-4,
        )

    def write(self, entry):
        file = entry["file"]
        for event in entry["events"]:
            times = (f"{event[name]:.2f}" for name in ("onset", "offset"))
            scores = (f"{event[name]:.2f}" for name in ("peak", "mean"))
            self.table.row(file, *times, event["label"], *scores)
            file = ""
        if not entry["events"]:
            self.table.row(file, *"-----")
