import numpy as np
import pytest


@pytest.fixture
def scored():
    """Truth and scores of 60 clips, each of one of three classes."""
    rng = np.random.default_rng(0)
    truth = np.eye(3, dtype=bool)[rng.integers(0, 3, 60)]
    return truth, truth + rng.normal(0, 0.8, truth.shape)
