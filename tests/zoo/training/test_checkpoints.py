import errno
import hashlib
import io

import numpy as np
import pytest
import tensorflow as tf

from zoo.training.checkpoints import KEPT, assign_checkpoint, load_checkpoint, save_checkpoint


def variables(value=0.0, shape=(3, 2)):
    rng = np.random.default_rng(0)
    return {
        "weights": [tf.Variable(rng.normal(size=shape) + value), tf.Variable(np.zeros(4))],
        "optimizer": [tf.Variable(7, dtype=tf.int64)],
    }


def test_round_trip(tmp_path):
    saved = variables(1.5)
    path = save_checkpoint(tmp_path, 12, {"losses": [0.1]}, saved, {"best": np.arange(3)})
    assert path.name == "step-00000012.npz"
    found, state, arrays, others = load_checkpoint(tmp_path)
    assert (found, state) == (path, {"losses": [0.1], "step": 12})
    assert {name: array.tolist() for name, array in others.items()} == {"best": [0, 1, 2]}
    fresh = variables()
    assign_checkpoint(path, arrays, fresh)
    for group, members in saved.items():
        for one, two in zip(members, fresh[group], strict=True):
            np.testing.assert_array_equal(one.numpy(), two.numpy())
            assert one.dtype == two.dtype


def test_no_checkpoint(tmp_path):
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "nowhere") is None


def test_the_newest_stay(tmp_path):
    for step in range(10, 70, 10):
        save_checkpoint(tmp_path, step, {}, variables())
    assert len(list(tmp_path.iterdir())) == KEPT
    assert load_checkpoint(tmp_path)[1]["step"] == 60


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_newest_one_that_is_cut_short_is_passed_over(tmp_path, share):
    save_checkpoint(tmp_path, 10, {}, variables())
    path = save_checkpoint(tmp_path, 20, {}, variables())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.warns(UserWarning, match=r"step-00000020\.npz is damaged and is passed over"):
        assert load_checkpoint(tmp_path)[1]["step"] == 10


@pytest.mark.filterwarnings("ignore:.*is damaged and is passed over")
def test_a_newest_one_with_any_bit_flipped_is_passed_over(tmp_path):
    save_checkpoint(tmp_path, 10, {}, variables())
    path = save_checkpoint(tmp_path, 20, {}, variables())
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        assert load_checkpoint(tmp_path)[1]["step"] == 10
    path.write_bytes(content)
    assert load_checkpoint(tmp_path)[1]["step"] == 20


def test_all_damaged(tmp_path):
    save_checkpoint(tmp_path, 10, {}, variables()).write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(ValueError, match=r"No checkpoint in .* can be read"),
    ):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        None,
        {},
        {"state": "{}"},
        {"state": '{"step": "7"}'},
        {"state": np.arange(3)},
        {"state": "[" * 100_000},
        {"state": '{"step": 7}', "a": np.array([None])},
    ],
    ids=["nothing", "no state", "no step", "no number", "no text", "deep", "objects"],
)
def test_whole_ones_that_are_none_are_refused(tmp_path, arrays):
    content = io.BytesIO(b"PK")
    if arrays is not None:
        np.savez(content, **arrays)
    content = content.getvalue()
    path = tmp_path / "step-00000010.npz"
    path.write_bytes(content + hashlib.sha256(content).digest())
    with pytest.raises(ValueError, match=r"step-00000010\.npz is no checkpoint: it ") as caught:
        load_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_a_killed_process_left_is_removed(tmp_path):
    save_checkpoint(tmp_path, 10, {}, variables())
    (tmp_path / ".step-00000020.npz.unfinished-x1y2").mkdir()
    assert load_checkpoint(tmp_path)[1]["step"] == 10
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010.npz"]


def test_an_old_one_that_a_killed_process_left_is_removed(tmp_path):
    old = save_checkpoint(tmp_path / "old", 10, {}, variables())
    for step in range(20, 10 * (KEPT + 2), 10):
        save_checkpoint(tmp_path, step, {}, variables())
    old.rename(tmp_path / old.name)
    assert load_checkpoint(tmp_path)[1]["step"] == 10 * (KEPT + 1)
    assert len(list(tmp_path.glob("*.npz"))) == KEPT


@pytest.mark.filterwarnings("ignore:.*is damaged and is passed over")
def test_the_only_whole_one_stays(tmp_path):
    old = save_checkpoint(tmp_path / "old", 10, {}, variables())
    for step in range(20, 10 * (KEPT + 2), 10):
        save_checkpoint(tmp_path, step, {}, variables()).write_bytes(b"")
    old.rename(tmp_path / old.name)
    for _ in range(2):
        assert load_checkpoint(tmp_path)[1]["step"] == 10


@pytest.mark.parametrize("other", [variables(shape=(2, 2)), {"weights": []}], ids=["shape", "none"])
def test_of_another_network(tmp_path, other):
    path = save_checkpoint(tmp_path, 10, {}, variables())
    with pytest.raises(ValueError, match="is a checkpoint of another network: it holds 3 arrays"):
        assign_checkpoint(path, load_checkpoint(tmp_path)[2], other)


def test_a_disk_that_is_full_leaves_the_checkpoints_before(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 10, {}, variables())

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, 20, {}, variables())
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000010.npz"]
