"""The counter, on networks small enough to count by hand. The paper's are in networks/."""

import keras
from keras import layers

from zoo.complexity import count_multiplies, count_weights, final_map


def network(*stack):
    return keras.Sequential([layers.Input((10, 8, 1)), *stack])


def test_counts_a_convolution_at_every_output_pixel():
    model = network(layers.Conv2D(4, (3, 2), strides=(2, 1), padding="valid", use_bias=False))
    assert count_weights(model) == 3 * 2 * 4
    assert count_multiplies(model) == (4 * 7) * (3 * 2 * 4)  # the output is 4 x 7


def test_counts_a_dense_layer_once_and_its_biases_as_weights():
    model = network(layers.Flatten(), layers.Dense(5))
    assert count_weights(model) == 80 * 5 + 5
    assert count_multiplies(model) == 80 * 5


def test_leaves_out_batch_norm_and_pools():
    model = network(layers.BatchNormalization(), layers.MaxPooling2D(2))
    assert count_weights(model) == 0
    assert count_multiplies(model) == 0


def test_final_map_is_the_last_that_has_two_dimensions():
    model = keras.Sequential(
        [layers.Input((10, 8)), layers.Reshape((10, 8, 1)), layers.MaxPooling2D(2)]
    )
    assert final_map(model) == (5, 4)
