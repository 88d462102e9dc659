"""The program in docs/deploy.md that listens to a microphone does so."""

import re
import stat
from pathlib import Path

import pytest
import soundfile

from export import export_tflite
from frontend import load_audio
from zoo import AudioClassifier

ROOT = Path(__file__).parents[1]

# In the place of ALSA's recorder: plays a recording, and ends.
ARECORD = """#!/bin/sh
exec cat street.raw
"""


@pytest.mark.slow
def test_program_for_a_microphone(tmp_path, monkeypatch, capsys):
    classifier = AudioClassifier.from_preset("resnet50_w025_opensounds")
    export_tflite(classifier, tmp_path / "sounds.tflite")
    waveform = load_audio(ROOT / "examples" / "birdsong.ogg")
    soundfile.write(tmp_path / "street.raw", waveform, 16000, subtype="FLOAT", endian="LITTLE")
    recorder = tmp_path / "arecord"
    recorder.write_text(ARECORD)
    recorder.chmod(recorder.stat().st_mode | stat.S_IEXEC)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```py\n(.*?)```", text, re.DOTALL)
    exec(program, {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0.00", "0.96"]
    assert all("Bird vocalization" in line for line in lines)
