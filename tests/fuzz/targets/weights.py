"""Other people's weights, which `soundzoo convert` reads."""

import io
import os
import pickle
from pathlib import Path

import numpy as np

from tests.fuzz.mutate import mutate_archive, pack, unpack
from tests.fuzz.target import Parser, read_file, target
from tests.zoo.convert.pytorch import save


class _Attack:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@target
def pytorch(scratch: Path) -> Parser:
    """What `torch.save` wrote, in both layouts."""
    from zoo.convert.pytorch_file import read_pytorch

    arrays = {"a.weight": np.ones((2, 3), "f4"), "a.bias": np.zeros(2, "f2")}
    seeds = []
    for older in (False, True):
        save(scratch / "weights.pth", arrays, older=older)
        seeds.append((scratch / "weights.pth").read_bytes())
    attacks = []
    for attack in (_Attack(os.system, "true"), _Attack(open, "found", "w"), _Attack(eval, "1")):
        content = pickle.dumps({"a": attack}, protocol=2)
        attacks += [content, pack({**unpack(seeds[0]), "weights/data.pkl": content})]
    return read_file("weights.pth", read_pytorch, seeds, mutate_archive, attacks)


@target
def arrays(scratch: Path) -> Parser:
    """NumPy's archives, `.npz`."""
    from zoo.convert.arrays import read_arrays

    file = io.BytesIO()
    np.savez(file, a=np.ones((2, 3), "f4"), b=np.arange(4))
    seed = pack(unpack(file.getvalue()))
    files = unpack(seed)
    header = np.lib.format.header_data_from_array_1_0(np.ones((1, 1), "f4"))
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {**header, "shape": (1 << 40, 1 << 10)})
    objects = io.BytesIO()
    np.save(objects, np.array([_Attack(os.system, "true")]), allow_pickle=True)
    attacks = [pack({**files, "a.npy": file.getvalue()}) for file in (huge, objects)]
    return read_file("weights.npz", read_arrays, [seed], mutate_archive, attacks)
