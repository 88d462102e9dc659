"""Runs damaged models, in a process of its own: an interpreter that crashes takes it along."""

import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from export import TFLiteClassifier
from export.flatbuffer import read_root

LARGEST_TABLE = 64


def places(model):
    """Bytes of a model that are not weights: those change scores, and nothing else."""
    weight = np.zeros(len(model), bool)
    base = np.frombuffer(model, np.uint8).__array_interface__["data"][0]
    for buffer in read_root(memoryview(model), b"TFL3").tables(4):
        data = buffer.numbers(0, "B")
        if len(data) > LARGEST_TABLE:
            start = data.__array_interface__["data"][0] - base
            weight[start : start + len(data)] = True
    return np.flatnonzero(~weight).tolist()


def damage(model, where, seed):
    """The model cut short, or with one to four wrong bytes."""
    choose = random.Random(seed)
    if seed % 10 == 0:
        return model[: choose.randrange(len(model))]
    damaged = bytearray(model)
    for _ in range(choose.choice([1, 1, 1, 2, 4])):
        place = choose.choice(where)
        flipped = damaged[place] ^ (1 << choose.randrange(8))
        damaged[place] = choose.choice([flipped, choose.randrange(256), 0, 255])
    return bytes(damaged)


def main(path, first, last):
    model = Path(path).read_bytes()
    where = places(model)
    waveform = np.random.default_rng(0).normal(0, 0.1, (1, 15600)).astype("float32")
    ran = 0
    with tempfile.TemporaryDirectory() as folder:
        damaged = Path(folder, "damaged.tflite")
        for seed in range(int(first), int(last)):
            print(seed, flush=True)
            damaged.write_bytes(damage(model, where, seed))
            try:
                TFLiteClassifier(damaged, labels=["a", "b", "c"]).score_patches(waveform)
                ran += 1
            except ValueError:
                pass
    print(f"{ran} ran")


if __name__ == "__main__":
    main(*sys.argv[1:])
