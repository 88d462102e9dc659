"""The page that `export_web` writes, in a browser: what it hears, shows and says.

It wants Debian's Chromium, and LiteRT.js in `.venv-web`, where `make test` installs it; without
them these tests skip.
"""

import contextlib
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
import soxr

from export import TFLiteClassifier, export_tflite, export_web
from frontend import FrontendConfig, LogMelSpectrogram, load_audio
from tests.export.browser import CHROMIUM, RUNTIME, chromium, served
from zoo import AudioClassifier

api = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.ogg"))

# What was heard last: scores of the windows, their starts, and the samples.
HEARD = """import("./soundzoo.js").then(({ recording }) => ({
    scores: recording.rows.map(({ scores }) => Array.from(scores)),
    starts: recording.rows.map(({ start }) => start),
    samples: Array.from(recording.samples),
}))"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or not RUNTIME.exists(),
        reason="no browser: it wants Debian's packages chromium and npm, and make test",
    ),
]


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "preset.tflite"
    export_tflite(AudioClassifier.from_preset("resnet50_w025_opensounds"), path)
    return path


@pytest.fixture(scope="module")
def site(preset, tmp_path_factory):
    """Address of the preset's page."""
    folder = tmp_path_factory.mktemp("site") / "page"
    export_web(preset, folder, runtime=RUNTIME)
    with served(folder) as address:
        yield address


@contextlib.contextmanager
def opened(browser, address, **options):
    """A page that is ready; it has asked no other host for anything, and reported no error."""
    context = browser.new_context(**options)
    asked, errors = [], []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(address)
    said(page, "Ready.")
    yield page
    context.close()
    assert errors == []
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(address).netloc}
    assert {urlsplit(url).scheme for url in asked} <= {"http"}


@pytest.fixture(scope="module")
def playwright():
    with api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright):
    with chromium(playwright) as browser:
        yield browser


@pytest.fixture
def page(browser, site):
    with opened(browser, site) as page:
        yield page


def said(page, text, seconds=60):
    api.expect(page.get_by_role("status")).to_contain_text(text, timeout=1000 * seconds)


def complained(page, text):
    api.expect(page.get_by_role("alert")).to_contain_text(text, timeout=60_000)


def hear(page, path):
    """Gives the page a file; its scores `[windows, classes]`."""
    page.locator("#file").set_input_files(path)
    said(page, f"{path.name}, ")
    return np.array(page.evaluate(HEARD)["scores"])


def as_wav(path, folder):
    """A recording as a file whose samples a browser cannot change: 16 kHz, mono, float."""
    wav = folder / f"{path.stem}.wav"
    soundfile.write(wav, load_audio(path), 16000, subtype="FLOAT")
    return wav


def test_scores_are_those_of_python(page, preset, tmp_path):
    classifier = TFLiteClassifier(preset)
    assert len(EXAMPLES) > 5
    for path in EXAMPLES:
        wav = as_wav(path, tmp_path)
        expected = classifier.timeline(wav)
        scores = hear(page, wav)
        np.testing.assert_allclose(scores, expected.scores, atol=1e-4, err_msg=path.name)
        heard = page.evaluate(HEARD)
        np.testing.assert_array_equal(np.array(heard["starts"]) / 16000, expected.start_seconds)

        rows = page.locator("#best tbody tr").all_inner_texts()
        best = [f"{one.label}\t{one.score:.2f}" for one in classifier.classify(wav, top=5)]
        assert [row.strip() for row in rows] == best


def test_compressed_files_and_other_rates(page, preset, tmp_path):
    """Browsers decode and resample by their own ways: scores are near."""
    classifier = TFLiteClassifier(preset)
    ogg = ROOT / "examples" / "medley.ogg"
    expected = classifier.timeline(ogg).scores
    np.testing.assert_allclose(hear(page, ogg), expected, atol=1e-3)
    sound = soxr.resample(load_audio(ogg), 16000, 44100)
    stereo = tmp_path / "stereo.wav"
    soundfile.write(stereo, np.stack([1.5 * sound, 0.5 * sound], 1), 44100, subtype="FLOAT")
    scores = hear(page, stereo)
    np.testing.assert_allclose(scores, expected, atol=0.1)
    np.testing.assert_array_equal(scores.argmax(1), expected.argmax(1))


@pytest.mark.parametrize("seconds", [0.1, 0.975, 1.199, 1.2, 1.201, 3])
def test_windows_are_those_of_python(page, preset, tmp_path, noise, seconds):
    wav = tmp_path / "noise.wav"
    soundfile.write(wav, noise(round(16000 * seconds)), 16000, subtype="FLOAT")
    np.testing.assert_allclose(
        hear(page, wav), TFLiteClassifier(preset).timeline(wav).scores, atol=1e-4
    )


