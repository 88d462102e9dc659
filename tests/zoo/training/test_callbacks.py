"""What callbacks keep over a stop."""

import json

import keras
import numpy as np
import pytest

from tests.zoo.training.test_trainer import StopAt, log
from zoo import AudioClassifier
from zoo.training import Stopped, train
from zoo.training.callbacks import CallbackStates


class Counter(keras.callbacks.Callback):
    """Holds one of everything."""

    def __init__(self, limit=3):
        super().__init__()
        self.limit = limit
        self.count = 0
        self.best = None
        self.seen = []
        self.by_epoch = {}
        self.total = np.zeros(2)
        self.unchanged = np.ones(1000)
        self._private = 0
        self.labels = set()

    def on_epoch_end(self, epoch, logs=None):
        self.limit += 1
        self.count += 1
        self.best = np.float32(0.5)
        self.seen.append("é")
        self.by_epoch[epoch] = {"rates": [float("inf"), np.arange(3)]}
        self.total += 1
        self._private += 1
        self.labels = {epoch}


def states(*callbacks):
    return CallbackStates(keras.callbacks.CallbackList(list(callbacks)))


def test_what_changed_comes_back_in_new_callbacks():
    first = [Counter(), Counter()]
    before = states(*first)
    before.begin()
    first[1].on_epoch_end(0)
    first[1].on_epoch_end(1)
    saved, arrays = before.get()
    saved = json.loads(json.dumps(saved))
    assert saved["kept"]["Counter 1"] == {}
    assert sum(array.size for array in arrays.values()) == 1 + 3 + 2
    again = [Counter(), Counter(limit=5)]
    with pytest.warns(UserWarning, match=r"these attributes .* begin anew: Counter\.labels\."):
        states(*again).begin(saved, arrays)
    assert (again[0].count, again[0].best) == (0, None)
    assert (again[1].count, again[1].best, again[1].seen) == (2, np.float32(0.5), ["é", "é"])
    assert again[1].best.dtype == np.float32
    assert again[1].by_epoch[1]["rates"][0] == float("inf")
    np.testing.assert_array_equal(again[1].by_epoch[1]["rates"][1], [0, 1, 2])
    np.testing.assert_array_equal(again[1].total, [2, 2])
    # Arguments are the caller's, and what is private the callback's.
    assert (again[1].limit, again[1]._private, again[1].labels) == (5, 0, set())


def test_other_callbacks_than_before_begin_as_they_are():
    before = states(Counter())
    before.begin()
    saved, arrays = before.get()
    stopper = StopAt(3)
    states(stopper).begin(saved, arrays)
    assert stopper.left == 3


def test_a_run_that_is_killed_at_its_end_ends_as_it_would_have(data, config, tmp_path):
    def best():
        # min_delta: no epoch counts as better than the first.
        return keras.callbacks.EarlyStopping(
            monitor="val_loss", mode="min", min_delta=100, patience=9, restore_best_weights=True
        )

    class Killed(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    options = config(epochs=3)
    whole = train(data, tmp_path / "whole", options, callbacks=[best()])
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "killed", options, callbacks=[Killed(), best()])
    harmless = keras.callbacks.Callback()
    again = train(data, tmp_path / "killed", options, callbacks=[harmless, best()])
    for folder in ("whole", "killed"):
        saved = AudioClassifier.from_preset(tmp_path / folder)
        for one, two, three in zip(
            whole.get_weights(), again.get_weights(), saved.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(one, two)
            np.testing.assert_array_equal(one, three)
    # It is over: who comes without those callbacks gets the same.
    after = train(data, tmp_path / "killed", options)
    for one, two in zip(whole.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_that_goes_on_stops_early_where_it_would_have(data, config, tmp_path):
    # min_delta: no epoch counts as better than the first. Keras turns its sign once.
    def callbacks(folder):
        folder.mkdir(exist_ok=True)
        worse = {"monitor": "val_loss", "mode": "min", "min_delta": 100}
        return [
            keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True, **worse),
            keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, **worse),
            keras.callbacks.ModelCheckpoint(
                folder / "{epoch}.keras", monitor="val_loss", mode="max", save_best_only=True
            ),
            keras.callbacks.CSVLogger(folder / "keras.csv"),
        ]

    options = config(epochs=12)
    whole = train(data, tmp_path / "whole", options, callbacks=callbacks(tmp_path / "a"))
    for stop in (4, 6, 4):  # in the first epoch, in the third, and at the third's end
        stopped = [StopAt(stop), *callbacks(tmp_path / "b")]
        with pytest.raises(Stopped):
            train(data, tmp_path / "parts", options, callbacks=stopped)
    parts = train(data, tmp_path / "parts", options, callbacks=callbacks(tmp_path / "b"))
    rows = [log(tmp_path / run) for run in ("whole", "parts")]
    assert len(rows[0]) == 4
    assert [row | {"seconds": 0} for row in rows[1]] == [row | {"seconds": 0} for row in rows[0]]
    for one, two in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    names = [sorted(path.name for path in (tmp_path / run).iterdir()) for run in "ab"]
    assert names[0] == names[1]
    tables = [(tmp_path / run / "keras.csv").read_text() for run in "ab"]
    assert tables[0] == tables[1]
