"""Sounds to train on: sources of labelled clips, and prepared data made of them."""

from zoo.data.prepare import prepare
from zoo.data.prepared import CorruptData, PreparedData, open_prepared
from zoo.data.records import Clip, Skipped, Source
from zoo.data.source import read_source

__all__ = [
    "Clip",
    "CorruptData",
    "PreparedData",
    "Skipped",
    "Source",
    "open_prepared",
    "prepare",
    "read_source",
]
