"""Every chart of a result is a figure plotly accepts, and tells its numbers in words."""

import dataclasses
import re
from typing import Any

import numpy as np
import orjson
import plotly.graph_objects as go
import pytest

from bn_core.figures.chart import Chart
from bn_core.figures.panel import style_of
from bn_core.figures.result import chart
from bn_core.figures.serialize import to_bytes
from bn_core.figures.theme import ARM_STYLES, SPARE_STYLES, paint
from bn_core.figures.view import View
from bn_core.results import Contours, Curve, HeatMap, HeatMaps, Panel

NAN, INF = float("nan"), float("inf")
STEPS = np.arange(1, 31)
ROUGH = np.array([[1.0, NAN, 3.0, INF], [2.0, NAN, NAN, 5.0], [4.0, NAN, 1.0, -INF]])


def panel(*curves: Curve, **changes: Any) -> Panel:
    return Panel("some", "Some title", "step", "loss", curves, "What it is.", **changes)


def curve(y: Any, label: str = "a curve", **changes: Any) -> Curve:
    y = np.atleast_2d(np.asarray(y, float))
    x = changes.pop("x", np.arange(y.shape[1]))
    return Curve(label, np.asarray(x), y, **changes)


def fields(*values: Any) -> tuple[HeatMap, ...]:
    return tuple(HeatMap(f"field {i}", np.asarray(v, float)) for i, v in enumerate(values))


def heat(*values: Any, **changes: Any) -> HeatMaps:
    return HeatMaps("map", "A map", "unit", "example", fields(*values), "value", **changes)


def contours(heights: Any, *paths: Curve) -> Contours:
    x, y = np.linspace(-1, 2, 4), np.linspace(5, 6, 3)
    return Contours("hills", "Hills", "w1", "w2", x, y, np.asarray(heights, float), paths, "height")


PATH = curve([[0.0, 0.5, 0.75]], "descent", x=[-1.0, 0.0, 0.25])
BEST = curve([[0.9]], "best", x=[0.4], kind="points")
HILLS = np.arange(12.0).reshape(3, 4)
THREE = np.stack([np.exp(-STEPS / t) for t in (5, 10, 20)])

PARTS: dict[str, Panel | HeatMaps | Contours] = {
    "one seed": panel(curve(THREE[:1], x=STEPS)),
    "three seeds": panel(curve(THREE, "none", arm="none", x=STEPS), curve(2 * THREE, x=STEPS)),
    "rough": panel(curve(ROUGH)),
    "rough points": panel(curve(ROUGH, kind="points")),
    "rough, log": panel(curve(ROUGH), x_scale="log", y_scale="log"),
    "one point": panel(curve([[1.0]])),
    "faint": panel(curve(THREE, x=STEPS, faint=True), y_range=(0.0, 1.0)),
    "log": panel(curve(THREE, x=STEPS), x_scale="log", y_scale="log", marks=((0.5, "half"),)),
    "log, constant": panel(curve(np.ones((2, 4))), y_scale="log"),
    "log, huge and tiny": panel(curve([[1e-45, 3e38, 1e-300, 1e300]]), y_scale="log"),
    "log, zero and below": panel(curve([[0.0, -1.0, 0.0]]), x_scale="log", y_scale="log"),
    "log, 32 bits": panel(
        Curve("wide", STEPS[:2], np.array([[1.0, 3.4e38]], np.float32)), y_scale="log"
    ),
    "all NaN": panel(curve(np.full((3, 4), NAN))),
    "all NaN, log": panel(curve(np.full((3, 4), NAN)), x_scale="log", y_scale="log"),
    "all NaN points": panel(curve(np.full((3, 4), NAN), kind="points")),
    "no curves": panel(),
    "no curves, log": panel(x_scale="log", y_scale="log"),
    "empty curve": panel(curve(np.zeros((3, 0)))),
    "empty curve, log": panel(curve(np.zeros((1, 0))), x_scale="log", y_scale="log"),
    "marks": panel(curve(THREE, x=STEPS), marks=((0.1, "a tenth"), (0.5, "half"))),
    "categories": panel(curve(THREE[:, :3], kind="points"), categories=("0.1", "1", "10")),
    "map": heat([[1.0, -2.0], [0.5, 3.0]]),
    "maps": heat(*([np.eye(3) * n for n in range(7)]), wide=True),
    "map, unsigned": heat([[1.0, 2.0]], [[5.0, 3.0]], signed=False),
    "map, constant": heat([[2.0, 2.0]], signed=False),
    "map, all zero": heat([[0.0, 0.0]]),
    "map, rough": heat([[1.0, NAN], [INF, -INF]], [[NAN, NAN], [NAN, NAN]]),
    "map, all NaN": heat([[NAN, NAN]]),
    "map, no fields": heat(),
    "map, text": HeatMaps(
        "map", "A map", "unit", "example", (HeatMap("f", np.eye(2), (("a", "b"), ("c", "d"))),), "v"
    ),
    "contours": contours(HILLS, PATH, BEST),
    "contours, rough": contours(np.where(HILLS == 5, NAN, HILLS), PATH),
    "contours, one point": contours(HILLS, curve([[5.5]], "descent", x=[0.0]), BEST),
}


