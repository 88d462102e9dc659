"""Files a second, with resnet50_w025_opensounds: one after the other, `score_files`, and PyTorch.

    python benchmarks/score_files.py [--files 1500] [--rounds 3]

The files are wavs of two seconds. PyTorch runs the same network, with random weights, in the manner
of `panns_inference`: files are read in turn, and their patches go through log-mel and network in
batches of 32. It gives the same log-mel patches, which the script checks, and as many weights. The
contenders take turns, and the median round counts; what each does at its start is not counted.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from contenders import make_torch_environment, race, serve, start

MODEL = "resnet50_w025_opensounds"
RATE = 16000
BATCH = 32
ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=1500, help="of two seconds (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="%(default)s")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        _serve(CONTENDERS[options.contender], options.folder)
        return
    make_torch_environment()
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), options.files)
        contenders = {
            name: start(
                [__file__, "--contender", name, "--folder", folder], torch=name == "PyTorch"
            )
            for name in CONTENDERS
        }
        _, seconds = race(contenders, options.rounds)
    rates = {name: options.files / seconds[name] for name in CONTENDERS}
    print(f"{'contender':<28}{'files/s':>9}{'ratio':>8}")
    for name, rate in rates.items():
        print(f"{name:<28}{rate:>9.1f}{rate / rates['one by one']:>8.2f}")


def make_files(folder, count):
    """Wavs of noise that swells and fades, and what PyTorch needs to hear as we do."""
    import numpy as np
    import soundfile
    import tensorflow as tf

    sys.path.insert(0, str(ROOT))
    from frontend import FrontendConfig, LogMelSpectrogram
    from zoo import AudioClassifier

    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 60 * RATE) * np.sin(np.arange(60 * RATE) / RATE) ** 2
    (folder / "sounds").mkdir()
    for number in range(count):
        start = rng.integers(58 * RATE)
        path = folder / "sounds" / f"{number:05}.wav"
        soundfile.write(path, noise[start : start + 2 * RATE], RATE)
    config = FrontendConfig()
    patch = noise[np.newaxis, : config.patch_samples].astype(np.float32)
    classifier = AudioClassifier.from_preset(MODEL)
    np.savez(
        folder / "torch.npz",
        mel_matrix=tf.signal.linear_to_mel_weight_matrix(
            config.mel_bins, 257, RATE, config.mel_min_hz, config.mel_max_hz
        ),
        patch=patch,
        log_mel=LogMelSpectrogram(config)(patch),
        classes=len(classifier.labels),
        width=classifier.width,
        bottleneck=classifier.bottleneck or 0,
        weights=classifier.count_params(),
    )


def _serve(contender, folder):
    sys.path.insert(0, str(ROOT))
    files = sorted((folder / "sounds").iterdir())
    score = contender(folder)
    score(files[: 2 * BATCH])
    serve("ready", lambda: score(files))


def _one_by_one(_):
    import zoo

    classifier = zoo.AudioClassifier.from_preset(MODEL)
    return lambda files: [classifier.classify(file) for file in files]


def _score_files(_):
    import zoo

    classifier = zoo.AudioClassifier.from_preset(MODEL)
    return lambda files: list(classifier.score_files(files))


def _tflite(folder):
    import zoo
    from export import TFLiteClassifier, export_tflite

    export_tflite(zoo.AudioClassifier.from_preset(MODEL), folder / "model.tflite")
    classifier = TFLiteClassifier(folder / "model.tflite")
    return lambda files: list(classifier.score_files(files))


def _torch(folder):
    import numpy as np
    import soundfile
    import torch
    from torch_resnet50 import ResNet50

    with np.load(folder / "torch.npz") as arrays:
        facts = dict(arrays)
    matrix = torch.from_numpy(facts["mel_matrix"])
    window = torch.hann_window(400)
    samples = facts["patch"].shape[1]

    def log_mel(waveforms):
        frames = waveforms.unfold(1, 400, 160) * window
        return torch.log(torch.fft.rfft(frames, 512).abs() @ matrix + 0.01)

    difference = np.abs(log_mel(torch.from_numpy(facts["patch"])).numpy() - facts["log_mel"]).max()
    assert difference < 1e-3, difference
    model = ResNet50(float(facts["width"]), int(facts["classes"]), int(facts["bottleneck"]))
    weights = sum(each.numel() for each in model.state_dict().values() if each.ndim)
    assert weights == facts["weights"], (weights, facts["weights"])
    model = model.to(memory_format=torch.channels_last).eval()

    def patches(file):
        waveform, _ = soundfile.read(file, dtype="float32")
        hop = samples - 240
        for first in range(0, len(waveform) - samples + 1, hop):
            yield torch.from_numpy(waveform[first : first + samples])

    @torch.inference_mode()
    def score(files):
        waiting = []
        for file in files:
            waiting += patches(file)
            while len(waiting) >= BATCH or (waiting and file == files[-1]):
                batch, waiting = waiting[:BATCH], waiting[BATCH:]
                maps = log_mel(torch.stack(batch))[:, None]
                torch.sigmoid(model(maps.contiguous(memory_format=torch.channels_last))).numpy()

    return score


CONTENDERS = {
    "one by one": _one_by_one,
    "score_files": _score_files,
    "score_files, TFLite": _tflite,
    "PyTorch": _torch,
}

if __name__ == "__main__":
    main()
