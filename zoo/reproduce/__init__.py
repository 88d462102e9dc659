"""The paper's comparisons, repeated on the data at hand."""

from zoo.reproduce.architectures import architectures
from zoo.reproduce.data_size import data_size
from zoo.reproduce.experiment import run
from zoo.reproduce.label_set import label_set
from zoo.reproduce.report import read_results, write_report
from zoo.reproduce.transfer import transfer

__all__ = [
    "architectures",
    "data_size",
    "label_set",
    "read_results",
    "run",
    "transfer",
    "write_report",
]
