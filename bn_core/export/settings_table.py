"""The settings of a comparison in words, and the versions that its numbers may depend on."""

import platform
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bn_core.comparison import Arm, Comparison
from bn_core.config import SETTINGS, Config
from bn_core.settings import Setting

_BY_ARMS = ("normalization", "placement")
"""Settings that arms choose: the list of nets says them."""

_MATTERS: Mapping[str, Callable[[Config], bool]] = {
    "noise": lambda c: c.data_spec.generated,
    "points": lambda c: c.data_spec.generated,
    "train_examples": lambda c: c.data_spec.from_files,
    "pooling": lambda c: c.pooling,
    "normalize_inputs": lambda c: c.normalize_inputs != "standardize",
    "depth": lambda c: not c.needs_images,
    "width": lambda c: not c.widths and not c.needs_images,
    "widths": lambda c: bool(c.widths) and not c.needs_images,
    "channels": lambda c: c.needs_images,
    "dense": lambda c: bool(c.dense) and c.needs_images,
    "init_std": lambda c: c.initialization == "normal",
    "initial_gamma": lambda c: c.initial_gamma != 1 and c.bn_scale,
    "initial_beta": lambda c: c.initial_beta != 0 and c.bn_shift,
    "groups": lambda c: c.normalization == "group",
    "ghost_size": lambda c: c.normalization == "ghost",
    "renorm_rmax": lambda c: c.normalization == "renorm",
    "renorm_dmax": lambda c: c.normalization == "renorm",
    "rate_changes": lambda c: bool(c.rate_changes),
    "bn_momentum": lambda c: not c.bn_cumulative,
    "normalized_layers": lambda c: bool(c.normalized_layers),
    "moved_layers": lambda c: bool(c.moved_layers),
}
"""Which configs a setting says something of; all, for settings that are not here."""


def settings_rows(comparison: Comparison) -> list[tuple[str, str]]:
    """Return label and value of each setting of the base that matters, and what each net changes.

    The first rows are the nets.
    """
    nets = [(f"Net {n}", _net_words(arm)) for n, arm in enumerate(comparison.arms, start=1)]
    base = comparison.base
    shown = [
        (setting.label, value_words(setting, _shown(base, name)))
        for name, setting in SETTINGS.items()
        if name not in _BY_ARMS
        and any(map(_MATTERS.get(name, lambda _: True), (base, *comparison.configs)))
    ]
    return [*nets, *shown]


def _shown(config: Config, name: str) -> Any:
    return config.blocks if name == "channels" else getattr(config, name)


def _net_words(arm: Arm) -> str:
    changes = [
        f"{SETTINGS[name].label.lower()} {value_words(SETTINGS[name], value)}"
        for name, value in arm.changes
    ]
    return f"{arm.label} ({'; '.join(changes)})" if changes else arm.label


def value_words(setting: Setting, value: Any) -> str:
    """Return a value as the reader chose it: the option's words, numbers in their short form."""
    match setting.kind:
        case "choice":
            return setting.options.get(value, value)
        case "switch":
            return "on" if value else "off"
        case "schedule":
            return ", ".join(f"{rate:g} after step {step:,}" for step, rate in value) or "none"
        case "wholes":
            return ", ".join(map(str, value)) or "all"
        case _:
            text = f"{value:,}" if isinstance(value, int) else f"{value:g}"
            return f"{text} {setting.unit}".strip()


def versions() -> str:
    """Return the versions that numbers may depend on, as one line."""
    found = [f"Python {platform.python_version()}"]
    for package in ("numpy", "torch", "scikit-learn"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
