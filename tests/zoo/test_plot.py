"""What the pictures show: ranges, units, names and values."""

import itertools

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure

from frontend import FrontendConfig
from zoo import plot
from zoo.evaluation import average_precision

NAMES = ["Cat", "Dog", "Rain"]


def ticks(axis):
    """Tick label -> place."""
    return dict(
        zip([t.get_text() for t in axis.get_ticklabels()], axis.get_ticklocs(), strict=True)
    )


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def assert_nothing_is_cut_off(figure):
    width, height = figure.bbox.size
    figure.draw_without_rendering()
    box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height


@pytest.fixture
def recording(small_classifier, noise, tmp_path):
    path = tmp_path / "two_seconds.wav"
    soundfile.write(path, noise(32000), 16000)
    return plot.recording(small_classifier, path, small_classifier.timeline(path), top=2)


@pytest.fixture
def scored():
    """Truth and scores of 60 clips, each of one of three classes."""
    rng = np.random.default_rng(0)
    truth = np.eye(3, dtype=bool)[rng.integers(0, 3, 60)]
    return truth, truth + rng.normal(0, 0.8, truth.shape)


def test_recording_shares_the_time(recording):
    waveform, log_mel, scores = recording.axes[:3]
    assert waveform.get_ylabel() == "amplitude"
    assert log_mel.get_ylabel() == "frequency (Hz)"
    assert [axes.get_xlabel() for axes in (waveform, log_mel, scores)] == ["", "", "time (s)"]
    assert [axes.get_xlim() for axes in (waveform, log_mel, scores)] == [(0, 2)] * 3
    assert [axes.get_ylabel() for axes in recording.axes[3:]] == ["log-mel magnitude", "score"]
    assert recording.get_suptitle() == "two_seconds.wav"
    assert_nothing_is_cut_off(recording)


def test_recording_shows_the_best_classes_and_their_scores(recording, small_classifier, noise):
    axes = recording.axes[2]
    best = small_classifier.classify(noise(32000), top=2)
    assert list(ticks(axes.yaxis)) == [prediction.label for prediction in best]
    image = axes.get_images()[0]
    assert image.get_clim() == (0, 1)
    means = image.get_array().mean(axis=1)
    np.testing.assert_allclose(means, [prediction.score for prediction in best], atol=1e-3)
    np.testing.assert_allclose(image.get_extent(), (0, 1.92, 2, 0))


def test_spectrogram_ends_with_the_sound_or_with_what_is_heard_of_it(noise):
    # 1.1 s are one patch and a remainder that is dropped; 1.5 s two patches, one of them padded.
    for seconds, end in [(0.5, 0.5), (1.1, 0.96), (1.5, 1.5)]:
        axes = plot.spectrogram(noise(int(seconds * 16000))).axes[0]
        assert axes.get_xlim() == pytest.approx((0, end))
        assert axes.get_images()[0].get_extent()[:2] == pytest.approx((0, end))
        assert axes.get_images()[0].get_array().shape[1] == round(end * 100)
        assert axes.get_xlabel() == "time (s)"


def test_frequencies_stand_at_their_mel():
    axes = plot.spectrogram(np.zeros(16000, np.float32)).axes[0]
    places = ticks(axes.yaxis)
    assert list(places) == ["125", "250", "500", "1000", "2000", "4000", "7500"]
    assert (places["125"], places["7500"]) == pytest.approx(axes.get_ylim())
    # 1000 Hz is 1000 mel, by the definition of the scale.
    assert places["1000"] == pytest.approx(1000, abs=0.1)


@pytest.mark.parametrize("hertz", [250, 1000, 4000])
def test_a_tone_is_brightest_at_its_frequency(hertz):
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(32000) / 16000).astype(np.float32)
    axes = plot.spectrogram(tone).axes[0]
    image = axes.get_images()[0]
    bottom, top = image.get_extent()[2:]
    rows = len(image.get_array())
    row = image.get_array().mean(axis=1).argmax()
    brightest = bottom + (row + 0.5) * (top - bottom) / rows
    # Within a bin: at 250 Hz, one that began half a bin too low would be outside.
    assert brightest == pytest.approx(
        ticks(axes.yaxis)[str(hertz)], abs=0.6 * (top - bottom) / rows
    )


