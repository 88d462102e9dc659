"""The programs in docs/deploy.md do what it says."""

import io
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from export import TFLiteClassifier, export_tflite
from frontend import load_audio
from zoo import AudioClassifier

ROOT = Path(__file__).parents[1]

# In the place of ALSA's recorder: plays a recording, and ends.
ARECORD = """#!/bin/sh
exec cat street.raw
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "sounds.tflite"
    export_tflite(AudioClassifier.from_preset("resnet50_w025_opensounds"), path)
    return path


def program(words):
    """The program of the page that holds these words."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    [found] = [code for code in re.findall(r"```py\n(.*?)```", text, re.DOTALL) if words in code]
    return found


@pytest.mark.slow
def test_program_for_a_microphone(exported, tmp_path, monkeypatch, capsys):
    waveform = load_audio(ROOT / "examples" / "birdsong.ogg")
    soundfile.write(tmp_path / "street.raw", waveform, 16000, subtype="FLOAT", endian="LITTLE")
    recorder = tmp_path / "arecord"
    recorder.write_text(ARECORD)
    recorder.chmod(recorder.stat().st_mode | stat.S_IEXEC)
    (tmp_path / "sounds.tflite").symlink_to(exported)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    exec(program("arecord"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0.00", "0.96"]
    assert all("Bird vocalization" in line for line in lines)


@pytest.mark.slow
def test_program_for_a_few_recordings_of_ones_own(tmp_path, monkeypatch, capsys):
    """Beginnings of recordings are known, their ends are new; none of the labels is looked at."""
    classifier = AudioClassifier.from_preset("resnet50_w025_opensounds")
    export_tflite(classifier, tmp_path / "sounds_embed.tflite", with_embedding=True)
    names = ["bagpipes", "birdsong", "clapping", "oboe", "speech", "wind"]
    (tmp_path / "new").mkdir()
    for name in names:
        waveform = load_audio(ROOT / "examples" / f"{name}.ogg")
        half = len(waveform) // 2
        (tmp_path / "mine" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "mine" / name / "1.wav", waveform[:half], 16000)
        soundfile.write(tmp_path / "new" / f"{name}.wav", waveform[half:], 16000)
    monkeypatch.chdir(tmp_path)
    exec(program("neighbours"), globals_of_program := {})
    lines = capsys.readouterr().out.splitlines()
    told = [re.fullmatch(r"(\w+)\.wav: (\w+), (\d\.\d\d)", line).groups() for line in lines]
    assert [(new, known) for new, known, _ in told] == [(name, name) for name in names]
    assert all(0.5 < float(likeness) <= 1 for _, _, likeness in told)
    keras = classifier.embed(tmp_path / "new" / "wind.wav").mean(axis=0)
    np.testing.assert_allclose(
        globals_of_program["direction"]("new/wind.wav"), keras / np.linalg.norm(keras), atol=1e-4
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")
def test_programs_for_onnx_runtime(tmp_path, monkeypatch, capsys):
    waveform = load_audio(ROOT / "examples" / "birdsong.ogg")
    soundfile.write(tmp_path / "street.wav", waveform, 16000, subtype="FLOAT")
    monkeypatch.chdir(tmp_path)
    exec(program('format="onnx"'), exporting := {})
    capsys.readouterr()  # Keras says where it wrote
    exec(program("import onnxruntime"), {})
    best = exporting["classifier"].classify("street.wav", top=3)
    expected = "".join(f"{prediction.score:.2f}  {prediction.label}\n" for prediction in best)
    assert capsys.readouterr().out == expected


@pytest.fixture
def server(exported, tmp_path):
    """Address of the page's server, which runs in a process of its own."""
    (tmp_path / "sounds.tflite").symlink_to(exported)
    (tmp_path / "server.py").write_text(program("FastAPI"))
    command = [sys.executable, "-m", "uvicorn", "server:app", "--port=0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                yield found[1]
                process.terminate()
                return
        pytest.fail("".join(said))


@pytest.mark.slow
def test_server_takes_many_uploads_at_once(exported, server):
    names = ["bagpipes.ogg", "birdsong.ogg", "clapping.ogg"]
    sounds = {name: (ROOT / "examples" / name).read_bytes() for name in names}
    here = TFLiteClassifier(exported)
    expected = {name: here.classify(io.BytesIO(sounds[name]), 3) for name in names}

    def upload(name, sound):
        # What the upload is called says nothing of what it holds.
        return httpx.post(
            f"{server}/classify?top=3", files={"sound": ("voice.mp3", sound)}, timeout=60
        )

    with ThreadPoolExecutor(16) as pool:
        uploads = [pool.submit(upload, name, sounds[name]) for name in names * 20]
        bad = pool.submit(upload, "bad", b"no sound")
        for name, answer in zip(names * 20, uploads, strict=True):
            heard = [(p["label"], p["mid"], p["score"]) for p in answer.result().json()]
            assert heard == [pytest.approx(prediction) for prediction in expected[name]]
        assert bad.result().status_code == 422
        assert "sound" in bad.result().json()["detail"]
