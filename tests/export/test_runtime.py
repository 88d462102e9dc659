"""The runtime classifier gives the answers of the classifier that was exported."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from export import TFLiteClassifier, add_metadata, export_tflite
from export.runtime import RUNTIMES
from frontend import FrontendConfig
from zoo import AudioClassifier
from zoo.cli import main

from .exported import LABELS, small_classifier, small_model, without_metadata

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(params=["window", "any"])
def path(request, tmp_path):
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(request.param))
    return path


@pytest.fixture
def plain(tmp_path):
    """A file without metadata."""
    path = tmp_path / "plain.tflite"
    path.write_bytes(without_metadata(small_model()))
    return path


@pytest.mark.parametrize("samples", [1, 4000, 15600, 19199, 19200, 60000])
def test_hears_what_keras_hears(path, noise, samples):
    waveform = noise(samples)
    expected = small_classifier().timeline(waveform)
    timeline = TFLiteClassifier(path).timeline(waveform)
    np.testing.assert_array_equal(timeline.start_seconds, expected.start_seconds)
    np.testing.assert_allclose(timeline.scores, expected.scores, atol=1e-5)
    assert timeline.scores.dtype == np.float32


@pytest.fixture(params=["window", "any"])
def embedding_path(request, tmp_path):
    path = tmp_path / "embedding.tflite"
    path.write_bytes(small_model(request.param, with_embedding=True))
    return path


@pytest.mark.parametrize("runtime", ["ai_edge_litert", "tf.lite"])
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_embeds_as_keras_does(embedding_path, noise, runtime):
    classifier = TFLiteClassifier(embedding_path, runtime=runtime)
    for samples in (1, 15600, 60000):
        embeddings = classifier.embed(noise(samples))
        assert embeddings.dtype == np.float32
        expected = small_classifier().embed(noise(samples))
        np.testing.assert_allclose(embeddings, expected, atol=1e-5 * abs(expected).max())
    expected = small_classifier().embed(noise(30000), hop=0.24)
    embeddings = classifier.embed(noise(30000), hop=0.24)
    np.testing.assert_allclose(embeddings, expected, atol=1e-5 * abs(expected).max())


def test_scores_of_a_file_with_embeddings(embedding_path, path, noise):
    classifier, scores_alone = TFLiteClassifier(embedding_path), TFLiteClassifier(path)
    assert classifier.labels == LABELS
    for ours, theirs in zip(
        classifier.stream([noise(40000)]), scores_alone.stream([noise(40000)]), strict=True
    ):
        np.testing.assert_allclose(ours[1], theirs[1], atol=1e-6)


def test_embeds_many_files(embedding_path):
    sounds = [EXAMPLES / "wind.ogg", EXAMPLES / "lost.ogg", EXAMPLES / "birdsong.ogg"]
    classifier = TFLiteClassifier(embedding_path)
    wind, lost, birdsong = classifier.embed_files(sounds)
    assert isinstance(lost.error, FileNotFoundError)
    for result in (wind, birdsong):
        np.testing.assert_allclose(result.rows, classifier.embed(result.file))


def test_a_file_without_embeddings_says_so(path, noise):
    for embed in (TFLiteClassifier(path).embed, TFLiteClassifier(path).embed_files):
        with pytest.raises(ValueError, match=r"small.tflite gives scores alone; export it with --"):
            embed(noise(16000))


def test_command_line_embeds_by_a_file(embedding_path, capsys):
    sound = str(EXAMPLES / "birdsong.ogg")
    assert main(["embed", sound, "--model", str(embedding_path), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(entry["embeddings"], TFLiteClassifier(embedding_path).embed(sound))


def test_no_patches_have_no_scores(path):
    classifier = TFLiteClassifier(path)
    nothing = np.zeros((0, classifier.frontend.patch_samples), np.float32)
    assert classifier.score_patches(nothing).shape == (0, len(classifier.labels))


def test_classifies_files_of_any_rate(path, tmp_path, noise):
    sound = tmp_path / "stereo.flac"
    soundfile.write(sound, np.stack([noise(90000), noise(90000)], 1) / 4, 44100)
    predictions = TFLiteClassifier(path).classify(sound, top=2)
    expected = small_classifier().classify(sound, top=2)
    assert [p[:2] for p in predictions] == [p[:2] for p in expected]
    assert [p.score for p in predictions] == pytest.approx([p.score for p in expected], abs=1e-5)


FORK = """
import os, sys
import numpy as np
from export import TFLiteClassifier

