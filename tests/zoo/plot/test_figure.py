"""What all pictures share."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.zoo.plot.pictures import legend, ticks
from zoo import plot

NAMES = ["Cat", "Dog", "Rain"]


def test_names_are_shown_as_they_are(scored):
    names = ["$x$ and $y$", "_background_noise_", "a" * 50]
    truth, scores = scored
    axes = plot.pr_curves(truth, scores, names).axes[0]
    labels = {label.split(" (")[0].replace("\n", "") for label in legend(axes)}
    assert {*names} < labels
    axes = plot.embedding_map(scores, np.array(names)[truth.argmax(axis=1)]).axes[0]
    assert {label.replace("\n", "") for label in legend(axes)} == {*names}
    axes = plot.confusion(truth, scores, names).axes[0]
    assert list(ticks(axes.yaxis)) == [*names[:2], "a" * 33 + "..."]
    assert not any(label.get_parse_math() for label in axes.get_yticklabels())


def test_draws_in_given_axes(small_classifier, noise, scored):
    truth, scores = scored
    figure = Figure(layout="constrained", figsize=(20, 4))
    rows = figure.subplots(1, 5)
    drawn = [
        plot.spectrogram(noise(16000), ax=rows[0]),
        plot.timeline(small_classifier, small_classifier.timeline(noise(16000)), ax=rows[1]),
        plot.confusion(truth, scores, NAMES, ax=rows[2]),
        plot.pr_curves(truth, scores, NAMES, ax=rows[3]),
        plot.embedding_map(scores, truth.argmax(axis=1), ax=rows[4]),
    ]
    assert all(each is figure for each in drawn)
    assert all(axes.get_xlabel() for axes in rows)
    assert legend(rows[4]) == ["0", "1", "2"]


def test_a_part_of_a_figure_gives_the_whole(scored):
    figure = Figure()
    left, _ = figure.subfigures(1, 2)
    assert plot.confusion(*scored, NAMES, ax=left.subplots()) is figure


def test_the_suffix_names_the_format_and_nothing_is_left_half_written(tmp_path):
    figure = plot.new_axes(4, 3).figure
    for name, start in (("a.png", b"\x89PNG"), ("a", b"\x89PNG"), ("a.svg", b"<?xml")):
        plot.save(figure, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(ValueError, match="'txt' is not supported"):
        plot.save(figure, tmp_path / "a.txt")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a", "a.svg"}


MISSING = """
import sys
sys.modules["matplotlib"] = None
import zoo.evaluation
from zoo.cli import main
try:
    import zoo.plot
except ImportError as error:
    print(error)
sys.exit(main(["classify", "examples/wind.ogg", "--plot", sys.argv[1]]))
"""


def test_without_matplotlib_an_error_says_what_to_install(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", MISSING, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    sentence = "Plots need matplotlib: pip install 'soundzoo[plot]'"
    assert process.stdout == f"{sentence}\n"
    assert process.stderr == f"soundzoo: {sentence}\n"
    assert process.returncode == 2
