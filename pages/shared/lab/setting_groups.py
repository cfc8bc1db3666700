"""Where each setting of the Lab stands: in the bar at the top, or in a group of the panel."""

from collections.abc import Callable, Mapping

from bn_core.comparison import ARM_FIELDS, Comparison
from bn_core.config import SETTINGS, Config

BAR = ("data", "depth", "learning_rate", "batch_size")
"""What the tool is about, beside the nets themselves: always in reach."""

PANEL: Mapping[str, tuple[str, ...]] = {
    "Net": (
        "architecture",
        "cell",
        "channels",
        "dense",
        "branch_start",
        "width",
        "widths",
        "activation",
        "initialization",
        "init_std",
        "gain",
    ),
    "Training": ("optimizer", "steps", "accumulate", "weight_decay", "dropout"),
    "Batch norm": (
        "normalized_layers",
        "moved_layers",
        "bn_scale",
        "bn_shift",
        "initial_gamma",
        "initial_beta",
        "time_norm",
        "bn_cumulative",
        "bn_momentum",
        "bn_epsilon",
        "evaluate_with",
        "bn_track",
        "freeze",
        "freeze_at",
        "input_norm",
        "groups",
        "standardized_groups",
        "ghost_size",
        "renorm_rmax",
        "renorm_dmax",
    ),
    "Data": ("normalize_inputs", "pooling", "train_examples", "noise", "points"),
    "Seeds and display": ("replicas", "seed"),
}
"""Every other setting, once."""

_OF_NETS = {"Normalization": ("normalization", "placement"), "Bar": BAR, **PANEL}


_FIXED_IN_TIME = ("placement", "normalized_layers", "moved_layers")
"""What all time steps of a recurrent net have alike: another value is refused."""


def changed_settings(
    config: Config, is_shown: Callable[[str], bool] = lambda _name: True
) -> list[str]:
    """Return the labels of the panel's shown settings that differ from their defaults."""
    names = [name for group in PANEL.values() for name in group if is_shown(name)]
    return [SETTINGS[name].label for name in names if getattr(config, name) != _usual(name)]


def usual_settings() -> dict[str, object]:
    """Return the default of every setting of the panel."""
    return {name: _usual(name) for group in PANEL.values() for name in group}


def fields_of_a_net(config: Config) -> dict[str, str]:
    """Return what one net may differ in, in the order of the page: field name and its label."""
    fixed = _FIXED_IN_TIME if config.is_recurrent else ()
    fields = [name for group in _OF_NETS.values() for name in group if name in ARM_FIELDS]
    return {name: SETTINGS[name].label for name in fields if name not in fixed}


def is_relevant(name: str, comparison: Comparison) -> bool:
    """Return whether any net of a comparison depends on a setting, or would with batch norm."""
    recurrent = all(config.is_recurrent for config in comparison.configs)
    if recurrent and name in _FIXED_IN_TIME and not getattr(comparison.base, name):
        return False  # a value that a link names is shown, for the reader to take it back
    with_batch_norm = comparison.base.changed({"normalization": "batch"})
    return any(config.reads(name) for config in (*comparison.configs, with_batch_norm))


def _usual(name: str) -> object:
    return SETTINGS[name].default