def test_silence_is_silence(browser, tmp_path):
    labels = ["Dog", "Silence", "Rain"]
    model = AudioClassifier("fully_connected", labels, width=0.05)
    export_web(model, tmp_path / "page", runtime=RUNTIME)
    soundfile.write(tmp_path / "zeros.wav", np.zeros(32000), 16000)
    half = np.r_[np.zeros(15600), np.random.default_rng(0).normal(0, 0.1, 15600)]
    soundfile.write(tmp_path / "half.wav", half, 16000, subtype="FLOAT")
    classifier = TFLiteClassifier(tmp_path / "page" / "model.tflite")
    with served(tmp_path / "page") as address, opened(browser, address) as page:
        np.testing.assert_array_equal(hear(page, tmp_path / "zeros.wav"), [[0, 1, 0]] * 2)
        expected = classifier.timeline(tmp_path / "half.wav").scores
        np.testing.assert_allclose(hear(page, tmp_path / "half.wav"), expected, atol=1e-4)


def test_silence_has_a_word_where_no_label_is_for_it(page, tmp_path):
    soundfile.write(tmp_path / "zeros.wav", np.zeros(16000), 16000)
    assert not hear(page, tmp_path / "zeros.wav").any()
    said(page, "zeros.wav, 1.0 s: silence.")


def test_browsers_without_relaxed_simd(browser, site, preset):
    """Safari's: here, what asks whether the browser has it is told that it does not."""
    refuse = """
        const instantiate = WebAssembly.instantiate;
        WebAssembly.instantiate = (code, ...rest) =>
            code.byteLength < 100 ? Promise.reject(new Error("no")) : instantiate(code, ...rest);
    """
    context = browser.new_context()
    context.add_init_script(refuse)
    page = context.new_page()
    loaded = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    page.goto(site)
    said(page, "Ready.")
    assert "litert_wasm_compat_internal.wasm" in loaded
    assert "litert_wasm_internal.wasm" not in loaded
    path = ROOT / "examples" / "medley.ogg"
    expected = TFLiteClassifier(preset).timeline(path).scores
    np.testing.assert_allclose(hear(page, path), expected, atol=1e-3)
    context.close()


@pytest.fixture
def listening(playwright, site):
    """A function of a file: a page whose microphone plays it, again and again."""

    @contextlib.contextmanager
    def listen(path):
        arguments = [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={path}",
        ]
        with chromium(playwright, *arguments) as browser, opened(browser, site) as page:
            yield page

    return listen


def test_microphone(listening, preset, tmp_path):
    wav = tmp_path / "clapping.wav"
    sound = soxr.resample(load_audio(ROOT / "examples" / "clapping.ogg"), 16000, 48000)
    soundfile.write(wav, np.tile(sound, 10), 48000)
    with listening(wav) as page:
        page.get_by_role("button", name="Use the microphone").click()
        said(page, "Now: Clapping.")
        api.expect(page.locator("#timeline tbody tr").nth(3)).to_be_attached()
        page.get_by_role("button", name="Stop the microphone").click()
        said(page, "Stopped.")
        heard = page.evaluate(HEARD)
        # It can be used again.
        page.get_by_role("button", name="Use the microphone").click()
        said(page, "Now: Clapping.")
        # A file takes over.
        hear(page, ROOT / "examples" / "wind.ogg")
        api.expect(page.get_by_role("button", name="Use the microphone")).to_be_visible()
        assert page.get_by_role("alert").inner_text() == ""
    samples = np.array(heard["samples"], np.float32)
    assert len(heard["scores"]) >= 4
    assert heard["starts"] == [15360 * index for index in range(len(heard["starts"]))]
    expected = [scores for _, scores in TFLiteClassifier(preset).stream([samples])]
    whole = expected[: len(heard["scores"])]
    np.testing.assert_allclose(heard["scores"], whole, atol=1e-4)
    labels = [label.name for label in TFLiteClassifier(preset).labels]
    assert labels[np.mean(heard["scores"], 0).argmax()] == "Clapping"


def test_live_sound_is_kept_for_a_while(page):
    kept = page.evaluate(
        """import("./classifier.js").then(({ Recording }) => {
            const recording = new Recording(new Float32Array(0), 5000);
            for (let block = 0; block < 9; block++) {
                recording.append(new Float32Array(1024).fill(block));
                recording.rows.push({ start: 1024 * block, scores: [block] });
            }
            const { first, end, samples, rows } = recording;
            return {
                first, end, oldest: samples[0], samples: samples.length,
                starts: rows.map(({ start }) => start), scores: Array.from(recording.scores),
                window: Array.from(recording.window(end - 2, 4)),
            };
        })"""
    )
    assert kept == {
        "first": 9 * 1024 - 5000,
        "end": 9 * 1024,
        "oldest": 4,
        "samples": 5000,
        "starts": [5120, 6144, 7168, 8192],
        "scores": [8],
        "window": [8, 8, 0, 0],
    }


