"""`soundzoo embed`: embeddings of sound files."""

import contextlib
import functools
from pathlib import Path

import numpy as np

from zoo.cli import beam, sounds
from zoo.cli.model import add_hop, add_model, load_model
from zoo.cli.output import JsonArray, add_command
from zoo.cli.table import write_table
from zoo.files import check_writable, write_atomically
from zoo.row_file import FORMATS


def add_embed(commands):
    parser = add_command(
        commands,
        "embed",
        _embed,
        "Turn sound files into embeddings, one for each patch of 0.96 s.",
        "soundzoo embed recordings/ --output embeddings.npz\n"
        "  soundzoo embed recordings/ --output embeddings.parquet\n"
        "  soundzoo embed recordings/ --plot map.png",
    )
    sounds.add_arguments(parser)
    add_model(parser, ", the folder of a run, or a FILE.tflite exported --with-embedding")
    add_hop(parser)
    output = parser.add_mutually_exclusive_group(required=True)
    output.add_argument(
        "--output",
        metavar="FILE",
        help="write .npz: arrays embeddings [patches, units], start_seconds and files [patches]; "
        "or .jsonl or .parquet, for any number of files: a row a patch; stopped, the same command "
        "goes on",
    )
    output.add_argument(
        "--plot",
        metavar="FILE.png",
        help="draw them in two dimensions, named by their folders, or in one folder by their files",
    )
    output.add_argument("--json", action="store_true", help="print a JSON array, an entry a file")
    beam.add_runner(parser, "writes the folder --output DIR")


def _embed(options):
    if options.runner:
        beam.check(options, ("json", "plot"))
    paths = [] if options.runner else sounds.sound_files(options)
    as_table = Path(options.output or "").suffix.lower() in FORMATS
    if options.output and not as_table and not options.runner:
        if Path(options.output).suffix.lower() != ".npz":
            raise ValueError(
                f"Embeddings are files in .npz, .jsonl or .parquet. Received: {options.output}"
            )
        check_writable(options.output)
    if options.plot:
        from zoo import plot  # here, because matplotlib is an extra and slow to import

        plot.check_save(options.plot)
    classifier = load_model(options)
    embed_files = functools.partial(type(classifier).embed_files, hop=options.hop)
    run = functools.partial(embed_files, classifier)
    run([])  # a model without embeddings says so before anything is written
    columns = {"start_seconds": float, "embedding": list}
    if options.runner:
        return beam.write_tables(options, embed_files, columns, _rows, ("hop",))
    if as_table:
        return write_table(paths, run, columns, _rows, options, ("hop",))
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


def _rows(result):
    for start, embedding in zip(result.start_seconds, result.rows, strict=True):
        yield {"start_seconds": round(float(start), 3), "embedding": embedding.tolist()}


def _places(files):
    """Where each file lies: its folder's name, or its own where all lie in one folder."""
    folders = [Path(file).parent for file in files]
    if len(set(folders)) == 1:
        return [Path(file).stem for file in files]
    return [folder.name for folder in folders]