def test_other_front_ends_have_ticks_at_their_ends():
    frontend = FrontendConfig(sample_rate=44100, fft_length=2048, mel_min_hz=60, mel_max_hz=20000)
    axes = plot.spectrogram(np.zeros(44100, np.float32), frontend=frontend).axes[0]
    labels = list(ticks(axes.yaxis))
    assert (labels[0], labels[-1]) == ("60", "20000")
    assert "1000" in labels
    assert "125" not in labels  # too near to 60


def test_spectrogram_takes_a_file_and_refuses_what_is_no_sound(noise, tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(16000), 16000, subtype="FLOAT")
    of_file = plot.spectrogram(tmp_path / "a.wav").axes[0].get_images()[0].get_array()
    of_waveform = plot.spectrogram(noise(16000)).axes[0].get_images()[0].get_array()
    np.testing.assert_array_equal(of_file, of_waveform)
    with pytest.raises(ValueError, match="must be floating point"):
        plot.spectrogram(np.zeros(16000, np.int16))


def test_confusion_shows_shares_and_counts():
    truth = [0, 0, 0, 0, 1, 1]
    figure = plot.confusion(truth, [0, 0, 0, 1, 1, 2], NAMES)
    axes = figure.axes[0]
    image = axes.get_images()[0]
    np.testing.assert_allclose(image.get_array(), [[0.75, 0.25, 0], [0, 0.5, 0.5]])
    assert image.get_clim() == (0, 1)
    # No clip is of Rain: whatever is taken for it is in one column.
    assert list(ticks(axes.xaxis)) == ["Cat", "Dog", "other labels"]
    assert list(ticks(axes.yaxis)) == ["Cat", "Dog"]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "3",
        (1, 0): "1",
        (1, 1): "1",
        (2, 1): "1",
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert figure.axes[1].get_ylabel() == "share of the true class"


def test_confusion_of_scores_is_that_of_their_best(scored):
    truth, scores = scored
    of_scores = plot.confusion(truth, scores, NAMES).axes[0].get_images()[0].get_array()
    of_indices = plot.confusion(truth.argmax(axis=1), scores.argmax(axis=1), NAMES)
    np.testing.assert_array_equal(of_scores, of_indices.axes[0].get_images()[0].get_array())


@pytest.mark.parametrize("classes", [3, 86])
def test_confusion_of_many_classes_is_larger_and_without_counts(classes):
    names = [f"Class {n} with a name that is rather long" for n in range(classes)]
    figure = plot.confusion(np.arange(classes), np.arange(classes), names)
    axes = figure.axes[0]
    assert len(axes.texts) == (classes if classes == 3 else 0)
    assert len(ticks(axes.yaxis)) == classes
    assert_nothing_is_cut_off(figure)
    labels = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(labels))


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([], [], "class indices"),
        (np.zeros((0, 3), bool), np.zeros((0, 3)), "of one at least"),
        ([0, 1], [0], "Received 2 and 1"),
        ([0, 3], [0, 1], "truth must be class indices .* from 0 to 2"),
        ([0, 1], [0.0, 1.0], "predicted must be class indices"),
        ([0, 1], [[0.1, 0.2], [0.3, 0.4]], r"predicted must be .* Received shape \(2, 2\)"),
        ([0, 1], [[0.1, 0.2, 0], [0.3, np.nan, 0]], "predicted holds NaN, first for clip 1"),
        ([[True, False, False], [True, True, False]], [0, 1], "Clip 1 has 2"),
    ],
)
def test_confusion_refuses_what_does_not_fit(truth, predicted, message):
    with pytest.raises(ValueError, match=message):
        plot.confusion(truth, predicted, NAMES)


def test_pr_curves_are_of_each_class_and_their_mean(scored):
    truth, scores = scored
    axes = plot.pr_curves(truth, scores, NAMES).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")
    assert axes.get_xlim() == (0, 1)
    precisions = average_precision(truth, scores)
    best_first = np.argsort(-precisions)
    assert legend(axes) == [
        *(f"{NAMES[column]} ({precisions[column]:.2f})" for column in best_first),
        f"mean of 3 classes ({precisions.mean():.2f})",
    ]
    *curves, mean = axes.get_lines()
    np.testing.assert_allclose(mean.get_ydata(), np.mean([c.get_ydata() for c in curves], axis=0))
    for curve, column in zip(curves, best_first, strict=True):
        # The area under the curve is the average precision, up to its 200 steps.
        assert curve.get_ydata().mean() == pytest.approx(precisions[column], abs=0.01)
        assert curve.get_ydata()[-1] == pytest.approx(lowest_precision(truth, scores, column))


