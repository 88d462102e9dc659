"""`soundzoo prepare`: a data set decoded once, to train on it many times."""

import os

from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from zoo.cli import beam
from zoo.cli.found import tell_left_out, tell_skipped
from zoo.cli.output import TableWriter, add_command, print_json
from zoo.cli.progress import progress_bar


def add_prepare(commands):
    parser = add_command(
        commands,
        "prepare",
        _prepare,
        "Decode a data set into shards that networks train on.",
        "soundzoo prepare sounds/ prepared/ --hold-out 0.1\n"
        "  soundzoo prepare eval_segments.csv prepared/ --clips wav/ --ontology ontology.json",
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder of class folders, or of train, validation and test above them; table of file, "
        "label[;label...], split and source; AudioSet's *_segments.csv; or the folder of ESC-50, "
        "UrbanSound8K or FSD50K",
    )
    parser.add_argument(
        "folder",
        metavar="OUT",
        help="folder to write; an interrupted run goes on when it is repeated",
    )
    parser.add_argument(
        "--clips",
        metavar="DIR",
        help="folder of AudioSet's clips, named by YouTube id (default: that of the segments)",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="the classes, in order: a name a line, or class_labels_indices.csv",
    )
    parser.add_argument(
        "--ontology", metavar="FILE", help="AudioSet's ontology.json: gives classes their ids"
    )
    parser.add_argument(
        "--imply-parents",
        action="store_true",
        help="label clips with all that the ontology has above their classes, too",
    )
    parser.add_argument("--esc10", action="store_true", help="of ESC-50, only ESC-10's clips")
    parser.add_argument(
        "--unlabelled",
        action="store_true",
        help="keep a manifest's clips without labels, for `soundzoo train --teachers`",
    )
    add_hold_out(parser)
    parser.add_argument(
        "--sample-rate",
        type=int,
        default=16000,
        metavar="HZ",
        help="that the network which is to be trained hears (default: %(default)s)",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="default: one for each core")
    parser.add_argument("--json", action="store_true", help="print JSON")
    beam.add_runner(parser, "takes a manifest")


def add_hold_out(parser, what=""):
    """Adds `--hold-out`; `what` says of which data."""
    parser.add_argument(
        "--hold-out",
        type=float,
        default=0.0,
        metavar="SHARE",
        help=f"{what}share of the split train to move to validation, at least one clip of each "
        "class that has two, and clips of one source together (default: 0)",
    )


def _prepare(options):
    if options.runner:
        return _prepare_by_job(options)
    from zoo.data import prepare, read_source

    source = read_source(
        options.source,
        clips=options.clips,
        labels=options.labels,
        ontology=options.ontology,
        imply_parents=options.imply_parents,
        esc10=options.esc10,
        unlabelled=options.unlabelled,
        hold_out=options.hold_out,
    )
    tell_left_out(source.left_out)
    with progress_bar(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=len(source.clips))
        data = prepare(
            source,
            options.folder,
            sample_rate=options.sample_rate,
            threads=options.threads,
            progress=lambda clips: bar.advance(task, clips),
        )
    _print_summary(options.folder, data.index, options.json)
    return 0


def _prepare_by_job(options):
    for name in ("clips", "esc10", "hold_out", "threads"):
        if getattr(options, name):
            raise ValueError(
                f"--{name.replace('_', '-')} does not go with --runner, which takes a manifest, a "
                "table of file, label and split."
            )
    # Here, because Beam is an extra, and its package imports TensorFlow.
    from zoo.beam import prepare
    from zoo.data.classes import read_class_list
    from zoo.data.ontology import Ontology

    if os.path.isdir(options.source):
        raise ValueError(f"--runner takes a manifest, and {options.source} is a folder.")
    index = prepare(
        options.source,
        options.folder,
        class_list=read_class_list(options.labels) if options.labels else None,
        ontology=Ontology(options.ontology) if options.ontology else None,
        imply_parents=options.imply_parents,
        unlabelled=options.unlabelled,
        sample_rate=options.sample_rate,
        runner=options.runner,
        options=options.beam_options,
    )
    _print_summary(options.folder, index, options.json)
    return 0


def _print_summary(folder, index, as_json):
    tell_skipped(folder, index["skipped"])
    if as_json:
        kept = ("sample_rate", "clips", "hours", "splits", "labels")
        print_json(
            {
                "folder": str(folder),
                **{name: index[name] for name in kept},
                "skipped": len(index["skipped"]),
                "shards": len(index["shards"]),
            }
        )
        return
    table = TableWriter(Split=max(map(len, index["splits"])), Clips=-9, Hours=-8, Classes=-7)
    for split, counts in index["splits"].items():
        table.row(split, counts["clips"], f"{counts['hours']:.2f}", counts["classes"])
    if len(index["splits"]) > 1:
        classes = sum(any(label["clips"].values()) for label in index["labels"])
        table.row("all", index["clips"], f"{index['hours']:.2f}", classes)
    skipped = len(index["skipped"])
    print(f"\n{len(index['labels'])} classes, {skipped} clips skipped: {folder}")
