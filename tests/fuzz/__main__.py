"""Fuzzes the targets, each in processes of its own that may crash, and says how it went.

A line a target: how many inputs were tried in how many seconds, what one took at most, the edges of
our code and other signals that they covered, and what was found. An input that finds something ends
its target, and stays in `build/fuzz`; `--input` tries it again.
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz import targets  # noqa: F401, enters them
from tests.fuzz.sandbox import Sandbox, limit_memory
from tests.fuzz.target import TARGETS, Finding, try_input

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"

_SLOWEST = 120
"""Seconds of one input: a hang, on whatever machine and beside whatever runs there."""

_MEMORY = 1 << 30
"""Bytes that reading may take beside what the libraries and the seeds took."""

_LONGEST = 1 << 14
"""Bytes of an input; seeds that are longer may be as long as they are."""

_AT_A_TIME = 10_000
"""Inputs of a process: atheris keeps up to 26 KB of each, which the limit would take for the
parser's."""

_REPRODUCIBLE = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""Variables that are read as a process starts."""


def main() -> int:
    """Runs the command; returns its exit status, 1 where something was found."""
    options = _options()
    if not _REPRODUCIBLE.items() <= os.environ.items():
        command = [sys.executable, "-m", "tests.fuzz", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | _REPRODUCIBLE)
    import keras  # noqa: F401, takes seconds, which the processes of the targets are spared

    results = [_run(name, options) for name in options.targets or TARGETS]
    return int(not all(results))


def _options():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="of: " + ", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=100_000, help="of each target")
    parser.add_argument("--seconds", type=int, default=86400, help="that each may take, at most")
    parser.add_argument("--seed", type=int, default=1, help="of what is tried")
    parser.add_argument("--input", type=os.path.abspath, help="try this one alone, once")
    options = parser.parse_args()
    if options.input:
        options.inputs = 1
    for name in options.targets:
        if name not in TARGETS:
            parser.error(f"there is no target {name}")
    return options


def _run(name, options):
    """Fuzzes a target, in one process after the other, and prints the line; whether nothing was
    found."""
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    inputs = seconds = slowest = status = 0
    with tempfile.TemporaryDirectory() as corpus:
        while not status and inputs < options.inputs and seconds < options.seconds:
            part = argparse.Namespace(
                inputs=min(_AT_A_TIME, options.inputs - inputs),
                seconds=options.seconds - seconds,
                seed=options.seed + inputs,
                path=options.input or corpus,
            )
            status, text = _run_process(name, part, found / "log.txt")
            inputs += int(
                _last(text, r"number_of_executed_units: (\d+)", r"(?m)^#(\d+)", default=0)
            )
            seconds += int(_last(text, r"runs in (\d+) second", default=0))
            slowest = max(slowest, int(_last(text, r"slowest_unit_time_sec: +(\d+)", default=0)))
    tried = f"{inputs:>7} inputs {seconds:>6} s {slowest:>4} s at most"
    print(f"{name:<18}{tried}{_in_words(text, status, found)}", flush=True)
    return status == 0


def _run_process(name, part, log_path):
    """Exit status of a process that fuzzes a target, and what it printed."""
    with tempfile.TemporaryDirectory() as scratch, open(log_path, "w+b") as log:
        process = os.fork()
        if not process:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
            _fuzz(name, part, Path(scratch))
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        log.seek(0)
        return status, log.read().decode(errors="replace")


def _in_words(text, status, found):
    edges, features = _last(text, r"cov: (\d+)"), _last(text, r"ft: (\d+)")
    line = f"{edges:>6} edges {features:>6} features  "
    if status == 0:
        return line + "nothing found"
    what = _last(text, r"(?m)^[\w.]*(?:Error|Finding|Exception): .*", r"==\d+== ?ERROR: .*")
    where = _last(text, r"Test unit written to (\S+)", default=str(found / "log.txt"))
    return f"{line}FOUND, status {status}: {what.strip()[:300]}\n    {where}"


def _last(text, *patterns, default="-"):
    """What the first of the patterns that is found matches last."""
    found = (re.findall(pattern, text) for pattern in patterns)
    return next((matches[-1] for matches in found if matches), default)


def _fuzz(name, part, scratch):
    """Fuzzes a target, which ends the process."""
    try:
        import atheris

        with atheris.instrument_imports(include=["export", "frontend", "zoo"]):
            parser, sandbox = _prepared(name, scratch, Path(part.path))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    arguments = _arguments(name, part, parser)
    more = {"custom_mutator": parser.mutate} if parser.mutate else {}
    atheris.Setup(arguments, lambda data: try_input(parser, data, sandbox) and None, **more)
    limit_memory(_MEMORY)
    atheris.Fuzz()  # which exits, and keeps the input as it does where something is found


def _prepared(name, scratch, corpus):
    """A target's parser, and the sandbox, once all that is imported as it reads is imported."""
    (scratch / "parser").mkdir()
    parser = TARGETS[name](scratch / "parser")
    sandbox = Sandbox(scratch)
    for number, data in enumerate([*parser.seeds, *parser.attacks]):
        if corpus.is_dir():
            (corpus / f"{number:03}").write_bytes(data)
        with sandbox.unwatched() as folder, contextlib.suppress(*parser.refusals):
            parser.read(data, folder)
        if try_input(parser, data, sandbox) != (number < len(parser.seeds)):
            raise Finding(f"the input {number} was to be read, or to be refused")
    return parser, sandbox


def _arguments(name, part, parser):
    """Those of libFuzzer."""
    longest = max(_LONGEST, *map(len, [*parser.seeds, *parser.attacks]))
    return [
        "fuzz",
        str(part.path),
        f"-runs={part.inputs}",
        f"-max_total_time={part.seconds}",
        f"-seed={part.seed}",
        f"-timeout={_SLOWEST}",
        f"-max_len={longest}",
        f"-artifact_prefix={FOUND / name}/",
        "-print_final_stats=1",
        "-rss_limit_mb=0",  # the limit is on addresses
    ]


if __name__ == "__main__":
    sys.exit(main())