@pytest.fixture(params=PARTS, ids=str)
def part(request: pytest.FixtureRequest) -> Panel | HeatMaps | Contours:
    """Each case in turn."""
    return PARTS[request.param]


def drawn(part: Panel | HeatMaps | Contours, **view: Any) -> dict[str, Any]:
    return chart(part, View(**view)).figure


@pytest.mark.parametrize(("theme", "projector"), [("dark", False), ("light", True)])
def test_every_case_is_a_figure_plotly_accepts(part, theme: str, projector: bool) -> None:
    made = chart(part, View(projector=projector))
    painted = paint(made.figure, theme)
    sent = to_bytes(painted)
    assert b'"@' not in sent and b"Infinity" not in sent
    orjson.loads(sent)
    go.Figure(painted)  # refuses what plotly does not know
    assert isinstance(made, Chart) and made.figure["layout"]["uirevision"] == "kept"
    assert (made.id, made.title) == (part.id, part.title)
    assert made.wide == (isinstance(part, HeatMaps) and part.wide)


def test_arrays_are_32_bit_floats_without_infinity(part) -> None:
    def walk(found: Any) -> None:
        if isinstance(found, np.ndarray):
            assert found.dtype == np.float32 and not np.isinf(found).any()
        elif isinstance(found, dict):
            [walk(value) for value in found.values()]
        elif isinstance(found, list | tuple):
            [walk(value) for value in found]
        elif isinstance(found, float):
            assert np.isfinite(found)

    walk(drawn(part))


def test_every_case_is_told_in_words(part) -> None:
    words = chart(part, View()).alt
    assert words.endswith(".") and ". ." not in words and ".." not in words
    assert not {"nan", "inf"} & set(re.findall(r"\w+", words.lower()))


def test_words_hold_the_medians_at_the_end() -> None:
    shown = panel(curve([[9, 1], [9, 2], [9, 4]], "one"), curve([[3.14159, NAN]], "other"))
    words = chart(shown, View()).alt
    assert words.startswith("Loss by step, median of 3 seeds: one 2 at 1; ")
    assert words.endswith("other no number at 1.")


def test_words_without_a_label_on_an_axis_read_well_and_name_the_categories() -> None:
    values = curve([[0.97, 0.4, NAN], [0.98, 0.5, NAN]], "accuracy", x=[0, 1, 2], kind="points")
    categories = ("as trained", "changed", "mended")
    words = chart(Panel("p", "T", "", "accuracy", (values,), categories=categories), View()).alt
    assert words == (
        "Accuracy, median of 2 seeds: accuracy: as trained 0.975, changed 0.45, mended no number."
    )
    many = curve([[1.0, 3.0, 2.0, 7.0]], "value", x=[-0.2, 0.2, 0.9, 1.1], kind="points")
    words = chart(Panel("p", "T", "", "value", (many,), categories=("unit 1", "unit 2")), View())
    assert words.alt == "Value: value: unit 1 from 1 to 3, unit 2 from 2 to 7."


def test_words_count_the_seeds_without_a_number() -> None:
    words = chart(panel(curve([[1.0, 2.0], [1.0, 4.0], [1.0, INF]], "one")), View()).alt
    assert "one 4 at 1 (1 of 3 without a number)" in words
    words = chart(panel(curve([[1.0, 2.0], [1.0, INF], [1.0, INF]], "one")), View()).alt
    assert "one infinite at 1 (2 of 3 without a number)" in words


