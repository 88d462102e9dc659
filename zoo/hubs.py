"""Presets on hubs: Hugging Face's, `hf://user/name@COMMIT`, and Kaggle's, `kaggle://...`.

Both hubs' own packages do the work, with the caches and the tokens that they keep themselves.
"""

import contextlib
import importlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from frontend.types import StrPath
from zoo import presets

_HF = r"hf://(?P<name>[\w.-]+/[\w.-]+)"
_KAGGLE = r"kaggle://(?P<name>[\w-]+(?:/[\w-][\w.-]*){3})"
_FILES = (presets.CONFIG, presets.WEIGHTS, presets.CARD, presets.METRICS)
_FIGURES = {"mAP": "mAP", "AUC": "AUC", "d_prime": "d'", "esc10_fold5_top1": "ESC-10 top-1"}
"""Those of `metrics.json` that a card tells the hub, and what they are called there."""


def download(uri: str) -> Path:
    """The folder of a hub's preset, in the cache of the hub's package.

    Raises:
        ImportError: the hub's package is not installed.
        ValueError: the URI is none, or names no revision.
        OSError: it could not be downloaded.
    """
    if found := re.fullmatch(_HF + "@([0-9a-f]{40})", uri):
        hub = _package("huggingface_hub")
        with _plainly(f"{uri} could not be downloaded"):
            return Path(hub.snapshot_download(found[1], revision=found[2], allow_patterns=_FILES))
    if found := re.fullmatch(_KAGGLE + r"(/\d+)", uri):
        hub = _package("kagglehub")
        with _plainly(f"{uri} could not be downloaded"):
            return Path(hub.model_download(found[1] + found[2]))
    raise ValueError(
        "A preset on a hub is named with its revision, hf://USER/NAME@COMMIT, of 40 digits, or "
        f"kaggle://USER/MODEL/FRAMEWORK/VARIATION/VERSION, a number. Received: {uri}"
    )


def upload_preset(
    preset: StrPath,
    uri: str,
    *,
    license: str,
    datasets: Sequence[str] = (),
    private: bool = False,
) -> str:
    """Uploads a preset to a hub, as a new revision of what is there.

    On Hugging Face its card begins with what the hub reads: library, task, licence, data sets, and
    the figures of `metrics.json`. Log in before, by `hf auth login` or `kagglehub.login()`.

    Args:
        preset: a preset's name, its folder or that of a training run.
        uri: `hf://USER/NAME`, or `kaggle://USER/MODEL/FRAMEWORK/VARIATION`.
        license: as the hub calls it: "apache-2.0" or the like, and "Apache 2.0" on Kaggle.
        datasets: what it was trained on, as Hugging Face names data sets.
        private: whether a new repository is for you alone; on Kaggle, all new models are.

    Returns:
        The URI with its revision, which `AudioClassifier.from_preset` takes. Kaggle gives the
        version only when it has processed the files; it stands on the model's page then.

    Raises:
        ImportError: the hub's package is not installed.
        ValueError: there is no such preset, or the URI is none.
        OSError: it could not be uploaded.

    An example, with an account:

        uri = zoo.upload_preset("runs/mine", "hf://me/mine", license="cc-by-4.0")
        clf = zoo.AudioClassifier.from_preset(uri)
    """
    folder = presets.find(preset)
    found = re.fullmatch(_HF, uri) or re.fullmatch(_KAGGLE, uri)
    if not found:
        raise ValueError(
            "A preset is uploaded to hf://USER/NAME or kaggle://USER/MODEL/FRAMEWORK/VARIATION. "
            f"Received: {uri}"
        )
    name, on_kaggle = found["name"], uri.startswith("kaggle://")
    hub = _package("kagglehub" if on_kaggle else "huggingface_hub")
    with tempfile.TemporaryDirectory() as scratch:
        for file in _FILES:  # a folder may hold more, which is nobody else's
            if (folder / file).is_file():
                shutil.copy(folder / file, scratch)
        with _plainly(f"The preset could not be uploaded to {uri}"):
            if on_kaggle:
                hub.model_upload(name, scratch, license_name=license)
                return uri
            _add_front_matter(hub, Path(scratch), name, license, datasets)
            hub.create_repo(name, private=private, exist_ok=True)
            return f"{uri}@{hub.upload_folder(repo_id=name, folder_path=scratch).oid}"


def _add_front_matter(hub, folder, name, license, datasets):
    """Puts what Hugging Face reads by machine before the text of a preset's card."""
    metrics = presets.read_metrics(folder)
    figures = [
        hub.EvalResult(
            task_type="audio-classification",
            dataset_type="audio",
            dataset_name="the test recordings that the card describes",
            metric_type=figure,
            metric_name=words,
            metric_value=metrics[figure],
        )
        for figure, words in _FIGURES.items()
        if metrics.get(figure) is not None
    ]
    data = hub.ModelCardData(
        model_name=name if figures else None,
        eval_results=figures or None,
        library_name="keras",
        pipeline_tag="audio-classification",
        license=license,
        datasets=list(datasets) or None,
        tags=["audio", "soundzoo"],
    )
    path = folder / presets.CARD
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    # A preset that came from a hub has front matter already.
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    path.write_text(f"---\n{data.to_yaml()}\n---\n{text}", encoding="utf-8")


def _package(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(f"This needs {name}: pip install 'soundzoo[hub]'.") from None


@contextlib.contextmanager
def _plainly(what):
    """Says in one line what failed: the errors of the hubs' packages have no class in common."""
    try:
        yield
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise OSError(f"{what}: {lines[0] if lines else type(error).__name__}") from error
