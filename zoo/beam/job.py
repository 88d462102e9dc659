"""A job of parts: what all of them have in common."""

import contextlib
import io
import itertools
import logging
import threading
from collections import Counter

import apache_beam as beam
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner import worker_handlers

NAMESPACE = "soundzoo"
"""Of the metrics, as a runner's page shows them."""

FILES, FAILURES, WARNINGS = "files", "failures", "warnings"
SECONDS, BEFORE = "seconds_of_sound", "files_done_before"


class JobError(OSError):
    """A runner gave up, as when a worker was killed that it does not replace."""


@worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class _WatchedWorker(worker_handlers.SubprocessSdkWorkerHandler):
    """A process of DirectRunner's: Beam would wait forever for one that died unconnected."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._stopped = threading.Event()

    def start_worker(self):
        super().start_worker()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop_worker(self):
        self._stopped.set()
        super().stop_worker()

    def _watch(self):
        self.worker_thread.join()
        self.data_conn.close()  # nobody waits for its results any more
        # Again and again, as Beam may ask for something after the worker's end, too.
        while not self._stopped.wait(0.1):
            with contextlib.suppress(RuntimeError):  # what is asked for changed meanwhile
                self.control_conn.abort(JobError("A worker process ended"))


class Tally:
    """Counts files, seconds of their sound, failures and warnings, in the metrics of the job."""

    def __init__(self):
        self._counters = {
            name: Metrics.counter(NAMESPACE, name)
            for name in (FILES, FAILURES, WARNINGS, SECONDS, BEFORE)
        }

    def add(self, name, count=1):
        """Counts, and whole seconds alone; a part's are rounded once."""
        self._counters[name].inc(round(count))


def run_parts(parts, work, *, runner, options):
    """Runs a DoFn on numbered parts, which it may get in any order and more than once.

    Args:
        parts: function without arguments, which one worker calls, that gives an iterator of them.
        work: `beam.DoFn`.
        runner: name of the runner, as `--runner` of Beam takes it.
        options: list of Beam's own options, as on a command line.

    Returns:
        `Counter` of the metrics by name.

    Raises:
        ValueError: there is no such runner, or an option has a wrong value.
        JobError: the job came to no end.
    """
    # What is logged of every worker's beginning and end would drown what is said to people.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    quiet = "--default_sdk_harness_log_level=ERROR"
    pipeline = beam.Pipeline(runner=runner, options=_parsed([quiet, *options]))
    (
        pipeline
        | "One" >> beam.Create([None])
        | "Parts" >> beam.FlatMap(lambda _: parts())
        | "To all workers" >> beam.Reshuffle()
        | "Work" >> beam.ParDo(work)
    )
    try:
        result = pipeline.run()
        state = result.wait_until_finish()
    except Exception as error:  # of any kind: that of the worker, its text, or gRPC's
        raise JobError(f"{_ended(runner)}: {_reason(error)}.") from error
    if state != "DONE":
        raise JobError(f"{_ended(runner)}: it is {state}.")
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    return Counter({count.key.metric.name: count.result for count in found})


def cut(items, size):
    """Numbered parts of so many items: (0, list), (1, list) and on."""
    items = iter(items)
    for number in itertools.count():
        if not (part := list(itertools.islice(items, size))):
            return
        yield number, part


def _parsed(options):
    """`PipelineOptions`, which would end the process where a value is wrong."""
    parsed = PipelineOptions(options)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            known = parsed.get_all_options(retain_unknown_options=False)
            kept = parsed.get_all_options(retain_unknown_options=True)
        except SystemExit:
            *_, reason = said.getvalue().strip().splitlines()
            raise ValueError(f"Beam says of its options: {reason}") from None
    if unknown := sorted(kept.keys() - known.keys()):
        raise ValueError(f"Beam has no option {', '.join(f'--{name}' for name in unknown)}.")
    return parsed


def _ended(runner):
    return f"The job on {runner} ended before all was done; the same command goes on from there"


def _reason(error):
    """The last line of what may be a traceback, without what Beam puts behind it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("[while running", "During handling"))]
    reason = lines[-1] if lines else type(error).__name__
    return reason.partition(" [while running")[0].rstrip(".")
