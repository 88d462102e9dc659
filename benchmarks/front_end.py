"""Log-mel spectrograms of one hour of sound: this package, tf.signal, librosa and PyTorch.

    python benchmarks/front_end.py [--threads 1 2] [--rounds 5]

Each computes the paper's log-mel, `log(mel @ abs(rfft(hann * window)) + 0.01)`, with the same mel
matrix, of the same minute sixty times; that the values are the same is checked. torchaudio's
spectrograms are `torch.stft`'s. Each contender is a process; they take turns, so that a busy
machine slows all of them alike, and the median round counts.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from contenders import make_torch_environment, race, serve, start

MINUTES = 60
TOLERANCE = 1e-4
THREADS = "THREADS"
ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        _serve(CONTENDERS[options.contender], options.folder)
        return
    make_torch_environment()
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder))
        print("| threads | | s an hour of sound | times ours |")
        print("|---:|---|---:|---:|")
        for threads in options.threads:
            for name, seconds in _race(folder, threads, options.rounds).items():
                if name == "soundzoo":
                    ours = seconds
                print(f"| {threads} | {name} | {seconds:.2f} | {seconds / ours:.2f} |")


def _race(folder, threads, rounds):
    """Median seconds of each contender."""
    # Each library reads its number of threads from a variable of its own.
    variables = (THREADS, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = dict.fromkeys(variables, str(threads))
    contenders = {
        name: start(
            [__file__, "--contender", name, "--folder", folder],
            torch=name in OF_TORCH,
            environment=environment,
        )
        for name in CONTENDERS
    }
    return race(contenders, rounds)[1]


def write_inputs(folder):
    """A minute of sound, the mel matrix, and the log-mel spectrogram that is right."""
    import numpy as np

    sys.path.insert(0, str(ROOT))
    from frontend import FrontendConfig
    from frontend.mel import mel_matrix

    config = FrontendConfig()
    # As many samples as windows fill: all make the same windows of them.
    hops = 60 * config.sample_rate // config.hop_samples - 1
    samples = (hops - 1) * config.hop_samples + config.window_samples
    sound = np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)
    window = np.hanning(config.window_samples + 1)[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(sound, config.window_samples)
    spectrum = np.abs(np.fft.rfft(windows[:: config.hop_samples] * window, config.fft_length))
    mel = np.asarray(mel_matrix(config))
    log_mel = np.log(spectrum @ mel + config.log_offset).astype(np.float32)
    np.savez(folder / "inputs.npz", sound=sound, mel=mel, log_mel=log_mel)


def _soundzoo():
    import tensorflow as tf

    sys.path.insert(0, str(ROOT))
    from frontend import FrontendConfig, LogMelSpectrogram

    _set_threads(tf)
    # Patches of one frame: all windows that fit.
    layer = LogMelSpectrogram(FrontendConfig(patch_frames=1))
    run = tf.function(lambda sound: layer(sound[tf.newaxis])[0])
    return lambda sound, mel: run(sound).numpy()


def _tf_signal():
    import tensorflow as tf

    _set_threads(tf)

    @tf.function
    def run(sound, mel):
        spectrum = tf.abs(tf.signal.stft(sound, 400, 160, 512, window_fn=tf.signal.hann_window))
        return tf.math.log(tf.matmul(spectrum, mel) + 0.01)

    return lambda sound, mel: run(sound, mel).numpy()


def _set_threads(tf):
    threads = int(os.environ[THREADS])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


# librosa and PyTorch put the window of 400 in the middle of 512 samples: 56 before it, 56 after.


def _librosa():
    import librosa
    import numpy as np

    def run(sound, mel):
        padded = np.pad(sound, 56)
        spectrum = librosa.stft(padded, n_fft=512, win_length=400, hop_length=160, center=False)
        return np.log(np.abs(spectrum).T @ mel + 0.01)

    return run


def _torch():
    import torch

    torch.set_num_threads(int(os.environ[THREADS]))
    window = torch.hann_window(400)

    def run(sound, mel):
        padded = torch.nn.functional.pad(torch.from_numpy(sound), (56, 56))
        spectrum = torch.stft(
            padded, 512, 160, 400, window=window, center=False, return_complex=True
        )
        return torch.log(spectrum.abs().T @ torch.from_numpy(mel) + 0.01).numpy()

    return run


CONTENDERS = {
    "soundzoo": _soundzoo,
    "tf.signal": _tf_signal,
    "librosa": _librosa,
    "torch.stft": _torch,
}
OF_TORCH = ("librosa", "torch.stft")


def _serve(contender, folder):
    """Checks a contender's values before it races."""
    import numpy as np

    run = contender()
    with np.load(folder / "inputs.npz") as inputs:
        sound, mel, log_mel = (inputs[name] for name in ("sound", "mel", "log_mel"))
    difference = np.abs(run(sound, mel) - log_mel).max()
    if difference > TOLERANCE:
        raise SystemExit(f"{contender.__name__} differs by {difference}.")
    serve("ready", lambda: [run(sound, mel) for _ in range(MINUTES)])


if __name__ == "__main__":
    main()
