import pytest

from zoo.data import prepare, read_source
from zoo.training import TrainConfig


@pytest.fixture(scope="session")
def data(sounds, tmp_path_factory):
    """The tones, prepared with the splits train and test."""
    source = read_source(sounds)
    clips = [c._replace(split="test") if c.split == "validation" else c for c in source.clips]
    return prepare(source._replace(clips=clips), tmp_path_factory.mktemp("reproduce") / "data")


@pytest.fixture
def config():
    """What trains in a moment."""
    return TrainConfig(model="fully_connected", width=0.03, batch=4, epochs=1, epoch_steps=4)


@pytest.fixture
def results():
    """What an experiment of two settings gives, one of which the paper has, with a third."""
    interval = {"mAP": [0.4, 0.6], "AUC": [0.8, 0.95], "d_prime": [1.2, 1.9]}
    costs = {"seeds": 1, "steps": 10, "hours": 0.5, "weights": 12_000_000, "multiplies": 5_430_000}
    return {
        "experiment": "data",
        "title": "Parts of 100 clips",
        "rows": [
            {
                "settings": {"clips": clips},
                "mAP": mAP,
                "AUC": 0.9,
                "d_prime": 1.8,
                "intervals": interval,
                **costs,
            }
            for clips, mAP in (("100%", 0.5), ("10%", 0.45), ("3%", 0.3))
        ],
        "paper": [
            {"settings": {"clips": clips}, "AUC": 0.92, "d_prime": 2.0, "mAP": mAP}
            for clips, mAP in (("100%", 0.206), ("10%", 0.202), ("1%", 0.203))
        ],
    }
