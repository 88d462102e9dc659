"""Apache Beam jobs: the work of `soundzoo prepare`, `classify` and `embed` on many machines.

A job's input is numbered and cut into parts, each of which one worker turns into one file of the
output. A file appears whole or not at all, and what is there is not made again: a part that a
runner tries twice, and a job that is started again after it was killed, write nothing twice, and
end in the same files.

Needs Apache Beam: `pip install 'soundzoo[beam]'`.
"""

from zoo.beam.job import JobError
from zoo.beam.prepare import prepare
from zoo.beam.score import Listing, score

__all__ = ["JobError", "Listing", "prepare", "score"]
