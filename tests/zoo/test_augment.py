"""Augmentation layers: off at inference, and in training what they say."""

import keras
import numpy as np
import pytest

from zoo.augment import (
    Mixup,
    MixupAtRatio,
    RandomEqualizer,
    RandomGain,
    RandomSpeed,
    SpecAugment,
    TimeShift,
)

RNG = np.random.default_rng(0)
WAVEFORMS = RNG.normal(size=(6, 401)).astype("float32")
TARGETS = np.eye(6, dtype="float32")
PATCHES = RNG.normal(size=(6, 96, 64)).astype("float32")

LAYERS = [
    (RandomGain(6), WAVEFORMS),
    (TimeShift(100), WAVEFORMS),
    (RandomSpeed(200, 2), WAVEFORMS),
    (Mixup(1.0), (WAVEFORMS, TARGETS)),
    (MixupAtRatio(1.0, 20), (WAVEFORMS, TARGETS)),
    (SpecAugment(20, 10), PATCHES),
    (RandomEqualizer(6, 1e-6), PATCHES),
]
NAMES = [type(layer).__name__ for layer, _ in LAYERS]


def flat(outputs):
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


@pytest.mark.parametrize(("layer", "inputs"), LAYERS, ids=NAMES)
def test_off_at_inference(layer, inputs):
    for output, source in zip(flat(layer(inputs)), flat(inputs), strict=True):
        np.testing.assert_array_equal(output, source[:, : output.shape[1]])


@pytest.mark.parametrize(("layer", "inputs"), LAYERS, ids=NAMES)
def test_random_in_training_and_the_same_for_the_same_numbers(layer, inputs):
    uniform = RNG.random((6, layer.draws)).astype("float32")
    first = flat(layer(inputs, uniform=uniform, training=True))
    again = flat(layer(inputs, uniform=uniform, training=True))
    own = flat(layer(inputs, training=True))
    other = flat(layer(inputs, training=True))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(own, other, strict=True))


@pytest.mark.parametrize(("layer", "inputs"), LAYERS, ids=NAMES)
def test_changes_each_example_alike_in_any_even_part_of_the_batch(layer, inputs):
    uniform = RNG.random((6, layer.draws)).astype("float32")
    whole = flat(layer(inputs, uniform=uniform, training=True))
    for rows in (slice(0, 2), slice(2, 6)):
        part = keras.tree.map_structure(lambda batch, rows=rows: batch[rows], inputs)
        parts = flat(layer(part, uniform=uniform[rows], training=True))
        for of_whole, of_part in zip(whole, parts, strict=True):
            np.testing.assert_allclose(of_whole[rows], of_part, atol=1e-6)


@pytest.mark.parametrize(("layer", "inputs"), LAYERS, ids=NAMES)
def test_config_round_trip(layer, inputs):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_gain_stays_within_its_decibels():
    quietest, loudest = (
        np.asarray(RandomGain(6)(WAVEFORMS, uniform=np.full((6, 1), u, "float32"), training=True))
        for u in (0, 1)
    )
    np.testing.assert_allclose(quietest, WAVEFORMS * 10 ** (-6 / 20), rtol=1e-5)
    np.testing.assert_allclose(loudest, WAVEFORMS * 10 ** (6 / 20), rtol=1e-5)


def test_speed_plays_a_tone_higher():
    time = np.arange(401)
    tone = np.sin(2 * np.pi * 0.01 * time).astype("float32")[None]
    layer = RandomSpeed(200, 2)
    faster = np.asarray(layer(tone, uniform=np.ones((1, 1), "float32"), training=True))
    np.testing.assert_allclose(faster[0], np.sin(2 * np.pi * 0.02 * np.arange(200)), atol=1e-3)


@pytest.mark.parametrize("drawn", [0.0, 0.3, 1.0])
def test_speed_leaves_a_sample_where_it_is(drawn):
    layer = RandomSpeed(200, 1.5, fixed=60)
    click = np.zeros((1, layer.input_samples), "float32")
    click[0, layer.input_fixed] = 1
    (played,) = np.asarray(layer(click, uniform=np.full((1, 1), drawn, "float32"), training=True))
    assert played.argmax() == 60
    (plain,) = np.asarray(layer(click))
    assert plain.argmax() == 60


def test_speed_that_is_rounded_up_stays_within_what_goes_in():
    layer = RandomSpeed(8000, 1.2, fixed=7000)
    ends = np.zeros((1, layer.input_samples), "float32")
    ends[0, -100:] = 1
    (played,) = np.asarray(layer(ends, uniform=np.ones((1, 1), "float32"), training=True))
    assert not played[:100].any()


