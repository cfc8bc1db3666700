"""The parts under the charts: arrays to JSON, thinning, densities, axes, colours, medians."""

import base64
import re

import numpy as np
import orjson
import pytest

from bn_core.figures import record_queries as queries
from bn_core.figures import theme
from bn_core.figures.context import FigureContext
from bn_core.figures.distributions import MIDDLES, WIDTHS, density, ridges
from bn_core.figures.serialize import to_bytes
from bn_core.figures.smoothing import decimated, smoothed
from bn_core.figures.values import ValueAxis, value_axis
from bn_core.figures.view import View
from bn_core.records import BINS, HISTOGRAM_EDGES, Record
from tests.figures.invented import flooded, make_record


def decoded(spec: dict[str, str]) -> np.ndarray:
    """Return the array a plotly typed array stands for."""
    values = np.frombuffer(base64.b64decode(spec["bdata"]), f"<{spec['dtype']}")
    shape = [int(size) for size in spec.get("shape", str(len(values))).split(", ")]
    return values.reshape(shape)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("f2", "f4"),
        ("f4", "f4"),
        ("f8", "f4"),
        ("i8", "i4"),
        ("u1", "u1"),
        ("u2", "u2"),
        (">f4", "f4"),
    ],
)
def test_arrays_survive_the_journey(kind: str, sent: str) -> None:
    for array in (np.arange(6).astype(kind), np.arange(6).reshape(2, 3).T.astype(kind)):
        spec = orjson.loads(to_bytes({"z": array}))["z"]
        assert spec["dtype"] == sent
        np.testing.assert_array_equal(decoded(spec), array)


def test_gaps_survive_and_strings_stay_strings() -> None:
    gap = orjson.loads(to_bytes(np.array([1.0, np.nan])))
    np.testing.assert_array_equal(decoded(gap), [1, np.nan])
    assert orjson.loads(to_bytes([np.array(["a", "b"]), np.float32(2.0), np.int64(3)])) == [
        ["a", "b"],
        2.0,
        3,
    ]
    assert decoded(orjson.loads(to_bytes(np.array([2**40])))) == 2**40
    with pytest.raises(TypeError, match="not JSON serializable"):
        to_bytes(object())


def test_thinning_keeps_extremes_and_shown_points() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    values[1234], values[4321], values[100:120] = 50, -50, np.nan
    kept = decimated(values)
    assert len(kept) <= 400 and {1234, 4321} <= set(kept)
    assert np.all(np.diff(kept) > 0)
    early = decimated(values[:1000], planned=5000)
    # All but the block that was still growing stay where they were.
    assert set(early[:-2]) <= set(decimated(values, planned=5000))
    assert decimated(values[:300]).tolist() == list(range(300))
    assert len(decimated(values[:0])) == 0


def test_a_smoothed_curve_is_the_mean_of_the_last_steps() -> None:
    values = np.arange(1000, dtype=np.float32)[:, None]
    indices, means = smoothed(values, planned=1000)
    assert len(indices) <= 402 and indices[0] == 0 and indices[-1] == 999
    assert means[-1, 0] == np.mean(values[980:])
    assert means[0, 0] == values[0] and means[1, 0] == np.mean(values[: indices[1] + 1])


def test_one_huge_loss_is_forgotten_and_a_lost_net_stays_lost() -> None:
    values = np.full((100, 2), 0.5, np.float32)
    values[10, 0], values[60:, 1] = 1e30, np.inf
    indices, means = smoothed(values, planned=100)
    assert means[-1, 0] == 0.5
    assert np.isfinite(means[indices < 60, 1]).all() and np.isnan(means[indices >= 60, 1]).all()


def test_a_density_integrates_to_one() -> None:
    counts = np.random.default_rng(1).integers(0, 65536, (3, 4, BINS)).astype(np.uint16)
    np.testing.assert_allclose((density(counts) * WIDTHS).sum(axis=-1), 1)
    assert density(np.zeros(BINS, np.uint16)).max() == 0


def test_a_flat_density_is_drawn_flat() -> None:
    inside = np.abs(MIDDLES) < 1
    counts = np.where(inside, WIDTHS / WIDTHS.max() * 65535, 0)
    found = density(counts)[inside]
    np.testing.assert_allclose(found, found[0])


def test_ridges_stay_in_their_rows(record: Record) -> None:
    trace = ridges(record, View(), None).figure["data"][0]
    rows = trace["y"].reshape(5, BINS + 3)
    assert np.isnan(rows[:, -1]).all()
    floors = np.arange(4, -1, -1)
    np.testing.assert_allclose(np.nanmax(rows, axis=1), floors + 0.88, rtol=1e-6)
    np.testing.assert_allclose(np.nanmin(rows, axis=1), floors, atol=1e-6)


