import pytest

from zoo.data import Clip, Source
from zoo.labels import Label


@pytest.fixture
def source(sound):
    """Ten clips of two classes, of lengths that differ; the last three are a test split."""
    names = ["Dog", "Rain"]
    clips = [
        Clip(
            f"clips/{number}",
            sound(f"clips/{number}.wav", samples=700 + 100 * number),
            tuple(names) if number == 4 else (names[number % 2],),
            "test" if number > 6 else "train",
        )
        for number in range(10)
    ]
    return Source(clips, [Label("Dog", "/m/0bt9lr"), Label("Rain")], [])
