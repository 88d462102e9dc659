"""The folder of a run; what it holds after a training, `test_trainer.py` tells."""

import pytest
import tensorflow as tf

from zoo.training.run import RunFolder


def test_one_worker_writes_and_all_read(data, config, small_classifier, tmp_path):
    variables = {"weights": [tf.Variable([1.0, 2.0])]}
    for writes in (False, True):
        folder = RunFolder(tmp_path / "run", config(), data, writes=writes)
        with folder.alone():
            folder.describe(2, ended=False)
            folder.log([{"epoch": 1, "loss": 0.5}])
            folder.report_not_finite("The loss of step 3 is nan", 3, ["a", "b"])
            folder.save_preset(small_classifier)
            folder.save_checkpoint(5, {}, variables, {})
        assert folder.path.exists() == writes
    names = {"config.yaml", "run.json", "log.csv", "not_finite.json", "preset", "checkpoints"}
    assert {path.name for path in folder.path.iterdir()} == names
    assert (folder.path / "log.csv").read_text() == "epoch,loss\n1,0.5\n"

    variables["weights"][0].assign([0.0, 0.0])
    reader = RunFolder(tmp_path / "run", config(), data, writes=False)
    state, _ = reader.load_checkpoint(variables)
    assert (state["step"], state["extended"]) == (5, False)
    assert variables["weights"][0].numpy().tolist() == [1, 2]
    assert reader.checkpoint == folder.checkpoint
    assert not reader.has_ended()
    folder.describe(2, ended=True)
    assert reader.has_ended()
    for damaged in ("{", "[]"):
        (folder.path / "run.json").write_text(damaged)
        with pytest.raises(ValueError, match=r"run\.json is damaged: .* Name another run folder"):
            reader.has_ended()


def test_one_run_at_a_time(data, config, tmp_path):
    first, second, reader = (
        RunFolder(tmp_path / "run", config(), data, writes=writes) for writes in (1, 1, 0)
    )
    with first.alone(), reader.alone():
        refused = pytest.raises(BlockingIOError, match=r"Another process is writing to .*run; wait")
        with refused, second.alone():
            pass
    with second.alone():
        pass
