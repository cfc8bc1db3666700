"""What stands beside a stability map: its settings in a line, and what is known of borders."""

from bn_core.comparison import Comparison
from bn_core.figures.settings_words import settings_line
from bn_core.sweeps.axis import Axis, Value
from bn_core.sweeps.sweep import SIZES, Sweep

TWO_LAYERS = (
    "16-16-1 units, tanh, 64 random points, full batch, squared error, learned below 95 % of the "
    "error of a net that puts out 0 (after Sohl-Dickstein 2024, 2402.06184)."
)

_BORDER = (
    "Sohl-Dickstein (2024, 2402.06184) found this border fractal over more than ten decades of "
    "scale in tiny nets, with dimensions from 1.17 to 1.98. Liu (2024, 2406.13971) finds such "
    "borders of gradient descent already on a quadratic to which a cosine is added. Whether the "
    "border of a net of practical size is fractal is not known."
)
_RESOLUTION = (
    f"What this map can say: {SIZES[-1]} cells along an axis hold two decades of sizes at most, "
    "and cells far from a change of the coarser map are not trained, so islands smaller than a "
    "coarse cell are missed. Zoom in several times, at least to a thousandth of a decade, before "
    "you judge: the whole map looks smooth."
)


def border_words(sweep: Sweep) -> list[str]:
    """Return what is known of the border of such a map and what this one can say of it."""
    return [_BORDER, _RESOLUTION] if sweep.two_layers else []


def map_title(sweep: Sweep) -> str:
    """Return what a map is about."""
    return f"{sweep.x.spec.label} and {sweep.y.spec.label.lower()}"


def axis_rows(sweep: Sweep) -> list[tuple[str, str]]:
    """Return each axis with its range and number of values."""
    axes = ((sweep.x, sweep.x_values), (sweep.y, sweep.y_values))
    return [(axis.spec.label, _range(axis, values)) for axis, values in axes]


def _range(axis: Axis, values: tuple[Value, ...]) -> str:
    spacing = "even ratios" if axis.spec.logarithmic else "even steps"
    low, high = (f"{end:g}" if axis.spec.whole else repr(end) for end in (axis.low, axis.high))
    return f"{low} to {high}, {len(values)} values at {spacing}"


def map_settings_line(sweep: Sweep) -> str:
    """Return what was computed, for what leaves the page: nets, settings, axes."""
    nets = ", ".join(arm.label for arm in sweep.arms)
    if sweep.two_layers:
        base = sweep.base
        shared = f"{nets}. {TWO_LAYERS} {base.steps} steps, {base.replicas} seeds from {base.seed}."
    else:
        axes = (sweep.x.name, sweep.y.name)
        shared = settings_line(Comparison(sweep.base, sweep.arms), without=axes)
    ranges = "; ".join(f"{label}: {words}" for label, words in axis_rows(sweep))
    precision = " Computed in float64." if sweep.double and not sweep.two_layers else ""
    return f"{shared} {ranges}.{precision}"
