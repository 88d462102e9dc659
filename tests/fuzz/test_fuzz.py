"""A fixed few inputs of each target, and whether the fuzzer notices what it is there for."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import targets  # noqa: F401, enters them
from tests.fuzz.target import TARGETS

ROOT = Path(__file__).parents[2]
INPUTS = 500
SECONDS = 600
"""After which a target is taken to hang; most take a few in all."""


@pytest.mark.slow
def test_nothing_is_found():
    pytest.importorskip("atheris", reason="atheris has no wheel here")
    command = [sys.executable, "-m", "tests.fuzz", "--seed", "1"]
    command += ["--inputs", str(INPUTS), "--seconds", str(SECONDS)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    print(run.stdout)  # how many there was time for
    found = [line for line in run.stdout.splitlines() if "nothing found" not in line]
    assert run.returncode == 0, "\n".join(found) or run.stderr
    tried = dict(re.findall(r"(\w+) +(\d+) inputs", run.stdout))
    assert tried.keys() == TARGETS.keys()
    assert min(map(int, tried.values())) == INPUTS


MISBEHAVIOUR = {
    "open of": "open(folder / '../found', 'w')",
    "inputx": "open(f'{folder}x', 'w')",
    "os.mkdir of": "(folder / '../found').mkdir()",
    "os.symlink of": "os.symlink('/etc', folder.parent / 'found')",
    "left found in the working directory": "sqlite3.connect('found').execute('CREATE TABLE t (c)')",
    "temporary files": "tempfile.mkdtemp()",
    "os.system of": "os.system('true')",
    "subprocess.Popen of": "subprocess.run(['true'])",
    "pickle.find_class of": "pickle.loads(pickle.dumps(print))",
    "unpacked code": "marshal.loads(marshal.dumps(compile('1', '', 'eval')))",
    "ran text as code": "eval('1')",
    "not one line": "raise_(ValueError('a' + chr(10) + 'b'))",
    "not say what was read": "b'\\xff'.decode()",
    "KeyError": "{}['a']",
    "more memory was asked for": "limit_memory(1 << 28), hide(bytearray, 1 << 29)",
    "MemoryError": "limit_memory(1 << 28), bytearray(1 << 29)",
}


@pytest.mark.parametrize("what", MISBEHAVIOUR)
def test_misbehaviour_is_found(what, tmp_path):
    code = f"""
import marshal, os, pickle, sqlite3, subprocess, tempfile
from pathlib import Path
from tests.fuzz.sandbox import Sandbox, limit_memory
from tests.fuzz.target import Parser, try_input
def raise_(error): raise error
def hide(function, argument):
    try: function(argument)
    except Exception: raise ValueError("a.wav is damaged.") from None
def read(data, folder): {MISBEHAVIOUR[what]}
try_input(Parser(read, []), b"", Sandbox(Path({str(tmp_path)!r})))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 1
    assert what in run.stderr.splitlines()[-1]


def test_what_is_allowed_is_not_found(tmp_path):
    code = f"""
import tempfile
from pathlib import Path
from tests.fuzz.sandbox import Sandbox
from tests.fuzz.target import Parser, try_input
def read(data, folder):
    (folder / "a").mkdir()
    (folder / "a/b").write_bytes(data)
    with tempfile.TemporaryFile() as file: file.write(data)
    raise ValueError("a.wav is not sound.")
sandbox = Sandbox(Path({str(tmp_path)!r}))
for data in (b"1", b"2"): try_input(Parser(read, []), data, sandbox)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_what_asks_for_more_than_the_limit_is_told_from_what_does_not():
    code = """
from tests.fuzz.sandbox import exceeds_limit, limit_memory
limit_memory(1 << 28)
assert not exceeds_limit(lambda: bytearray(1 << 27))
assert exceeds_limit(lambda: bytearray(1 << 29))
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
