"""Commands that are disturbed, and run again, end in the bytes of an undisturbed run.

`SOUNDZOO_KILLS` says how often each is killed, 10 times by default.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from typing import NamedTuple

import pytest

from tests.zoo.chaos.commands import CASES
from tests.zoo.chaos.faults import count_changes, kill_before, limit_files, turn_clock_back
from tests.zoo.chaos.process import Command

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("SOUNDZOO_KILLS", 10))

TIMES = max(1, KILLS // 10)
"""That each other thing happens."""

_BLOCK = 4096  # bytes that a tmpfs gives at a time


class Place:
    """A folder that a case is run in, again and again."""

    def __init__(self, case, inputs, folder):
        self.case = case
        self.inputs = inputs
        self.folder = folder
        self.clear()

    def start(self, *fault):
        return Command(self.case.command(self.inputs, self.folder), *fault)

    def result(self):
        return self.case.result(self.folder)

    def clear(self):
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir()


class Whole(NamedTuple):
    """A run that nothing happens to: its result, its seconds, the bytes of the files that it left,
    and how often it changed the file system."""

    result: dict
    seconds: float
    sizes: list
    changes: int


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def whole(case, inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    places = [Place(case, inputs, folder / name) for name in ("first", "second")]
    count = folder / "changes"
    for place, fault in zip(places, ((count_changes, count), ()), strict=True):
        ended = place.start(*fault).end()
        assert ended.status == 0, ended
    assert places[0].result() == places[1].result()
    sizes = [path.stat().st_size for path in place.folder.rglob("*") if path.is_file()]
    return Whole(place.result(), ended.seconds, sizes, count.stat().st_size)


@pytest.fixture
def chance(case):
    return random.Random(case.place)


@pytest.fixture
def place(case, inputs, tmp_path):
    return Place(case, inputs, tmp_path / "place")


def without(files, names):
    return {name: content for name, content in files.items() if name not in names}


def check_told(ended):
    """The command came to its end, or refused in one sentence."""
    assert "Traceback" not in ended.errors, ended
    if ended.status:
        check_refused(ended)


def check_refused(ended):
    assert "Traceback" not in ended.errors, ended
    assert ended.status == 2, ended
    assert ended.errors.splitlines()[-1].startswith("soundzoo: "), ended


def check_mended(place, whole):
    """The command, run again, leaves what it leaves where nothing happens."""
    ended = place.start().end()
    check_told(ended)
    # It may refuse to replace what is whole already.
    assert place.result() == whole.result, ended


def test_killed(place, whole, chance):
    killed = attempts = 0
    while killed < KILLS:
        attempts += 1
        assert attempts <= 5 * KILLS
        if attempts % 2:
            ended = place.start(kill_before, chance.randrange(whole.changes)).end()
        else:
            ended = place.start().kill_after(chance.uniform(0, whole.seconds))
        if ended.status == -signal.SIGKILL:
            killed += 1
        else:  # it was faster, or whole before
            check_told(ended)
            assert place.result() == whole.result
            place.clear()
    check_mended(place, whole)


@pytest.mark.parametrize("case", ["train"], indirect=True)
def test_killed_and_the_newest_checkpoint_damaged(place, whole, chance):
    for _ in range(TIMES):
        place.start().kill_after(chance.uniform(whole.seconds / 2, whole.seconds))
        checkpoints = sorted(place.folder.rglob("step-*.npz"))
        for path in checkpoints[-1:]:
            content = bytearray(path.read_bytes())
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(content)
        if len(checkpoints) != 1:  # then there is none to fall back on
            check_mended(place, whole)
        place.clear()


def test_files_that_cannot_grow(place, whole, chance):
    for _ in range(TIMES):
        check_refused(place.start(limit_files, chance.randrange(max(whole.sizes))).end())
    check_mended(place, whole)


@pytest.fixture
def disk(place):
    """A function that makes the place a disk of so many bytes, or larger than it was."""
    mounted = []

    def make(size):
        how = f"{'remount,' if mounted else ''}size={size}"
        command = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", place.folder]
        made = subprocess.run(command, capture_output=True)
        if made.returncode:
            pytest.skip(f"no disk can be mounted: {made.stderr.decode().strip()}")
        mounted.append(size)

    yield make
    if mounted:
        subprocess.run(["umount", place.folder], check=True)


def test_full_disk(place, whole, chance, disk):
    room = _BLOCK
    while room < sum(whole.sizes):
        disk(room)
        check_refused(place.start().end())
        room += _BLOCK * chance.randrange(1, 2 + 2 * sum(whole.sizes) // (TIMES * _BLOCK))
    disk(10 * room)
    check_mended(place, whole)


def test_files_removed(case, place, whole, chance):
    for _ in range(TIMES):
        running, removed = place.start(), set()
        for moment in sorted(chance.uniform(0, whole.seconds) for _ in range(3)):
            running.wait_until(moment)
            files = [path for path in place.folder.rglob("*") if path.is_file()]
            if files:
                path = chance.choice(files)
                path.unlink(missing_ok=True)
                removed.add(str(path.relative_to(place.folder)))
        check_told(running.end())
        ended = place.start().end()
        check_told(ended)
        left = place.result()
        if ended.status == 0 or left.keys() >= whole.result.keys():
            missing = {name for name in removed - left.keys() if case.is_history(name)}
            # What history is kept of is the newest there is, the older where that is gone.
            older = {name for name in left.keys() - whole.result.keys() if case.is_history(name)}
            assert len(older) <= len(missing)
            assert without(left, older) == without(whole.result, missing)
        place.clear()


def test_clock_turned_back(place, whole, chance):
    for _ in range(TIMES):
        place.start(turn_clock_back).kill_after(chance.uniform(0, whole.seconds))
        future = time.time() + 365 * 24 * 3600
        for path in place.folder.rglob("*"):
            os.utime(path, (future, future))
        ended = place.start(turn_clock_back).end()
        check_told(ended)
        assert place.result() == whole.result
        place.clear()


def test_two_at_once(place, whole, chance):
    for _ in range(TIMES):
        first = place.start()
        first.wait_until(chance.uniform(0, whole.seconds) * chance.choice([0, 1]))
        both = [place.start().end(), first.end()]
        for ended in both:
            check_told(ended)
        assert 0 in [ended.status for ended in both]
        assert place.result() == whole.result
        place.clear()