def test_microphone_that_is_denied(playwright, site):
    arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny"]
    with chromium(playwright, *arguments) as browser, opened(browser, site) as page:
        page.get_by_role("button", name="Use the microphone").click()
        complained(page, "The microphone is not allowed.")
        # What was wrong is forgotten as soon as something else is tried.
        hear(page, ROOT / "examples" / "wind.ogg")
        assert page.get_by_role("alert").inner_text() == ""


def test_no_microphone(page):
    page.context.grant_permissions(["microphone"])
    page.get_by_role("button", name="Use the microphone").click()
    complained(page, "There is no microphone.")
    api.expect(page.get_by_role("button", name="Use the microphone")).to_be_enabled()


@pytest.mark.parametrize("content", [b"no sound", b"", b"\x89PNG\r\n"], ids=["text", "", "png"])
def test_files_that_are_no_sound(page, tmp_path, content):
    (tmp_path / "holiday.wav").write_bytes(content)
    page.locator("#file").set_input_files(tmp_path / "holiday.wav")
    complained(page, "holiday.wav is no sound that this browser can read.")
    hear(page, ROOT / "examples" / "wind.ogg")
    assert page.get_by_role("alert").inner_text() == ""


def test_the_file_that_is_chosen_last_is_heard(page, tmp_path):
    """However long the one before takes to be read."""
    long, short = tmp_path / "long.wav", ROOT / "examples" / "wind.ogg"
    soundfile.write(long, np.zeros(48000 * 600, "int16"), 48000)
    page.locator("#file").set_input_files(long)
    page.locator("#file").set_input_files(short)
    said(page, "wind.ogg, ")
    page.wait_for_timeout(3000)
    said(page, "wind.ogg, ", seconds=0.1)


def test_a_model_that_is_missing_is_said(browser, site):
    page = browser.new_page()
    page.route("**/model.tflite", lambda route: route.fulfill(status=404))
    page.goto(site)
    complained(page, "The model does not run here: model.tflite cannot be loaded: 404.")
    page.unroute("**/model.tflite")
    page.route("**/model.tflite", lambda route: route.fulfill(body="<html>"))
    page.goto(site)
    complained(page, "The model does not run here: ")
    api.expect(page.get_by_role("button", name="Use the microphone")).to_be_disabled()
    page.close()


def test_other_hosts_cannot_be_reached(page):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = page.evaluate(
            """(address) => fetch(address, { mode: "no-cors" }).then(() => "sent", String)""",
            f"http://127.0.0.1:{port}/?sound",
        )
        other.settimeout(1)
        with pytest.raises(TimeoutError):
            other.accept()
    assert refused.startswith("TypeError")


BIRDSONG = ROOT / "examples" / "birdsong.ogg"


@pytest.fixture(scope="module")
def score(preset):
    """The birdsong's, as the page writes it."""
    (best,) = TFLiteClassifier(preset).classify(BIRDSONG, top=1)
    return f"{best.score:.2f}"


def test_keyboard(page, score):
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Tab")
        # The page's answer, without which a key may come before the chooser is waited for.
        assert page.evaluate("document.activeElement.textContent") == "Choose a sound file"
        page.keyboard.press("Enter")
    chosen.value.set_files(BIRDSONG)
    said(page, f"birdsong.ogg, 2.1 s: Bird vocalization, bird call, bird song, {score}.")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Use the microphone"
    page.keyboard.press("Tab")
    api.expect(page.get_by_role("table", name="Labels over time")).to_be_hidden()
    page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Labels over time")
    api.expect(table).to_be_visible()
    starts = table.get_by_role("rowheader").all_inner_texts()
    assert starts == ["0.0 s", "1.0 s"]


def test_screen_readers_are_told_what_is_there(page, score):
    hear(page, BIRDSONG)
    api.expect(page.get_by_role("main")).to_match_aria_snapshot(f"""
      - heading "What is heard?" [level=1]
      - button "Choose a sound file"
      - button "Use the microphone"
      - status: "birdsong.ogg, 2.1 s: Bird vocalization, bird call, bird song, {score}."
      - alert
      - region "Heard":
        - table "Mean of birdsong.ogg, 2.1 s":
          - rowgroup:
            - row "Label Score":
              - columnheader "Label"
              - columnheader "Score"
          - rowgroup:
            - row "Bird vocalization, bird call, bird song {score}":
              - rowheader "Bird vocalization, bird call, bird song"
              - cell "{score}"
        - figure "Waveform, log-mel spectrogram and scores over time":
          - img "Waveform"
          - img "Log-mel spectrogram"
          - img "Scores over time; the table below has them, too"
      - region "Model and speed"
    """)


