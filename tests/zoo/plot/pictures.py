"""What the tests read of pictures."""


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