def test_a_hill_at_the_end_of_the_axis_stands_on_its_row(record: Record) -> None:
    seen = record.snapshots[-1].arms[0]
    assert seen is not None
    seen.histogram[0, :, :] = 0
    seen.histogram[0, :, [0, -1]] = 65535
    trace = ridges(record, View(), None).figure["data"][0]
    rows, floors = trace["y"].reshape(5, BINS + 3), np.arange(4, -1, -1)
    np.testing.assert_allclose(rows[:, [0, -2]], np.stack([floors, floors], axis=1))


def test_the_value_axis_takes_few_shapes() -> None:
    record = make_record()
    usual = value_axis(FigureContext(record, View(), None))
    assert not usual.warped
    assert usual == value_axis(FigureContext(record, View(), 0))
    huge = value_axis(FigureContext(flooded(record, 1e30), View(), None))
    assert huge.warped and huge.limit == HISTOGRAM_EDGES[-1].round()
    assert not value_axis(FigureContext(record, View(site="post_activation"), None)).negative


def test_a_warped_axis_is_labelled_in_the_values_unit() -> None:
    ticks = ValueAxis(1e4).ticks()
    assert ticks["ticktext"] == ["-10⁴", "-100", "-1", "0", "1", "100", "10⁴"]
    np.testing.assert_allclose(0.5 * np.sinh(ticks["tickvals"]), [-1e4, -100, -1, 0, 1, 100, 1e4])


def test_paint_replaces_whole_names_only() -> None:
    figure = {"a": ["@before", "@before/0.2", "write to me@before", 3], "b": {"@grid": None}}
    painted = theme.paint(figure, "light")
    assert painted["a"] == [
        "rgba(0, 114, 178, 1)",
        "rgba(0, 114, 178, 0.2)",
        "write to me@before",
        3,
    ]
    assert painted["b"] == {"@grid": None}
    assert figure["a"][0] == "@before"
    with pytest.raises(KeyError):
        theme.paint("@nothing", "dark")


def test_themes_name_the_same_colours() -> None:
    assert set(theme.PALETTES["light"]) == set(theme.PALETTES["dark"])
    for palette in theme.PALETTES.values():
        assert all(
            re.fullmatch(r"\d{1,3}, \d{1,3}, \d{1,3}", triple) for triple in palette.values()
        )
        assert all(re.fullmatch(r"[a-z_]+", name) for name in palette)


def luminance(triple: str) -> float:
    """Return the relative luminance of WCAG 2."""
    shares = np.array([int(part) for part in triple.split(", ")]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", ["none", "before", "after", "text", "muted", "warning"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_colours_are_readable(name: str, mode: str) -> None:
    palette = theme.PALETTES[mode]
    low, high = sorted((luminance(palette[name]), luminance(palette["paper"])))
    # WCAG 2 asks 4.5 for ordinary text and 3 for bold text and lines.
    assert (high + 0.05) / (low + 0.05) >= (4.5 if name in ("text", "muted") else 4.0)


def test_arms_keep_their_style_and_new_ones_get_their_own() -> None:
    usual = theme.arm_styles(["none", "before", "after"])
    mixed = theme.arm_styles(["new", "after", "newer", "none", "newest"])
    assert mixed[1] == usual[2] and mixed[3] == usual[0]
    for part in ("colour", "dash", "symbol"):
        assert len({getattr(style, part) for style in mixed}) == 5


def test_every_curve_differs_from_every_other_in_colour_dash_and_marker() -> None:
    for part in ("colour", "dash", "symbol"):
        values = [getattr(style, part) for style in theme.CURVE_STYLES.values()]
        assert len(set(values)) == len(values), part


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_medians_pass_over_what_is_not_finite(count: int) -> None:
    values = np.random.default_rng(2).normal(size=(5, count, 3))
    np.testing.assert_allclose(queries.middle(values, 1), np.median(values, axis=1))
    values[1, 0], values[2] = np.inf, np.nan
    found = queries.middle(values, 1)
    assert np.isnan(found[2]).all()
    if count > 1:
        np.testing.assert_allclose(found[1], np.median(values[1, 1:], axis=0))
    assert np.isfinite(queries.middle(np.full((2, 1), 3e38, np.float32), 0)).all()


def test_a_median_counts_infinity_and_not_what_is_missing() -> None:
    inf, nan = np.inf, np.nan
    rows = np.array([[1, 2, inf], [1, inf, inf], [nan, 1, inf], [nan, nan, nan], [3, nan, 5]])
    np.testing.assert_array_equal(queries.median(rows, 1), [2, inf, inf, nan, 4])
    low, high = queries.extremes(rows, 1)
    np.testing.assert_array_equal(low, [1, 1, 1, nan, 3])
    np.testing.assert_array_equal(high, [inf, inf, inf, nan, 5])


def test_numbers_in_words() -> None:
    numbers = (0.0, 0.004, 0.5, 9.25, 99.5, 250.4, 123456.0, -1e30)
    words = ["0", "4.0e-3", "0.50", "9.25", "99.5", "250", "1.2e5", "-1.0e30"]
    assert [queries.plain(number) for number in numbers] == words
    assert [queries.when(step) for step in (0, 1, 1200)] == [
        "before training",
        "after 1 step",
        "after 1,200 steps",
    ]
