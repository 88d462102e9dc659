"""The picture that only an evaluation has; `zoo.plot`'s are tested with it."""

import subprocess
import sys

import pytest

from zoo import plot
from zoo.evaluation import plots


@pytest.fixture
def metrics():
    per_class = {"Cat": (3, 0.25), "Dog, barking": (5, 0.75), "$Rain$": (0, None)}
    return {
        "mAP": 0.5,
        "per_class": {name: {"clips": n, "AP": value} for name, (n, value) in per_class.items()},
        "without_positives": ["$Rain$"],
        "without_negatives": [],
    }


def test_average_precision_is_a_bar_for_each_class_best_on_top(metrics):
    axes = plots.average_precision(metrics).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Cat (3)", "Dog, barking (5)"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.75]
    assert [text.get_text() for text in axes.texts] == ["0.25", "0.75"]
    assert axes.get_title() == "mean 0.500"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("average precision", "class (clips)")


def test_undefined_figures_are_left_out(metrics):
    metrics |= {"mAP": None, "without_negatives": ["Cat", "Dog, barking"]}
    axes = plots.average_precision(metrics).axes[0]
    assert not axes.patches
    assert axes.get_title() == ""


def test_the_others_are_those_of_zoo_plot():
    assert (plots.confusion, plots.pr_curves) == (plot.confusion, plot.pr_curves)


def test_without_matplotlib_an_error_says_what_to_install():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import zoo, zoo.evaluation\n"
        "for name in ('zoo.plot', 'zoo.evaluation.plots'):\n"
        "    try: __import__(name)\n"
        "    except ImportError as error: print(error)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (
        process.stdout.splitlines() == ["Plots need matplotlib: pip install 'soundzoo[plot]'"] * 2
    )
