import keras
import numpy as np
import pytest

from zoo.training.schedule import Schedule


@pytest.mark.parametrize(("shape", "half"), [("constant", 1.0), ("cosine", 0.5), ("linear", 0.5)])
def test_rises_then_follows_its_shape(shape, half):
    schedule = Schedule(2.0, steps=110, warmup_steps=10, shape=shape)
    rates = np.array([float(schedule(step)) for step in range(111)])
    np.testing.assert_allclose(rates[:10], 2.0 * np.arange(1, 11) / 10, rtol=1e-6)
    assert rates[60] == pytest.approx(2.0 * half, rel=1e-5)
    assert rates[110] == pytest.approx(2.0 if shape == "constant" else 0.0, abs=1e-6)
    assert (np.diff(rates[10:]) <= 1e-7).all()


def test_config_round_trip():
    schedule = Schedule(2.0, steps=110, warmup_steps=10, shape="cosine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert again.get_config() == schedule.get_config()