def test_mixup_at_a_ratio_of_levels():
    uniform = np.array([[0, 0.75], [0, 0.25], [0.9, 0], [0, 0.5]], "float32")
    loud = WAVEFORMS[:4] * np.array([[1], [100], [1], [1e-6]], "float32")
    layer = MixupAtRatio(0.8, decibels=20)
    mixed, targets = flat(layer((loud, TARGETS[:4]), uniform=uniform, training=True))
    level = np.sqrt(np.mean(np.square(WAVEFORMS), axis=1, keepdims=True))
    ratio = 10**0.5  # 10 dB
    standard = WAVEFORMS / level
    wanted = level[0] * (ratio * standard[0] + standard[1]) / (ratio + 1)
    np.testing.assert_allclose(mixed[0], wanted, atol=1e-5)
    wanted = 100 * level[1] * (standard[1] + ratio * standard[0]) / (ratio + 1)
    np.testing.assert_allclose(mixed[1], wanted, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(targets[0, :2], [1, 2 / (ratio + 1)], rtol=1e-5)
    np.testing.assert_allclose(targets[1, :2], [1, 2 / (ratio + 1)], rtol=1e-5)
    np.testing.assert_array_equal(mixed[2], loud[2])  # not drawn
    np.testing.assert_allclose(mixed[3], loud[3], atol=1e-3)  # hardly a sound


@pytest.mark.parametrize("quiet", [0.0, 1e-6])
def test_mixup_at_a_ratio_gives_no_targets_to_or_from_silence(quiet):
    pair = WAVEFORMS[:2] * np.array([[1], [quiet]], "float32")
    layer, both = MixupAtRatio(1.0, decibels=20), np.eye(2, dtype="float32")
    _, targets = flat(layer((pair, both), uniform=np.full((2, 2), 0.5, "float32"), training=True))
    np.testing.assert_allclose(targets, both, atol=2e-3)


def test_mixup_mixes_neighbours_and_keeps_the_larger_part():
    uniform = RNG.random((6, 2)).astype("float32")
    mixed, targets = flat(Mixup(1.0)((WAVEFORMS, TARGETS), uniform=uniform, training=True))
    for row in range(6):
        neighbour = row + 1 - 2 * (row % 2)
        kept = targets[row, row]
        assert 0.5 <= kept <= 1
        assert targets[row, neighbour] == pytest.approx(1 - kept, abs=1e-6)
        np.testing.assert_allclose(
            mixed[row], kept * WAVEFORMS[row] + (1 - kept) * WAVEFORMS[neighbour], atol=1e-5
        )


def test_mixup_leaves_alone_who_has_no_neighbour_and_who_is_not_drawn():
    alone = Mixup(1.0)((WAVEFORMS[:1], TARGETS[:1]), np.zeros((1, 2), "float32"), training=True)
    np.testing.assert_allclose(np.asarray(alone[0]), WAVEFORMS[:1], atol=1e-6)
    never = Mixup(0.0)((WAVEFORMS, TARGETS), training=True)
    np.testing.assert_array_equal(np.asarray(never[0]), WAVEFORMS)


def test_equalizer_draws_lines_between_its_gains_and_leaves_silence_silent():
    layer = RandomEqualizer(20, 0.01)
    gains = np.array([[1, 0.5, 0.5, 0.5, 0, 0]], "float32")
    loud = np.full((1, 96, 64), np.log(1 + 0.01), "float32")
    (patch,) = np.asarray(layer(loud, uniform=gains, training=True))
    decibels = 20 * np.log10(np.exp(patch) - 0.01)
    np.testing.assert_array_equal(decibels, decibels[:1].repeat(96, axis=0))
    wanted = np.interp(np.linspace(0, 5, 64), np.arange(6), [20, 0, 0, 0, -20, -20])
    np.testing.assert_allclose(decibels[0], wanted, atol=1e-3)
    silence = np.full((1, 96, 64), np.log(0.01), "float32")
    np.testing.assert_allclose(
        np.asarray(layer(silence, uniform=gains, training=True)), silence, atol=1e-5
    )


def test_spec_augment_hides_stretches_no_wider_than_asked():
    masked = np.asarray(SpecAugment(20, 10)(PATCHES, training=True))
    hidden = masked != PATCHES
    assert hidden.any()
    for patch in hidden:
        assert patch.all(axis=1).sum() <= 2 * 20
        assert patch.all(axis=0).sum() <= 2 * 10


def test_trains_within_a_keras_model():
    inputs = keras.Input((401,))
    outputs = keras.layers.Dense(1)(RandomGain(6, seed=0)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    model.fit(WAVEFORMS, np.zeros((6, 1)), verbose=0)
    before = model.predict(WAVEFORMS, verbose=0)
    np.testing.assert_array_equal(before, model.predict(WAVEFORMS, verbose=0))