def test_words_of_maps_and_contours_hold_their_numbers() -> None:
    words = chart(PARTS["map, unsigned"], View()).alt
    assert "field 0: value from 1 to 2" in words and "field 1: value from 3 to 5" in words
    words = chart(PARTS["contours"], View()).alt
    assert "descent of 2 steps from (-1, 0) to (0.25, 0.75)" in words


def test_a_map_of_groups_names_them_and_not_its_colours() -> None:
    field = HeatMap("Batch norm", np.array([[0.0, 11.0], [0.0, 11.0]]), (("A", "B"), ("A", "B")))
    part = HeatMaps(
        "g", "Who shares a mean", "unit", "example", (field,), "group", named=True,
        rows=("example 1", "example 2"), columns=("unit 1", "unit 2"),
    )  # fmt: skip
    made = chart(part, View())
    assert made.alt == "Who shares a mean (example by unit): Batch norm: 2 groups, A, B."
    (trace,) = made.figure["data"]
    assert trace["customdata"][1][0] == "example 2, unit 1"
    assert trace["hovertemplate"] == "%{customdata}: group %{text}<extra></extra>"
    assert made.figure["layout"]["yaxis"]["ticktext"] == ["1", "2"]
    said = HeatMaps("i", "Digits", "", "", (HeatMap("shown", np.eye(2), (), "a 3"),), "brightness")
    assert chart(said, View()).alt == "Digits: shown: a 3."


def test_a_curve_is_the_median_with_the_range_as_a_band() -> None:
    band, line = drawn(panel(curve(THREE, x=STEPS)))["data"]
    np.testing.assert_allclose(line["y"], np.median(THREE, axis=0), rtol=1e-6)
    np.testing.assert_array_equal(line["x"], STEPS)
    half = len(STEPS)
    np.testing.assert_allclose(band["y"][:half], THREE.min(axis=0), rtol=1e-6)
    np.testing.assert_allclose(band["y"][half:], THREE.max(axis=0)[::-1], rtol=1e-6)
    assert band["fill"] == "toself" and band["legendgroup"] == line["legendgroup"]
    (alone,) = drawn(panel(curve(THREE[:1], x=STEPS)))["data"]
    np.testing.assert_allclose(alone["y"], THREE[0], rtol=1e-6)


def test_a_lost_seed_counts_as_the_worst_and_what_was_not_measured_is_a_gap() -> None:
    band, line = drawn(panel(curve(ROUGH)))["data"]
    np.testing.assert_array_equal(line["y"], np.array([2, NAN, 2, 5], np.float32))
    np.testing.assert_array_equal(band["x"], np.array([0, 0, NAN, 2, 3, 3, 2], np.float32))
    assert line["customdata"][1] == ""
    assert line["customdata"][2] == "a curve: 2 (1 to 3), 2 of 3 seeds<br>step 2"
    assert line["customdata"][3] == "a curve: 5 (infinite to infinite)<br>step 3"


def test_two_of_three_lost_leave_a_gap_and_a_band_without_end() -> None:
    figure = drawn(panel(curve([[1.0, 2.0], [1.0, INF], [3.0, INF]])))
    band, line = figure["data"]
    np.testing.assert_array_equal(line["y"], np.array([1, NAN], np.float32))
    top = figure["layout"]["yaxis"]["range"][1]
    assert band["y"].max() == np.float32(top) and top > 3


def test_a_band_is_a_polygon_for_each_stretch_without_gaps() -> None:
    y = np.array([[1, 2, NAN, 4, 5, NAN, 7], [2, 3, NAN, 5, 6, NAN, 8.0]])
    band, line = drawn(panel(curve(y)))["data"]
    np.testing.assert_array_equal(band["x"], [0, 1, 1, 0, NAN, 3, 4, 4, 3, NAN, 6, 6])
    np.testing.assert_array_equal(band["y"], [1, 2, 3, 2, NAN, 4, 5, 6, 5, NAN, 7, 8])
    long = np.tile(np.array([[1.0], [2.0]]), 20)
    long[:, [4, 6]] = NAN
    _, line = drawn(panel(curve(long)))["data"]
    assert (
        line["marker"]["size"][5] > 0 and line["marker"]["size"].sum() == line["marker"]["size"][5]
    )