classifier = TFLiteClassifier(sys.argv[1])
print(classifier.classify(np.zeros(16000)), flush=True)
if os.fork() == 0:
    print(classifier.classify(np.zeros(16000)), flush=True)
    os._exit(0)
os.wait()
"""


def test_serves_in_a_fork(path):
    """Where an `AudioClassifier` cannot."""
    told = subprocess.run(
        [sys.executable, "-c", FORK, path], capture_output=True, text=True, timeout=60, check=True
    )
    parents, childs = told.stdout.splitlines()
    assert childs == parents


def test_serves_many_threads(path, noise):
    classifier = TFLiteClassifier(path)
    waveforms = [noise(samples) for samples in range(16000, 80000, 800)]
    expected = [classifier.classify(waveform) for waveform in waveforms]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classifier.classify, waveforms)) == expected


def test_blocks_of_one_channel_as_microphones_give_them(path, noise):
    classifier = TFLiteClassifier(path)
    blocks = np.split(noise(32000), 20)
    expected = [scores for _, scores in classifier.stream(blocks)]
    scores = [scores for _, scores in classifier.stream(block[:, np.newaxis] for block in blocks)]
    np.testing.assert_array_equal(scores, expected)


def test_says_what_it_is(path):
    classifier = TFLiteClassifier(path)
    assert classifier.labels == LABELS
    assert classifier.frontend == small_classifier().frontend
    assert classifier.runtime == next(iter(RUNTIMES))
    assert classifier.metadata.license == "Apache-2.0"


@pytest.mark.parametrize("runtime", ["ai_edge_litert", "tf.lite"])
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_runtime_can_be_chosen(path, noise, runtime):
    classifier = TFLiteClassifier(path, runtime=runtime)
    assert classifier.runtime == runtime
    np.testing.assert_allclose(
        classifier.timeline(noise(20000)).scores,
        small_classifier().timeline(noise(20000)).scores,
        atol=1e-5,
    )


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_runtimes_are_tried_in_order(path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)  # as if not installed
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    assert TFLiteClassifier(path).runtime == "tf.lite"
    with pytest.raises(ImportError, match="ai_edge_litert is not installed; pip install ai-edge"):
        TFLiteClassifier(path, runtime="ai_edge_litert")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match="No TFLite runtime is installed; pip install ai-edge"):
        TFLiteClassifier(path)
    assert main(["classify", str(EXAMPLES / "wind.ogg"), "--model", str(path)]) == 2
    assert "No TFLite runtime is installed; pip install ai-edge-litert." in capsys.readouterr().err


def test_a_file_without_metadata_needs_labels(plain, noise):
    with pytest.raises(ValueError, match=r"plain.tflite does not name its 3 scores; pass labels="):
        TFLiteClassifier(plain)
    assert len(TFLiteClassifier(plain, labels=np.array(["a", "b", "c"])).labels) == 3
    classifier = TFLiteClassifier(plain, labels=["a", ("b", "/m/b"), "c"])
    assert classifier.metadata is None
    best = classifier.classify(noise(16000), top=1)[0]
    expected = small_classifier().classify(noise(16000), top=1)[0]
    assert "abc".index(best.label) == [label.name for label in LABELS].index(expected.label)


def test_labels_take_the_place_of_those_in_the_file(path):
    assert TFLiteClassifier(path, labels=["x", "y", "z"]).labels[2].name == "z"


@pytest.mark.parametrize("labels", [["Dog"], ["a", "b", "c", "d"]])
def test_wrong_number_of_labels(path, plain, labels):
    for file in (path, plain):
        with pytest.raises(ValueError, match=f"gives 3 scores. Received {len(labels)} labels"):
            TFLiteClassifier(file, labels=labels)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin as one"),
        (b"RIFF....WAVEfmt ", "does not begin as one"),
        (b"\x1c\0\0\0TFL3", "points to byte 28, of 8 that it has"),
    ],
)
def test_what_is_no_model(tmp_path, content, message):
    path = tmp_path / "sound.tflite"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"sound.tflite is not a TFLite model .*{message}"):
        TFLiteClassifier(path)


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        TFLiteClassifier(tmp_path / "missing.tflite")
    with pytest.raises(IsADirectoryError):
        TFLiteClassifier(tmp_path)


def test_unknown_runtime(path):
    with pytest.raises(ValueError, match=r"one of ai_edge_litert, .*Received: 'onnx'"):
        TFLiteClassifier(path, runtime="onnx")


def test_models_of_other_shapes(shared_data):
    [yamnet] = (shared_data / "yamnet").glob("*.tflite")
    with pytest.raises(
        ValueError,
        match=r"not a classifier that soundzoo exports: float32 \[1, 15600\] to \[1, classes\], "
        r"and perhaps \[1, units\]. Received float32 \[15600\] to float32 \[1, 521\]",
    ):
        TFLiteClassifier(yamnet)


def test_patches_of_another_front_end(tmp_path, noise):
    """A file says how its sound is cut; the default would be wrong here."""
    frontend = FrontendConfig(sample_rate=8000, mel_max_hz=3800.0, tail_fraction=1.0)
    classifier = AudioClassifier("fully_connected", LABELS, width=0.02, frontend=frontend)
    path = tmp_path / "telephone.tflite"
    export_tflite(classifier, path)
    running = TFLiteClassifier(path)
    assert running.frontend == frontend
    np.testing.assert_allclose(
        running.timeline(noise(30000)).scores,
        classifier.timeline(noise(30000)).scores,
        atol=1e-5,
    )
    fields = running.metadata._replace(frontend=None)._asdict()
    path.write_bytes(add_metadata(path.read_bytes(), **fields))
    with pytest.raises(ValueError, match=r"telephone.tflite .*: it hears 8000 Hz, and files"):
        TFLiteClassifier(path)


def test_command_line_takes_a_file(path, capsys):
    sound = str(EXAMPLES / "birdsong.ogg")
    arguments = ["classify", sound, "--model", str(path), "--json", "--timeline", "--top", "2"]
    assert main(arguments) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    expected = TFLiteClassifier(path).classify(sound, top=2)
    assert entry["predictions"] == [prediction._asdict() for prediction in expected]
    assert [patch["start_seconds"] for patch in entry["timeline"]] == [0.0, 0.96]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["embed", "--json"], "small.tflite gives scores alone; export it with --with-emb"),
        (["classify"], "plain.tflite does not name its 3 scores"),
    ],
)
def test_command_line_refuses_in_one_line(path, plain, capsys, command, message):
    model = path if command[0] == "embed" else plain
    assert main([*command, str(EXAMPLES / "wind.ogg"), "--model", str(model)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert message in errors


PROGRAM = """
import re, sys, time
from pathlib import Path
start = time.perf_counter()
from export import TFLiteClassifier
classifier = TFLiteClassifier(sys.argv[1])
best = classifier.classify(sys.argv[2], top=1)[0]
seconds = time.perf_counter() - start
# Not getrusage: its peak is that of the process that started this one, where that is larger.
status = Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text()) if status.exists() else None
megabytes = int(peak[1]) / 1000 if peak else 0
print(classifier.runtime, best.label, seconds, megabytes, "tensorflow" in sys.modules, sep=";")
"""


def start(path):
    """What a program that only classifies prints, in a process of its own."""
    arguments = [sys.executable, "-c", PROGRAM, str(path), str(EXAMPLES / "birdsong.ogg")]
    output = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    runtime, label, seconds, megabytes, tensorflow = output.strip().split(";")
    return runtime, label, float(seconds), float(megabytes), tensorflow == "True"


def test_runs_without_tensorflow(path):
    runtime, label, _, _, tensorflow = start(path)
    assert runtime == "ai_edge_litert"
    assert label == small_classifier().classify(EXAMPLES / "birdsong.ogg", top=1)[0].label
    assert not tensorflow


@pytest.mark.slow
def test_starts_in_a_second_and_150_megabytes(tmp_path):
    path = tmp_path / "preset.tflite"
    export_tflite(AudioClassifier.from_preset("resnet50_w025_opensounds"), path)
    runs = [start(path) for _ in range(6)]  # the first reads files that the others find cached
    seconds, megabytes = min(run[2] for run in runs), max(run[3] for run in runs)
    print(f"import and first result: {seconds:.2f} s, {megabytes:.0f} MB resident")
    assert not any(run[4] for run in runs)
    assert seconds < 1
    assert megabytes < 150
