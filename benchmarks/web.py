"""The page that `soundzoo export --format web` writes against the same .tflite file in Python.

    make .venv-web/package
    python benchmarks/web.py [--models NAME ...] [--rounds 7] [--screenshot FILE.png]

Each file is run by the page's own classifier (LiteRT.js) in headless Chromium, by MediaPipe's tasks
for browsers there, and by LiteRT in Python, on one thread each. They take turns on the same windows
of noise; a round is the mean of its windows, and the median round counts. Before, all of them hear
the examples, in windows that do not overlap, as MediaPipe cuts them: the largest differences from
the scores in Python are shown.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for what starts the browser of the tests

VARIANTS = ("none", "dynamic", "int8")
WINDOWS = 30  # a round
CALIBRATION = sorted((ROOT / "examples").glob("*.ogg"))

# Functions of windows, each a list of samples: their scores, and milliseconds for one of them.
PAGE = """async (windows) => {
    const { classifier } = await import("./soundzoo.js");
    const sounds = windows.map((window) => Float32Array.from(window));
    const begun = performance.now();
    const scores = [];
    for (const sound of sounds) scores.push(await classifier.score(sound));
    const milliseconds = (performance.now() - begun) / sounds.length;
    return { scores: scores.map((row) => Array.from(row)), milliseconds };
}"""
MEDIAPIPE = """async (windows) => {
    const { AudioClassifier, FilesetResolver } = await import("./audio_bundle.mjs");
    globalThis.classifier ??= await AudioClassifier.createFromOptions(
        await FilesetResolver.forAudioTasks("./wasm"),
        { baseOptions: { modelAssetPath: "./model.tflite" } },
    );
    const sound = Float32Array.from(windows.flat());
    const begun = performance.now();
    const results = classifier.classify(sound, RATE);
    const milliseconds = (performance.now() - begun) / windows.length;
    const scores = results.map(({ classifications }) =>
        classifications[0].categories.toSorted((one, other) => one.index - other.index)
            .map(({ score }) => score));
    return { scores: scores.slice(0, windows.length), milliseconds };
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", default=["resnet50_w025_opensounds", "yamnet"])
    parser.add_argument("--rounds", type=int, default=7, help="(%(default)s)")
    parser.add_argument("--screenshot", metavar="FILE", help="a picture of the page, for README.md")
    options = parser.parse_args()

    from playwright.sync_api import sync_playwright

    from tests.export.browser import chromium

    with sync_playwright() as playwright, chromium(playwright) as browser:
        if options.screenshot:
            _take_screenshot(browser, options.models[0], options.screenshot)
            return
        print(f"Chromium {browser.version}; {_versions()}\n")
        print(
            "| model | file | MB | Python, ms | page, ms | MediaPipe, ms | page differs by "
            "| MediaPipe differs by |"
        )
        print("|---|---|---:|---:|---:|---:|---:|---:|")  # fmt: skip
        for model in options.models:
            for quantize in VARIANTS:
                _race(browser, model, quantize, options.rounds)


def _race(browser, model, quantize, rounds):
    from export import TFLiteClassifier
    from frontend import load_audio
    from tests.export.browser import served

    with tempfile.TemporaryDirectory() as folder:
        _export(model, quantize, Path(folder, "page"))
        _make_mediapipe(Path(folder, "page", "model.tflite"), Path(folder, "mediapipe"))
        python = TFLiteClassifier(Path(folder, "page", "model.tflite"))
        samples, rate = python.frontend.patch_samples, python.frontend.sample_rate
        sounds = [load_audio(path, rate) for path in CALIBRATION]
        cut = [s[: len(s) // samples * samples].reshape(-1, samples) for s in sounds]
        examples = np.concatenate(cut)
        noise = np.random.default_rng(0).normal(0, 0.1, (WINDOWS, samples)).astype("float32")
        with (
            served(Path(folder, "page")) as page_address,
            served(Path(folder, "mediapipe")) as mediapipe_address,
        ):
            contenders = {
                "python": _in_python(python),
                "page": _in_browser(browser, page_address, PAGE),
                "mediapipe": _in_browser(
                    browser, mediapipe_address, MEDIAPIPE.replace("RATE", str(rate))
                ),
            }
            expected, _ = contenders["python"](examples)
            differences = {
                name: float(np.abs(run(examples)[0] - expected).max())
                for name, run in contenders.items()
            }
            times = {name: [] for name in contenders}
            for _ in range(rounds):
                for name, run in contenders.items():
                    times[name].append(run(noise)[1])
        size = Path(folder, "page", "model.tflite").stat().st_size
    medians = {name: statistics.median(values) for name, values in times.items()}
    row = [model, quantize, f"{size / 1e6:.2f}", *(f"{value:.2f}" for value in medians.values())]
    row += [f"{differences[name]:.1e}" for name in ("page", "mediapipe")]
    print(f"| {' | '.join(row)} |", flush=True)
    print(json.dumps({"model": model, "quantize": quantize, "ms": times}), file=sys.stderr)


def _export(model, quantize, folder):
    import zoo
    from export import export_tflite, export_web
    from tests.export.browser import RUNTIME

    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "model.tflite")
        calibration = CALIBRATION if quantize == "int8" else None
        classifier = zoo.AudioClassifier.from_preset(model)
        export_tflite(classifier, file, quantize=quantize, calibration=calibration)
        export_web(file, folder, runtime=RUNTIME)


def _make_mediapipe(model, folder):
    """A folder with MediaPipe's tasks for sound, the model, and a page that is empty."""
    from tests.export.browser import RUNTIME

    package = RUNTIME / "@mediapipe" / "tasks-audio"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>MediaPipe</title>")
    (folder / "model.tflite").symlink_to(model)
    for name in ("audio_bundle.mjs", "wasm"):
        (folder / name).symlink_to(package / name)


def _in_python(classifier):
    def run(windows):
        begun = time.perf_counter()
        scores = classifier.score_patches(windows)
        return scores, 1e3 * (time.perf_counter() - begun) / len(windows)

    return run


def _in_browser(browser, address, function):
    page = browser.new_page()
    page.goto(address)

    def run(windows):
        result = page.evaluate(function, windows.tolist())
        return np.array(result["scores"]), result["milliseconds"]

    return run


def _versions():
    from importlib.metadata import version

    from tests.export.browser import RUNTIME

    def package(name):
        return json.loads((RUNTIME / name / "package.json").read_text())["version"]

    return (
        f"LiteRT.js {package('@litertjs/core')}, tasks-audio {package('@mediapipe/tasks-audio')}, "
        f"LiteRT {version('ai-edge-litert')}"
    )


def _take_screenshot(browser, model, file):
    from tests.export.browser import served

    with tempfile.TemporaryDirectory() as folder:
        _export(model, "none", Path(folder, "page"))
        with served(Path(folder, "page")) as address:
            page = browser.new_page(viewport={"width": 800, "height": 600})
            page.goto(address)
            page.locator("#choose:enabled").wait_for()
            page.locator("#file").set_input_files(ROOT / "examples" / "everyday" / "farm.ogg")
            page.get_by_role("status").get_by_text("farm.ogg, ").wait_for()
            page.screenshot(path=file, full_page=True)
    from PIL import Image

    Image.open(file).quantize(128).save(file, optimize=True)  # a third of its size


if __name__ == "__main__":
    main()