def test_a_file_may_be_dropped(page):
    sound = (ROOT / "examples" / "oboe.ogg").read_bytes()
    page.evaluate(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "oboe.ogg"));
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
            document.querySelector("h1").dispatchEvent(new DragEvent("drop", options));
        }""",
        list(sound),
    )
    said(page, "oboe.ogg, ")
    said(page, "French horn")


def test_phones(browser, site):
    """Nothing is wider than the screen, and what is touched is as large as a finger."""
    options = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 3}
    with opened(browser, site, has_touch=True, is_mobile=True, **options) as page:
        hear(page, ROOT / "examples" / "medley.ogg")
        page.get_by_text("Labels over time, as a table").tap()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        for touched in ("#choose", "#microphone", "summary"):
            assert page.locator(touched).bounding_box()["height"] >= 44


def test_picture_shows_the_log_mel_spectrogram(page, noise):
    """The picture's frames are the front end's, of the paper's conventions."""
    sound = noise(15600)
    expected = LogMelSpectrogram()(sound[np.newaxis])[0].numpy()
    frames = page.evaluate(
        """([sound, config]) => import("./pictures.js").then(({ logMel }) => {
            const toLogMel = logMel(config, 400);
            const frame = (index) => Float32Array.from(sound.slice(160 * index, 160 * index + 400));
            return Array.from({ length: 96 }, (_, index) => Array.from(toLogMel(frame(index))));
        })""",
        [sound.tolist(), FrontendConfig().to_dict()],
    )
    np.testing.assert_allclose(frames, expected, atol=1e-3)


def test_picture_of_a_tone(page, tmp_path):
    """A tone in the second half of a sound is bright there, at its height, and nowhere before."""
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(32000) / 16000) * (np.arange(32000) >= 16000)
    soundfile.write(tmp_path / "tone.wav", tone, 16000)
    hear(page, tmp_path / "tone.wav")
    width, height, data = page.evaluate(
        """(() => {
            const { width, height } = document.getElementById("spectrogram");
            const context = document.getElementById("spectrogram").getContext("2d");
            return [width, height, Array.from(context.getImageData(0, 0, width, height).data)];
        })()"""
    )
    brightness = np.array(data).reshape(height, width, 4)[..., :3].sum(2)
    assert brightness[:, : int(0.45 * width)].max() < 30
    row = brightness[:, int(0.7 * width)].argmax()
    # Bins are even in mel, from 125 to 7500 Hz, the lowest at the bottom.
    mel = 1127 * np.log1p(np.array([125, 1000, 7500]) / 700)
    assert abs(1 - row / height - (mel[1] - mel[0]) / (mel[2] - mel[0])) < 0.03
    assert brightness[row, int(0.7 * width)] > 500


def test_program_of_the_documentation_with_mediapipe(browser, preset, tmp_path):
    """docs/deploy.md's page with MediaPipe, whose resampler and windows are its own."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    (tmp_path / "index.html").write_text(program)
    (tmp_path / "sounds.tflite").symlink_to(preset)
    (tmp_path / "street.ogg").symlink_to(ROOT / "examples" / "clapping.ogg")
    (tmp_path / "node_modules").symlink_to(RUNTIME)
    with served(tmp_path) as address:
        page = browser.new_page()
        printed = []
        page.on("console", lambda message: printed.append(message.text.split(maxsplit=2)))
        page.goto(address)
        while not (lines := [words for words in printed if words[-1] == "Clapping"]):
            page.wait_for_timeout(100)
        page.close()
    [first] = TFLiteClassifier(preset).score_patches(
        load_audio(ROOT / "examples" / "clapping.ogg")[np.newaxis, :15600]
    )
    assert lines[0][0] == "0"
    assert abs(float(lines[0][1]) - first.max()) < 0.05


def test_program_of_the_documentation_with_the_classifier(page, preset):
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```js\n(.*?)```", text, re.DOTALL)
    script = {"content_type": "text/javascript", "body": program}
    page.route("**/soundzoo.js", lambda route: route.fulfill(**script))
    classifier = TFLiteClassifier(preset)
    best = classifier.rank(classifier.score_patches(np.zeros((1, 15600), "float32"))[0], top=3)
    expected = [f"{score:.2f} {label}" for label, _, score in best]
    with page.expect_console_message(lambda message: message.text == expected[-1]):
        page.reload()
