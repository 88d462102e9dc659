"""Tables and pictures of what experiments found."""

import copy
import json

from zoo.reproduce import read_results, write_report
from zoo.reproduce.report import draw, markdown


def test_a_table_of_our_rows_and_the_papers(results):
    lines = markdown(results).splitlines()
    assert lines[0] == "### Parts of 100 clips"
    assert lines[2] == (
        "| clips | mAP (interval) | AUC | d' | seeds | steps | hours | weights | multiplies "
        "| paper: mAP | AUC | d' |"
    )
    assert lines[3].count("|") == lines[2].count("|")
    assert lines[4] == (
        "| 100% | 0.500 (0.400 to 0.600) | 0.900 | 1.800 | 1 | 10 | 0.50 | 12.00M | 5.4M "
        "| 0.206 | 0.920 | 2.000 |"
    )
    assert lines[6].endswith("5.4M |  |  |  |")
    assert lines[7] == "| 1% |  |  |  |  |  |  |  |  | 0.203 | 0.920 | 2.000 |"
    assert "95% bootstraps over test clips" in lines[-1]


def test_says_whether_the_order_is_the_papers(results):
    assert "in the paper's order: 100% > 10%." in markdown(results)
    other = copy.deepcopy(results)
    other["rows"][1]["mAP"] = 0.6
    assert "in the order 10% > 100%; the paper's is 100% > 10%." in markdown(other)
    other["paper"] = other["paper"][:1]
    assert "order" not in markdown(other)


def test_says_what_intervals_are(results):
    assert "One training each; intervals are 95% bootstraps" in markdown(results)
    results["rows"][0]["seeds"] = 3
    assert "Means over the seeds; intervals are the smallest" in markdown(results)
    assert "Means over the folds" in markdown({**results, "experiment": "transfer"})


def test_draws_our_bars_and_the_papers(results):
    ours, paper = draw(results).axes
    assert [bar.get_width() for bar in ours.patches] == [0.5, 0.45, 0.3]
    assert [bar.get_width() for bar in paper.patches] == [0.206, 0.202, 0.203]
    assert [text.get_text() for text in ours.get_yticklabels()] == ["100%", "10%", "3%", "1%"]
    assert ours.get_ylabel() == "clips"
    assert [list(line.get_xdata()) for line in ours.lines] == [[0.4, 0.6]] * 3
    assert "mAP" in ours.get_xlabel()


def test_what_is_undefined_is_a_dash(results):
    results["rows"][0] |= {"d_prime": None, "mAP": None}
    results["rows"][0]["intervals"] = {"mAP": None}
    assert "| 100% | - | 0.900 | - | 1 | 10 |" in markdown(results)
    assert draw(results).axes[0].patches[0].get_width() == 0


def test_writes_three_files(results, tmp_path):
    results["rows"][0]["settings"]["clips"] = "caf\udce9"  # a name of Latin-1, as paths have it
    write_report(results, tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "data.json",
        "data.md",
        "data.png",
    ]
    assert read_results(tmp_path / "new", "data") == results == json.loads(json.dumps(results))
    table = (tmp_path / "new" / "data.md").read_text()
    assert table == markdown(results).replace("\udce9", r"\udce9")