def test_no_line_joins_what_was_not_measured_between() -> None:
    shown = panel(curve([[0.3, 0.9]], x=[2.0, 32.0], kind="points"), x_scale="log")
    (points,) = drawn(shown)["data"]
    assert points["mode"] == "markers"


def test_zero_to_rounding_is_said_and_drawn_as_that() -> None:
    y = [[1e-2, 1.3e-8, 0.0]]
    shown = panel(curve(y, "drift"), y_scale="log", rounding=1e-6)
    figure, words = drawn(shown), chart(shown, View()).alt
    assert "drift zero to rounding at 2" in words
    assert figure["data"][0]["customdata"][1] == "drift: zero to rounding<br>step 1"
    np.testing.assert_allclose(figure["data"][0]["y"], [1e-2, 1e-6, 1e-6], rtol=1e-5)
    assert "zero to rounding" in [note["text"] for note in figure["layout"]["annotations"]]
    larger = drawn(panel(curve([[1e-2, 1e-3]]), y_scale="log", rounding=1e-6))
    assert not larger["layout"]["annotations"]


def test_points_have_the_range_as_error_bars() -> None:
    (points,) = drawn(panel(curve([[1, 5], [2, 7], [4, 6]], kind="points")))["data"]
    assert points["mode"] == "markers" and points["error_y"]["symmetric"] is False
    np.testing.assert_array_equal(points["y"], [2, 6])
    np.testing.assert_array_equal(points["error_y"]["array"], [2, 1])
    np.testing.assert_array_equal(points["error_y"]["arrayminus"], [1, 1])


def test_several_curves_have_a_legend_and_differ_in_more_than_colour() -> None:
    curves = [curve(THREE[:1], name, x=STEPS, tone=n) for n, name in enumerate("abc")]
    made = chart(panel(*curves), View())
    figure = made.figure
    assert [entry.label for entry in made.legend] == ["a", "b", "c"]
    assert [trace["name"] for trace in figure["data"]] == ["a", "b", "c"]
    for kind in ("color", "dash"):
        assert len({trace["line"][kind] for trace in figure["data"]}) == 3
    assert len({entry.dash for entry in made.legend}) == 3
    alone = panel(curves[0])
    assert not chart(dataclasses.replace(alone, x_label="rate"), View()).legend
    # Over the steps a single curve has a line too: the crosshair writes its number there.
    assert [entry.label for entry in chart(alone, View()).legend] == ["a"]


def test_an_arm_has_its_colour_and_other_curves_a_neutral_one() -> None:
    assert style_of(curve([[1.0]], arm="before", tone=2)) is ARM_STYLES["before"]
    assert style_of(curve([[1.0]], arm="none", colour="before")) is ARM_STYLES["before"]
    for tone in range(7):
        assert style_of(curve([[1.0]], tone=tone)) is SPARE_STYLES[tone % len(SPARE_STYLES)]
    assert style_of(curve([[1.0]], colour="neutral-2")) is SPARE_STYLES[1]
    with pytest.raises(ValueError, match="neutral-1"):
        style_of(curve([[1.0]], colour="orange"))


def test_a_log_axis_holds_every_positive_number_and_every_mark() -> None:
    shown = panel(
        curve([[0.02, 3.0, -1.0, 0.0, NAN]]), y_scale="log", marks=((50.0, "far"), (1.0, "one"))
    )
    layout = drawn(shown)["layout"]
    low, high = layout["yaxis"]["range"]
    assert layout["yaxis"]["type"] == "log"
    assert -3 < low < np.log10(0.02) and np.log10(50) < high < 3
    heights = [note["y"] for note in layout["annotations"]]
    np.testing.assert_allclose(heights, np.log10([50.0, 1.0]), atol=1e-12)
    # A shape on a log axis takes the value itself, an annotation its logarithm.
    assert [shape["y0"] for shape in layout["shapes"]] == [50.0, 1.0]


