"""`python -m zoo`: the `soundzoo` command."""

from zoo.cli import command

command()
