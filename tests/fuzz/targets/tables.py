"""Tables and lists: what clips there are, what they are labelled with, and what happens in them."""

from pathlib import Path

from tests.fuzz.mutate import mutate_files, pack, unpack
from tests.fuzz.target import Parser, read_file, target

_SOUNDS = ("a.wav", "audio/b.wav", "audio/fold1/c.wav", "eval_audio/0123456789a_30.wav")


def _data_set(data, path):
    from zoo.data import read_source

    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    for name in _SOUNDS:
        sound = path.parent / name
        sound.parent.mkdir(parents=True, exist_ok=True)
        sound.touch()
    read_source(path)


@target
def manifest(scratch: Path) -> Parser:
    texts = [
        ("utf-8", "file,label,split\na.wav,Dog;Cat,train\naudio/b.wav,Cat,val\n"),
        ("utf-8", 'path;class;source\na.wav;"Dog ""x""";s\n\nb.wav;Cat\n'),
        ("utf-16", "sep=\t\nFile\tLabel\tSplit\na.wav\tDog\ttest\nc.wav\tCat\ttest\n"),
        ("utf-8-sig", "filename,category,source,\naudio\\b.wav,Dog,1,\n.\\a.wav,Cat,2,\n"),
    ]
    seeds = [text.encode(encoding) for encoding, text in texts]
    return Parser(lambda data, folder: _data_set(data, folder / "manifest.csv"), seeds)


@target
def folds(scratch: Path) -> Parser:
    """Tables of ESC-50, UrbanSound8K and FSD50K."""
    seeds = [
        b"filename,fold,target,category,esc10\nb.wav,1,0,dog,True\nb.wav,2,1,cat,False\n",
        b"file,category,fold\na.wav,dog,1\n",
        b"slice_file_name,fsID,start,end,salience,fold,classID,class\nc.wav,1,0.0,0.3,1,1,3,dog\n",
        b'fname,labels,mids,split\nb,"Dog,Cat","/m/0bt9lr,/m/01yrx",train\n',
    ]
    return Parser(lambda data, folder: _data_set(data, folder / "audio" / "dev.csv"), seeds)


@target
def audioset(scratch: Path) -> Parser:
    """Lists of segments."""

    def read(data, folder):
        classes = 'index,mid,display_name\n0,/m/09x0r,Speech\n1,/m/05zppz,"Male speech, man"\n'
        (folder / "class_labels_indices.csv").write_text(classes)
        _data_set(data, folder / "eval_segments.csv")

    seeds = [
        b'# YTID, start_seconds, end_seconds, positive_labels\n0123456789a, 30.000, 40.000, "/m/0'
        b'9x0r,/m/05zppz"\n',
        b'"0123456789a",30,40,"""/m/09x0r",/m/05zppz""",,\n-0123456789,0.5,10.5,/m/09x0r\n',
    ]
    return Parser(read, seeds)


@target
def classes(scratch: Path) -> Parser:
    from zoo.data.classes import read_class_list

    seeds = [
        b'index,mid,display_name\n0,/m/09x0r,Speech\n1,/m/05zppz,"Male speech, man"\n',
        b"\xef\xbb\xbfDog\n\nCat\nMale speech, man\n",
    ]
    return read_file("classes.csv", read_class_list, seeds)


@target
def events(scratch: Path) -> Parser:
    from zoo.data.event_table import read_events

    seeds = [
        b"file,label,onset,offset\na.wav,Dog,0.5,1.5\na.wav,Cat,1,2e1\nb.wav,,,\n",
        "filename\tonset\toffset\tevent_label\na.wav\t0\t10\tSpeech\n".encode("utf-16"),
    ]
    return read_file("events.tsv", read_events, seeds)


@target
def file_list(scratch: Path) -> Parser:
    from zoo.search import listed_files

    def read(data, folder):
        for name in ("list.txt", "list.csv"):
            (folder / name).write_bytes(data)
            list(listed_files(folder / name))

    return Parser(read, [b"file\na.wav\nhttps://example.org/b.wav\n", b"file,x\n\xff.wav,1\n"])


@target
def partial_table(scratch: Path) -> Parser:
    """What a run that was stopped left of its table."""
    from zoo.row_file import RowFile

    columns, options = {"file": str, "score": float}, {"labels": ["Dog"], "hop": 0.5}
    path = scratch / "table.jsonl"
    with RowFile(path, columns, options) as table:
        table.write([{"file": "a.wav", "score": 0.5}])
    left = scratch / "table.jsonl.partial"
    seed = pack({name: (left / name).read_bytes() for name in ("rows", "journal")})

    def read(data, folder):
        (folder / left.name).mkdir()
        for name, content in unpack(data).items():
            if name in ("rows", "journal"):
                (folder / left.name / name).write_bytes(content)
        with RowFile(folder / path.name, columns, options) as table:
            table.write([{"file": "b.wav", "score": 0.5}])

    return Parser(read, [seed], mutate=mutate_files)
