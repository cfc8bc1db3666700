"""What differs inside the best and the worst net of a run: the second half of its conclusion."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from bn_core.arms import ARM_FIELDS
from bn_core.config import SETTINGS
from bn_core.diagnosis import NetState, alive, diagnose, middle
from bn_core.records import SITES, Record

Array = np.ndarray

SPREAD_POWERS = 0.5
"""Powers of ten between the spreads of two layers that are told, a factor of three: in a healthy
net they are alike."""

GRADIENT_POWERS = 1.5
"""Powers of ten between the first layer's gradient and the output's that are told: the layers
then learn at rates over thirty times apart."""

MUCH_MORE = 2.0
"""How many times more powers of ten one net must have than the other for a difference."""

MOST_SETTINGS = 3
"""Settings that are named; of more it is said how many there are."""

_NAMES = {
    "normalization": "normalization",
    "placement": "place of the norm",
    "moved_layers": "place of single layers' norm",
    "normalized_layers": "layers that are normalized",
    "depth": "number of hidden layers",
    "widths": "units of each layer",
    "time_norm": "way in which running statistics are kept over the time steps",
    "branch_start": "start of the residual branches",
    "freeze": "part of the norm that is frozen",
    "freeze_at": "step after which the norm is frozen",
    "bn_track": "tracking of running statistics",
    "bn_cumulative": "kind of running average",
    "bn_scale": "use of gamma",
    "bn_shift": "use of beta",
    "input_norm": "batch norm of the inputs",
    "init_std": "standard deviation of the initial weights",
    "renorm_rmax": "limit of r",
    "renorm_dmax": "limit of d",
    "standardized_groups": "standardization of the weights",
    "evaluate_with": "statistics in validation",
}


def what_changed(record: Record, extremes: tuple[int, int] | None, names: Sequence[str]) -> str:
    """Return "What changed: …" of the best and the worst arm, by index; None if they are alike.

    Where nothing that was measured inside them differs clearly, only their settings are named.
    ``names`` is what each arm is called.
    """
    if len(record.comparison.arms) == 1:
        return "What changed: nothing to compare with; add a net."
    differ = _settings_that_differ(record)
    words = _listed(differ)
    if extremes is None:
        return f"What changed: nothing that the seeds agree on, though the nets differ in {words}."
    all_of_it = f"The nets differ in {words} alone."
    if len(differ) > 1:
        all_of_it = f"Between them the nets differ in {words}."
    inside = _inside(record, *extremes, names)
    return f"What changed: {inside}. {all_of_it}" if inside else all_of_it


def _settings_that_differ(record: Record) -> list[str]:
    """Return the settings that are not the same in every arm."""
    configs = record.configs
    fields = [name for name in ARM_FIELDS if len({getattr(config, name) for config in configs}) > 1]
    if len({c.placement for c in configs if c.reads("placement")}) <= 1:
        fields = [name for name in fields if name != "placement"]
    if any(config.widths or config.needs_images for config in configs):
        fields = [name for name in fields if name != "depth"]
    return [f"the {_NAMES.get(name) or _small(SETTINGS[name].label)}" for name in fields]


def _listed(said: Sequence[str]) -> str:
    if len(said) > MOST_SETTINGS:
        return f"{len(said)} settings"
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said) or "nothing"


def _inside(record: Record, best: int, worst: int, names: Sequence[str]) -> str:
    """Return what the layers' numbers show of both nets, the clearest first; else nothing."""
    state = diagnose(record)[worst]
    ended = _how_it_ended(record, worst, state)
    healthy = _healthy(record, best)
    if ended:
        return f"in {names[worst]} {ended}" + (f"; in {names[best]} {healthy}" if healthy else "")
    return _contrast(record, best, worst, names)


def _how_it_ended(record: Record, arm: int, state: NetState) -> str:
    if state.kind == "diverged":
        output = state.layer is not None and state.layer > record.configs[arm].depth
        where = "the output layer" if output else f"{record.configs[arm].layer_word} {state.layer}"
        if state.layer is None or state.step is None:
            return "the numbers stopped being finite"
        return f"the numbers of {where} stopped being finite at step {state.step:,}"
    if state.kind == "dead":
        when = "from the start" if state.step == 0 else f"by step {state.step:,}"
        return f"every unit of layer {state.layer} put out zero {when}: nothing passed it"
    return ""


def _healthy(record: Record, arm: int) -> str:
    """Return how alike the spreads of a net's layers are, if they are."""
    spreads = _measured(record, arm, len(record.snapshots) - 1).get("spread")
    if spreads is None or not _powers(spreads) < SPREAD_POWERS:
        return ""
    low, high = _plain(float(spreads.min())), _plain(float(spreads.max()))
    kept = f"near {high}" if low == high else f"from {low} to {high}"
    return f"every layer's values keep a spread {kept}"


def _contrast(record: Record, best: int, worst: int, names: Sequence[str]) -> str:
    """Return what differs most between the layers of both nets at the last step they share."""
    both = [
        at
        for at, one in enumerate(record.snapshots)
        if one.arms[best] is not None and one.arms[worst] is not None
    ]
    if not both:
        return ""
    good, bad = (_measured(record, arm, both[-1]) for arm in (best, worst))
    called = record.comparison.layer_word
    for name, least, words in (
        (
            "gradient",
            GRADIENT_POWERS,
            f"the gradient of {called} 1 is {{}} times the output layer's",
        ),
        (
            "spread",
            SPREAD_POWERS,
            f"the values' spread goes from {{}} in {called} 1 to {{}} in the last",
        ),
    ):
        if name not in good or name not in bad:
            continue
        powers = _powers(bad[name])
        if powers >= least and powers >= MUCH_MORE * _powers(good[name]):
            of_bad, of_good = (_filled(words, name, values[name]) for values in (bad, good))
            return f"in {names[worst]} {of_bad}; in {names[best]} {of_good}"
    return ""


def _filled(words: str, name: str, values: Array) -> str:
    ends = [values[0] / values[-1]] if name == "gradient" else [values[0], values[-1]]
    return words.format(*(_plain(float(value)) for value in ends))


def _measured(record: Record, arm: int, position: int) -> Mapping[str, Array]:
    """Return spreads (L,) and gradients (first, output) of a snapshot, medians over the seeds."""
    snapshot = record.snapshots[position]
    seen, going = snapshot.arms[arm], alive(record, arm, snapshot)
    if seen is None or not going.any():
        return {}
    spread = middle(seen.std[going][:, SITES.index("pre_activation")])
    gradient = middle(seen.gradient_norm[going])[[0, -1]]
    found = {"spread": spread, "gradient": gradient}
    return {name: values for name, values in found.items() if np.isfinite(values).all()}


def _powers(values: Array) -> float:
    """Return the powers of ten between the largest and the smallest value."""
    low, high = float(values.min()), float(values.max())
    if high <= 0:
        return 0.0
    return math.log10(high / low) if low > 0 else math.inf


def _small(label: str) -> str:
    return label if label[1:2].isupper() else label[0].lower() + label[1:]


def _plain(value: float) -> str:
    """Return a number in one or two digits, very small ones as a power of ten."""
    if value == 0:
        return "0"
    if value < 0.001 or value >= 10_000:
        return f"10^{round(math.log10(value))}"
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
