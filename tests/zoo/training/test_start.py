"""What a run starts from."""

import pytest
import tensorflow as tf

from frontend import FrontendConfig
from zoo import AudioClassifier
from zoo.training import train
from zoo.training.start import start


@pytest.fixture
def begin(data, config):
    return lambda **options: start(config(**options), data, "a run", tf.distribute.get_strategy())


def test_options_are_completed_by_the_paper(begin):
    config, classifier, _ = begin(model="alexnet", width=None)
    assert (config.width, config.bottleneck) == (1.0, None)
    assert (classifier.name, classifier.architecture) == ("a_run", "alexnet")


@pytest.mark.parametrize("folder", ["Übung 1", "_x", "狗"])
def test_a_run_may_have_any_name(data, config, folder):
    _, classifier, _ = start(config(), data, folder, tf.distribute.get_strategy())
    classifier.compile("adam", "binary_crossentropy")
    classifier.fit(tf.zeros([1, 16000]), tf.zeros([1, 3]), verbose=0)


def test_what_is_heard_whole_is_trained_on_as_long_as_the_longest_clip(begin, data):
    _, classifier, frontend = begin(model="cnn14", width=0.02)
    longest = data.samples[data.select("train")].max()
    assert frontend.patch_frames == classifier.frontend.heard_frames(longest) < 1000
    assert begin()[2] == begin()[1].frontend == FrontendConfig()


@pytest.mark.parametrize(("option", "size"), [("mask_frames", 96), ("mask_bins", 64)])
def test_masks_fit_the_front_end(begin, option, size):
    assert getattr(begin(**{option: size})[0], option) == size
    with pytest.raises(
        ValueError, match=rf"{option} must be at most the {size} .* Received: {size + 1}"
    ):
        begin(**{option: size + 1})


def test_a_preset_of_another_sample_rate_is_refused(data, telephone_preset, config, tmp_path):
    options = config(init=str(telephone_preset), model=None, width=None)
    with pytest.raises(ValueError, match=r"are at 16000 Hz, .* Received a model of 8000 Hz\."):
        train(data, tmp_path / "run", options)
    assert not (tmp_path / "run").exists()


def test_an_equalizer_wants_logarithms_that_it_knows(begin, tmp_path):
    frontend = FrontendConfig(power=2)
    classifier = AudioClassifier("fully_connected", ["a"], width=0.02, frontend=frontend)
    classifier.save_to_preset(tmp_path / "powers")
    options = {"init": str(tmp_path / "powers"), "model": None, "width": None}
    begin(**options)
    with pytest.raises(ValueError, match=r"equalizer_db is for natural .* Received: 6"):
        begin(**options, equalizer_db=6)
