from pathlib import Path

import pytest
from apache_beam.io.localfilesystem import LocalFileSystem

from zoo.data import prepare, read_source

REMOTE = "away://"


class Away(LocalFileSystem):
    """A store that Beam knows by URLs, and nothing else does: this disk, `away:///` being its root.

    Beam finds it among the subclasses of its file systems.
    """

    @classmethod
    def scheme(cls):
        return "away"

    def match(self, patterns, limits=None):
        found = super().match([_local(pattern) for pattern in patterns], limits)
        for result in found:
            for entry in result.metadata_list:
                entry.path = REMOTE + entry.path
        return found

    def create(self, path, *arguments, **options):
        return super().create(_local(path), *arguments, **options)

    def open(self, path, *arguments, **options):
        return super().open(_local(path), *arguments, **options)

    def rename(self, sources, destinations):
        return super().rename(list(map(_local, sources)), list(map(_local, destinations)))

    def exists(self, path):
        return super().exists(_local(path))

    def size(self, path):
        return super().size(_local(path))

    def delete(self, paths):
        return super().delete(list(map(_local, paths)))


def _local(path):
    return path.removeprefix(REMOTE)


@pytest.fixture
def away():
    """A function of a path that gives the URL by which Beam alone finds it."""
    return lambda path: f"{REMOTE}{path}"


@pytest.fixture
def manifest(tmp_path, sound):
    """The path of a manifest of twelve clips of two classes, one of them no sound, one missing."""
    rows = ["file,label,split"]
    for number in range(12):
        sound(f"clips/{number}.wav", samples=700 + 100 * number)
        label = "Dog;Rain" if number == 4 else ("Dog", "Rain")[number % 2]
        rows.append(f"clips/{number}.wav,{label},{('train', 'eval')[number > 8]}")
    Path(tmp_path, "clips/7.wav").write_text("no sound")
    rows.insert(3, "clips/gone.wav,Dog,train")
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.fixture
def expected(tmp_path, manifest):
    """The bytes of what `soundzoo prepare` makes of the manifest in shards of four, by name."""
    prepare(read_source(manifest), tmp_path / "expected", clips_per_shard=4)
    return contents(tmp_path / "expected")


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