def lowest_precision(truth, scores, column):
    """Precision at the highest threshold that finds all clips of a class."""
    found = scores[:, column] >= scores[truth[:, column], column].min()
    return truth[found, column].mean()


def test_clips_of_equal_score_are_found_together():
    truth = np.array([[True], [False], [True], [False]])
    axes = plot.pr_curves(truth, np.array([[0.9], [0.5], [0.5], [0.1]]), ["Dog"]).axes[0]
    curve = axes.get_lines()[0]
    expected = np.where(curve.get_xdata() <= 0.5, 1, 2 / 3)
    np.testing.assert_allclose(curve.get_ydata(), expected)


def test_pr_curves_of_many_classes_are_grey_but_for_some():
    rng = np.random.default_rng(0)
    names = [f"Class {n}" for n in range(40)]
    truth, scores = rng.random((200, 40)) < 0.2, rng.random((200, 40))
    truth[:, 7] = False
    precisions = average_precision(truth, scores)
    axes = plot.pr_curves(truth, scores, names).axes[0]
    colours = [line.get_color() for line in axes.get_lines()]
    assert colours.count("0.8") == 39 - 6
    assert len(set(colours)) == 6 + 1 + 1
    assert legend(axes)[-2:] == [
        f"mean of 39 classes ({np.nanmean(precisions):.2f})",
        "other classes",
    ]
    ranked = [names[column] for column in np.argsort(-precisions)[:39]]
    shown = [label.split(" (")[0] for label in legend(axes)[:6]]
    assert shown == [*ranked[:2], *ranked[18:20], *ranked[-2:]]
    named = plot.pr_curves(truth, scores, names, classes=["Class 3", "Class 30"])
    assert [label[:8] for label in legend(named.axes[0])[:2]] == ["Class 3 ", "Class 30"]
    for missing in ("Class 7", "Cow"):
        with pytest.raises(ValueError, match=f"'{missing}' has no curve"):
            plot.pr_curves(truth, scores, names, classes=[missing])


def test_coloured_curves_differ_in_colour_or_dashes():
    rng = np.random.default_rng(0)
    names = [f"Class {n}" for n in range(12)]
    axes = plot.pr_curves(rng.random((50, 12)) < 0.3, rng.random((50, 12)), names).axes[0]
    styles = {(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}
    assert len(styles) == 13


def test_pr_curves_refuse_what_does_not_fit(scored):
    truth, scores = scored
    with pytest.raises(ValueError, match=r"Received shape \(60, 3\) and 2 names"):
        plot.pr_curves(truth, scores, NAMES[:2])
    with pytest.raises(ValueError, match="truth must be bool"):
        plot.pr_curves(truth.astype(int), scores, NAMES)


def test_pr_curves_of_undefined_classes_are_none():
    axes = plot.pr_curves([[True, False]], [[0.5, 0.1]], ["Cat", "Dog"]).axes[0]
    assert not axes.get_lines()
    assert axes.get_legend() is None


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


def test_names_are_shown_as_they_are(scored):
    names = ["$x$ and $y$", "_background_noise_", "a" * 50]
    truth, scores = scored
    axes = plot.pr_curves(truth, scores, names).axes[0]
    labels = {label.split(" (")[0].replace("\n", "") for label in legend(axes)}
    assert {*names} < labels
    axes = plot.embedding_map(scores, np.array(names)[truth.argmax(axis=1)]).axes[0]
    assert {label.replace("\n", "") for label in legend(axes)} == {*names}
    axes = plot.confusion(truth, scores, names).axes[0]
    assert list(ticks(axes.yaxis)) == [*names[:2], "a" * 33 + "..."]
    assert not any(label.get_parse_math() for label in axes.get_yticklabels())


def test_draws_in_given_axes(small_classifier, noise, scored):
    truth, scores = scored
    figure = Figure(layout="constrained", figsize=(20, 4))
    rows = figure.subplots(1, 5)
    drawn = [
        plot.spectrogram(noise(16000), ax=rows[0]),
        plot.timeline(small_classifier, small_classifier.timeline(noise(16000)), ax=rows[1]),
        plot.confusion(truth, scores, NAMES, ax=rows[2]),
        plot.pr_curves(truth, scores, NAMES, ax=rows[3]),
        plot.embedding_map(scores, truth.argmax(axis=1), ax=rows[4]),
    ]
    assert all(each is figure for each in drawn)
    assert all(axes.get_xlabel() for axes in rows)
    assert legend(rows[4]) == ["0", "1", "2"]
