"""Inputs that get past the parser of their format: values within JSON, files within archives."""

import copy
import io
import json
import random
import zipfile
from collections.abc import Mapping

HOSTILE = [
    None,
    True,
    0,
    -1,
    0.5,
    1e-320,
    float("nan"),
    float("inf"),
    2**31,
    2**64,
    10**30,
    10**400,
    "",
    "a\nb",
    "\0",
    "\ud800",
    "1e-3",
    "../../found",
    "/etc/passwd",
    [],
    {},
    [None],
    [[[[1]]]],
    {"a": None},
]


def mutate_json(data: bytes, most: int, seed: int) -> bytes:
    """Changes a value somewhere in a JSON document, or bytes of what is none."""
    import atheris

    choose = random.Random(seed)
    try:
        # In an array, so that the whole document may be changed, too.
        document = [json.loads(data)]
    except (ValueError, RecursionError):
        return atheris.Mutate(data, most)
    if choose.random() < 0.3:
        return atheris.Mutate(data, most)
    holder, key = choose.choice(list(_places(document)))
    others = [other[place] for other, place in _places(document)]
    change = choose.randrange(5)
    if change == 0 and holder is not document:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[choose.choice([str(value) for value in HOSTILE])] = holder.pop(key)
    elif change == 2:
        holder[key] = copy.deepcopy(choose.choice(others))
    elif change == 3 and isinstance(holder[key], list):
        holder[key] *= choose.choice([2, 3, 20])
    else:
        holder[key] = choose.choice(HOSTILE)
    changed = json.dumps(document[0]).encode()
    return changed if len(changed) <= most else data


def _places(value):
    """Yields each list or dict within a value, with each of its keys."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], (list, dict)):
            yield from _places(value[key])


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of a zip archive; none where it is not one, such as libFuzzer's first input."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except Exception:
        return {}


def mutate_files(data: bytes, most: int, seed: int) -> bytes:
    """Changes one of the files in a zip archive, whose checksums stay right."""
    import atheris

    choose = random.Random(seed)
    files = unpack(data)
    if not files:
        return atheris.Mutate(data, most)
    name = choose.choice(list(files))
    change = choose.randrange(20)
    if change == 0:
        del files[name]
    elif change == 1:
        files[choose.choice(list(files))] = files[name]
    else:
        room = most - len(data) + len(files[name])
        files[name] = mutate_json(files[name], max(room, 1), choose.randrange(1 << 31))
    changed = pack(files)
    return changed if files and len(changed) <= most else data


def mutate_archive(data: bytes, most: int, seed: int) -> bytes:
    """As `mutate_files`, or changes the archive itself."""
    import atheris

    if random.Random(seed).random() < 0.3:
        return atheris.Mutate(data, most)
    return mutate_files(data, most, seed + 1)
