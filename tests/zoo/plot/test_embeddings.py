"""Embeddings in a plane: distances, looks and names."""

import numpy as np
import pytest

from tests.zoo.plot.pictures import assert_nothing_is_cut_off, legend
from zoo import plot


def test_embedding_map_shows_distances_in_a_plane():
    # A plane in five dimensions: all of its distances are seen, most of them along the first axis.
    rng = np.random.default_rng(0)
    plane = rng.normal(0, (3, 1), (40, 2))
    directions = np.linalg.qr(rng.normal(size=(5, 2)))[0]
    labels = ["Rain"] * 10 + ["Cat"] * 30
    axes = plot.embedding_map(plane @ directions.T + 7, labels).axes[0]
    assert legend(axes) == ["Cat", "Rain"]
    cat, rain = (points.get_offsets() for points in axes.collections)
    assert (len(cat), len(rain)) == (30, 10)
    drawn = np.concatenate([rain, cat])
    np.testing.assert_allclose(distances(drawn), distances(plane), atol=1e-9)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=1e-9)
    first = drawn[:, 0].var() / drawn.var(axis=0).sum()
    assert axes.get_xlabel() == f"first principal component ({first:.0%} of the variance)"
    assert axes.get_ylabel() == f"second principal component ({1 - first:.0%} of the variance)"
    assert axes.get_aspect() == 1


def distances(points):
    return np.linalg.norm(points[:, np.newaxis] - points, axis=-1)


def test_100_classes_differ_in_colour_or_marker():
    embeddings = np.random.default_rng(0).normal(size=(200, 4))
    figure = plot.embedding_map(embeddings, [f"A class's name {n % 100}" for n in range(200)])
    looks = {
        (tuple(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes())
        for dots in figure.axes[0].collections
    }
    assert len(looks) == 100
    assert_nothing_is_cut_off(figure)


def test_embeddings_that_are_all_the_same_are_one_point():
    axes = plot.embedding_map(np.ones((3, 4)), ["Cat"] * 3).axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), np.zeros((3, 2)))
    assert axes.get_xlabel() == "first principal component (0% of the variance)"


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (np.ones((3, 4)), ["Cat"], r"Received shape \(3, 4\) and 1 labels"),
        (np.ones(3), ["Cat"] * 3, r"Received shape \(3,\)"),
        (np.ones((1, 4)), ["Cat"], "at least two"),
        (np.full((2, 2), np.nan), ["Cat", "Dog"], "NaN"),
    ],
)
def test_embedding_map_refuses_what_does_not_fit(embeddings, labels, message):
    with pytest.raises(ValueError, match=message):
        plot.embedding_map(embeddings, labels)
