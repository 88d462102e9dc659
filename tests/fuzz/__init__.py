"""Fuzzing, guided by coverage, of everything that parses: `python -m tests.fuzz --help`."""
