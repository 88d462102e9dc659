"""Writes the API reference, HTML pages of the docstrings: `python docs/reference.py FOLDER`."""

import ast
import dataclasses
import importlib
import inspect
import os
import sys
import textwrap
import warnings
from pathlib import Path

# TensorFlow tells of its own start. It asks once, when a module imports it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pdoc

MODULES = (
    "frontend",
    "zoo",
    "zoo.augment",
    "zoo.beam",
    "zoo.complexity",
    "zoo.convert",
    "zoo.data",
    "zoo.evaluation",
    "zoo.networks",
    "zoo.plot",
    "zoo.reproduce",
    "zoo.training",
    "export",
)
"""What is public, each on a page of its own."""


def public(module):
    """Dict of the public names of a module, in the order of its page, and what they stand for."""
    if not hasattr(module, "__all__"):
        return {
            name: value
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
        }
    return {name: getattr(module, name) for name in module.__all__}


def write(folder):
    """Writes the pages into a folder; raises what pdoc would only warn of."""
    for name in MODULES:
        module = importlib.import_module(name)
        for key, value in public(module).items():
            # pdoc documents what modules and classes hold themselves, and of a decorated function
            # the one within.
            setattr(module, key, value)
            if inspect.isclass(value):
                _adopt_methods(value)
                _list_options(value)
                for member in vars(value).values():
                    _write_hints_out(getattr(member, "__func__", member))
            elif inspect.isfunction(value):
                vars(value).pop("__wrapped__", None)
                _write_hints_out(value)

    # Keras' layers have them.
    pdoc.docstrings.GOOGLE_LIST_SECTIONS.append("Call arguments")
    pdoc.render.configure(
        docformat="google",
        footer_text=f"soundzoo {importlib.import_module('zoo').__version__}",
        show_source=False,
        template_directory=Path(__file__).parent / "templates",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # A function may have the name of its module, which pdoc would document, too.
        hidden = rf"!(?!({'|'.join(MODULES)})$)"
        pdoc.pdoc(*MODULES, hidden, output_directory=Path(folder))


def _adopt_methods(cls):
    """Gives a class the public methods of its bases that have no page."""
    for base in cls.__mro__:
        package = base.__module__.partition(".")[0]
        if package in MODULES and base.__module__ not in MODULES:
            for name, value in vars(base).items():
                if name not in vars(cls) and not name.startswith("_"):
                    setattr(cls, name, value)


def _list_options(cls):
    """Adds a dataclass' fields to its docstring, where their help stands in their metadata."""
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    options = [f"    {field.name}: {field.metadata['help']}" for field in fields if field.metadata]
    if options:
        cls.__doc__ = "\n".join([inspect.getdoc(cls), "", "Args:", *options])


class _Written:
    """A hint as the source has it, which pdoc shows and does not evaluate, as it would a string."""

    def __init__(self, node):
        self.text = ast.unparse(node)

    def __repr__(self):
        return self.text


def _write_hints_out(function):
    """Keeps a function's hints short: `npt.ArrayLike`, once evaluated, is half a page."""
    generated = not hasattr(function, "__code__") or function.__code__.co_filename[0] == "<"
    if not generated and function.__annotations__:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        # Children alone: a default may be a lambda, which has arguments of its own.
        arguments = [arg for arg in ast.iter_child_nodes(tree.args) if isinstance(arg, ast.arg)]
        hints = {arg.arg: arg.annotation for arg in arguments}
        hints["return"] = tree.returns
        for name in function.__annotations__:
            function.__annotations__[name] = _Written(hints[name])


if __name__ == "__main__":
    write(sys.argv[1])
    print(f"Wrote {sys.argv[1]}/index.html")
