"""The charts of a map can be read without colour, whatever their colours mean."""

import pytest

from bn_core.figures.stability_cells import EXPLANATIONS, SHOWS
from bn_core.figures.stability_map import map_charts
from bn_core.figures.stability_words import border_words, map_settings_line
from bn_core.figures.view import View
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.stability_map import (
    DIVERGED,
    LEARNED,
    NOT_LEARNED,
    StabilityMap,
    nothing,
)
from bn_core.sweeps.sweep import Sweep

SMALL = Sweep(x=Axis("learning_rate", 0.1, 10.0), y=Axis("depth", 1, 3), size=8)


def measured(sweep):
    """Return a map whose first net learns, stays or diverges by column, and whose second learns."""
    found = StabilityMap.empty(sweep)
    columns = sweep.shape[1]
    for x in range(columns):
        kind = (LEARNED, NOT_LEARNED, DIVERGED)[x % 3]
        found.fate[0, 0, :, x], found.fate[1, 0, :, x] = kind, LEARNED
        found.accuracy[0, 0, :, x] = 0.25 if kind != DIVERGED else float("nan")
        found.sick_layer[0, 0, :, x] = {LEARNED: 0, NOT_LEARNED: 2, DIVERGED: 3}[kind]
    found.learned_at[found.fate == LEARNED] = 20
    found.diverged_at[found.fate == DIVERGED] = 5
    found.accuracy[1] = 0.75
    found.loss[:] = 1.0
    return found


def texts(chart):
    return chart.figure["data"][0]["text"][0][:3]


def test_each_cell_says_in_signs_what_its_colour_says():
    charts = {shows: map_charts(measured(SMALL), View(), shows) for shows in SHOWS}
    assert texts(charts["speed"][0]) == ["+", "·", "×"]
    assert texts(charts["accuracy"][0]) == ["25", "25", "×"]
    assert texts(charts["sick"][0]) == ["", "2", "×3"]
    assert texts(charts["speed"][2]) == ["", "▲", "▲"]
    assert texts(charts["accuracy"][2]) == ["+50", "+50", "+75"]
    for shows, drawn in charts.items():
        assert all(chart.alt and chart.legend for chart in drawn)
        assert EXPLANATIONS[shows] in drawn[0].help
        hover = drawn[0].figure["data"][0]["customdata"][0]
        assert "did not learn, loss 1, accuracy 25%, layer 2 first" in hover[1]
        assert "diverged at step 5, layer 3 first" in hover[2]


@pytest.mark.parametrize(("shows", "contours"), [("speed", 1), ("accuracy", 2), ("sick", 1)])
def test_maps_with_too_many_cells_for_signs_have_lines(shows, contours):
    found = measured(Sweep(size=72))
    traces = map_charts(found, View(), shows)[0].figure["data"]
    assert sum(trace["type"] == "contour" for trace in traces) == contours
    assert "text" not in traces[0]


def test_every_shade_and_sign_of_the_difference_stands_in_the_legend():
    for size, signs in ((8, "▲△▽▼"), (72, "")):
        found = measured(Sweep(size=size))
        chart = map_charts(found, View())[2]
        labels = [entry.label for entry in chart.legend]
        assert len(labels) == len({entry.colour for entry in chart.legend}) == 5
        assert "".join(label[0] for label in labels if not label[0].isascii()) == signs
        for label in labels:
            assert label.lstrip("▲△▽▼ ") in chart.alt


def test_cells_that_were_not_measured_are_counted_as_such():
    found = StabilityMap.empty(Sweep(y=Axis.usual("gain"), size=72))
    for line in list(found.sweep.lines(0))[:4]:
        one = nothing(line)
        one.fate[:] = LEARNED
        found = found.extended(one)
    charts = map_charts(found, View())
    assert "32 learned, 0 did not learn, 0 diverged, 5152 not measured" in charts[0].alt
    hover = charts[0].figure["data"][0]["customdata"]
    assert sum("not measured itself" in words for row in hover for words in row) == 32 * 80


def test_what_leaves_the_page_says_the_axes_and_not_their_usual_values():
    words = map_settings_line(SMALL)
    assert "Learning rate: 0.1 to 10.0, 8 values at even ratios" in words
    assert words.count("Learning rate") == 1 and words.count("Hidden layers") == 1
    fractal = Sweep(x=Axis.usual("rate_1"), y=Axis.usual("rate_2"))
    assert "2402.06184" in map_settings_line(fractal)
    assert "not known" in border_words(fractal)[0] and not border_words(SMALL)
