"""What an experiment found, as JSON, as a Markdown table and as a picture."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontend.types import StrPath
from zoo.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _figure(value):
    return "-" if value is None else f"{value:.3f}"


# Beside the figures: the heading, and what a cell says.
_COLUMNS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "top1": ("top-1", _figure),
    "seeds": ("seeds", str),
    "steps": ("steps", str),
    "hours": ("hours", "{:.2f}".format),
    "weights": ("weights", lambda count: f"{count / 1e6:.2f}M"),
    "multiplies": ("multiplies", lambda count: f"{count / 1e6:.1f}M"),
}


def read_results(folder: StrPath, name: str) -> dict[str, Any]:
    """The results of experiment `name` in `folder`, a dict; FileNotFoundError if there are none."""
    return json.loads(Path(folder, f"{name}.json").read_text(encoding="utf-8"))


def write_report(results: dict[str, Any], folder: StrPath) -> None:
    """Writes `<experiment>.json`, `.md` and `.png` to a folder.

    Args:
        results: dict of `run` or `transfer`.
        folder: is made if it is not there.

    Raises:
        OSError: the files cannot be written.
    """
    from zoo import plot  # here, because matplotlib is an extra and slow to import

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    name = results["experiment"]
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for suffix, content in (("json", text), ("md", markdown(results))):
        with write_atomically(folder / f"{name}.{suffix}") as file:
            file.write(
                content.encode(errors="backslashreplace")
            )  # a preset's name need not be text
    plot.save(draw(results), folder / f"{name}.png")


def markdown(results: dict[str, Any]) -> str:
    """The table, our figures and the paper's beside them, and what order mAP puts the rows in."""
    rows = results["rows"]
    settings = list(rows[0]["settings"])
    extra = [column for column in _COLUMNS if column in rows[0]]
    header = [*settings, "mAP (interval)", "AUC", "d'", *(_COLUMNS[c][0] for c in extra)]
    header += ["paper: mAP", "AUC", "d'"]
    lines = [f"### {results['title']}", "", _line(header)]
    lines.append("|" + "---|" * len(settings) + "---:|" * (len(header) - len(settings)))
    for keys, ours, paper in _joined(results):
        cells = [*keys]
        if ours:
            interval = ours["intervals"]["mAP"]
            between = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
            cells += [f"{_figure(ours['mAP'])}{between}"]
            cells += [_figure(ours["AUC"]), _figure(ours["d_prime"])]
            cells += [_COLUMNS[column][1](ours[column]) for column in extra]
        else:
            cells += [""] * (3 + len(extra))
        cells += [f"{paper[f]:.3f}" for f in ("mAP", "AUC", "d_prime")] if paper else [""] * 3
        lines.append(_line(cells))
    lines += ["", " ".join([_interval_note(results), *_order_note(results)])]
    return "\n".join(lines) + "\n"


def draw(results: dict[str, Any]) -> "Figure":
    """Our mAP with its interval, and the paper's, as a `matplotlib.figure.Figure`."""
    from zoo.plot.figure import BLUE, ORANGE, VERMILLION, drawable, new_figure

    joined = _joined(results)
    figure = new_figure(8, 1.2 + 0.4 * len(joined))
    ours_axes, paper_axes = figure.subplots(1, 2, sharey=True)
    for place, (_, ours, paper) in enumerate(joined):
        if ours:
            ours_axes.barh(place, ours["mAP"] or 0, color=BLUE)
            if interval := ours["intervals"]["mAP"]:
                ours_axes.plot(interval, [place, place], color=VERMILLION, linewidth=2)
        if paper:
            paper_axes.barh(place, paper["mAP"], color=ORANGE)
    ours_axes.set_yticks(range(len(joined)), [drawable(", ".join(keys)) for keys, _, _ in joined])
    ours_axes.set_ylabel(", ".join(results["rows"][0]["settings"]))
    ours_axes.invert_yaxis()
    ours_axes.set(xlabel="mAP and its interval", title="here", xlim=(0, None))
    paper_axes.set(xlabel="mAP", title="the paper, on its own data", xlim=(0, None))
    figure.suptitle(results["title"])
    return figure


def _joined(results):
    """Settings, our row and the paper's row (or None) of every setting that one of them has."""
    ours = {tuple(row["settings"].values()): row for row in results["rows"]}
    paper = {tuple(row["settings"].values()): row for row in results["paper"]}
    return [(key, ours.get(key), paper.get(key)) for key in ours | paper]


def _interval_note(results):
    if results["experiment"] == "transfer":
        return "Means over the folds; intervals are the smallest and the largest of them."
    of_one = "95% bootstraps over test clips"
    if all(row["seeds"] == 1 for row in results["rows"]):
        return f"One training each; intervals are {of_one}."
    return (
        "Means over the seeds; intervals are the smallest and the largest of several seeds, and of "
        f"a single one {of_one}."
    )


def _order_note(results):
    """A sentence on the order of the rows that the paper has, too, if there are two of them."""
    both = [(keys, ours, paper) for keys, ours, paper in _joined(results) if ours and paper]
    if len(both) < 2:
        return
    ours, paper = (
        " > ".join(
            ", ".join(row[0]) for row in sorted(both, key=lambda row: -(row[place]["mAP"] or 0))
        )
        for place in (1, 2)
    )
    if ours == paper:
        yield f"By mAP they come in the paper's order: {ours}."
    else:
        yield f"By mAP they come in the order {ours}; the paper's is {paper}."


def _line(cells):
    return f"| {' | '.join(map(str, cells))} |"