def test_marks_stand_where_they_are_on_a_linear_axis() -> None:
    layout = drawn(PARTS["marks"])["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["a tenth", "half"]
    assert [note["y"] for note in layout["annotations"]] == [0.1, 0.5]
    assert [(s["y0"], s["y1"]) for s in layout["shapes"]] == [(0.1, 0.1), (0.5, 0.5)]


def test_ranges_and_categories_are_kept() -> None:
    assert tuple(drawn(PARTS["faint"])["layout"]["yaxis"]["range"]) == (0.0, 1.0)
    axis = drawn(PARTS["categories"])["layout"]["xaxis"]
    assert list(axis["ticktext"]) == ["0.1", "1", "10"] and list(axis["tickvals"]) == [0, 1, 2]
    assert axis["range"][0] < 0 and axis["range"][1] > 2


def test_maps_share_one_scale_which_signs_centre_on_zero() -> None:
    figure = drawn(heat([[1.0, -2.0]], [[0.5, 3.0]]))
    assert {(trace["zmin"], trace["zmax"]) for trace in figure["data"]} == {(-3.0, 3.0)}
    figure = drawn(PARTS["map, unsigned"])
    assert {(trace["zmin"], trace["zmax"]) for trace in figure["data"]} == {(1.0, 5.0)}
    assert sum(trace["showscale"] for trace in figure["data"]) == 1


@pytest.mark.parametrize("count", range(1, 10))
def test_any_number_of_maps_stand_beside_each_other_without_overlap(count: int) -> None:
    values = [np.full((2, 3), n) for n in range(count)]
    figure = drawn(heat(*values))
    layout, boxes = figure["layout"], []
    for n, trace in enumerate(figure["data"]):
        np.testing.assert_array_equal(trace["z"], values[n])
        across, down = (layout[f"{a}axis{trace[a + 'axis'][1:]}"]["domain"] for a in "xy")
        assert 0 <= across[0] < across[1] <= 1 and 0 <= down[0] < down[1] <= 1
        boxes.append((across, down))
    assert len(boxes) == count
    for i, (across, down) in enumerate(boxes):
        for others_across, others_down in boxes[:i]:
            beside = across[0] >= others_across[1] or others_across[0] >= across[1]
            above = down[0] >= others_down[1] or others_down[0] >= down[1]
            assert beside or above
    titles = [note["text"] for note in layout["annotations"]]
    assert all(f"field {n}" in title for n, title in enumerate(titles)) and len(titles) == count


def test_what_is_written_in_the_cells_of_a_map_is_drawn() -> None:
    (trace,) = drawn(PARTS["map, text"])["data"]
    assert [list(row) for row in trace["text"]] == [["a", "b"], ["c", "d"]]
    assert trace["texttemplate"] == "%{text}"
    assert "text" not in drawn(PARTS["map"])["data"][0]


def test_contours_hold_the_heights_the_path_and_the_point() -> None:
    hills, path, best = drawn(PARTS["contours"])["data"]
    np.testing.assert_array_equal(hills["z"], HILLS)
    np.testing.assert_allclose([path["x"], path["y"]], [[-1, 0, 0.25], [0, 0.5, 0.75]])
    assert path["mode"] == "lines+markers" and best["mode"] == "markers"
    assert path["name"] == "descent" and best["marker"]["symbol"] != path["marker"]["symbol"]


def test_a_projector_gets_thicker_lines_and_larger_text() -> None:
    plain, large = (drawn(PARTS["one seed"], projector=big) for big in (False, True))
    assert large["data"][0]["line"]["width"] > plain["data"][0]["line"]["width"]
    assert large["layout"]["font"]["size"] > plain["layout"]["font"]["size"]


def test_between_the_few_values_of_a_setting_no_line_is_drawn_and_ticks_stand_at_them():
    rates = np.array([0.03, 0.1, 1.0])
    tried = dataclasses.replace(
        panel(curve(THREE[:, :3], x=rates), x_scale="log"), x_label="learning rate"
    )
    figure = chart(tried, View()).figure
    assert [trace["mode"] for trace in figure["data"]] == ["markers"]
    assert figure["layout"]["xaxis"]["tickvals"] == rates.tolist()
    over_steps = chart(panel(curve(THREE[:, :3], x=rates)), View()).figure
    assert "lines" in over_steps["data"][-1]["mode"]
