"""The lines of theory lie where their conditions hold, and only where theory speaks."""

import numpy as np
import pytest

from bn_core.sweeps.axis import Axis
from bn_core.sweeps.sweep import Sweep, usual_base
from bn_core.sweeps.theory import theory_of, theory_words


def sweep(x, y, size=24, **changes):
    return Sweep(usual_base().changed(changes), Axis.usual(x), Axis.usual(y), size=size)


@pytest.mark.parametrize(
    ("initialization", "activation", "gain"),
    [
        ("he", "relu", 1.0),
        ("he", "tanh", 0.5**0.5),
        ("xavier", "tanh", 1.0),
        ("orthogonal", "relu", 2**0.5),
    ],
)
def test_the_critical_gain_is_a_straight_line_across_the_map(initialization, activation, gain):
    for axes in (("gain", "depth"), ("depth", "gain")):
        found = sweep(*axes, initialization=initialization, activation=activation)
        line = theory_of(found)
        assert line is not None
        along, over = (line.x, line.y) if axes[0] == "gain" else (line.y, line.x)
        low, high = np.log10(0.1), np.log10(10)
        # Values of an axis are rounded to a hundredth of their spacing.
        assert along == pytest.approx(
            [(np.log10(gain) - low) / (high - low) * 23] * len(over),
            abs=0.02,  # values are rounded to a hundredth of their spacing
        )
        assert (over[0], over[-1]) == (-0.5, len(over) - 0.5)
        assert "arXiv" not in line.words and any(
            paper in line.words for paper in ("1502.01852", "1611.01232")
        )


def test_the_critical_std_falls_with_the_root_of_the_width():
    found = sweep("init_std", "width", initialization="normal")
    line = theory_of(found)
    assert line is not None
    widths = np.array(found.y_values, dtype=float)[np.array(line.y, dtype=int)]
    low, high = np.log(0.001), np.log(1.0)
    stds = np.exp(low + np.array(line.x) / 23 * (high - low))
    assert stds == pytest.approx(np.sqrt(2 / widths), rel=0.02)


def test_beyond_the_line_of_decay_a_weight_without_gradient_grows():
    found = sweep("learning_rate", "weight_decay")
    line = theory_of(found)
    assert line is not None
    for x, y in zip(line.x, line.y, strict=True):
        rate = np.interp(x, range(24), np.log(found.x_values))
        decay = np.interp(y, range(24), np.log(found.y_values))
        assert abs(1 - np.exp(rate + decay)) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    "found",
    [
        sweep("learning_rate", "batch_size"),
        sweep("gain", "depth", activation="sigmoid"),
        sweep("gain", "depth", architecture="residual"),
        sweep("gain", "depth", initialization="torch"),
        sweep("learning_rate", "weight_decay", optimizer="adam"),
        sweep("rate_1", "rate_2"),
    ],
)
def test_no_line_is_drawn_where_theory_gives_none(found):
    assert theory_of(found) is None
    assert "dotted" not in theory_words(found)
