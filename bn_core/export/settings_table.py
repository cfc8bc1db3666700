"""The settings of a comparison in words, and the versions that its numbers may depend on."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bn_core.comparison import Arm, Comparison
from bn_core.config import SETTINGS, Config
from bn_core.datasets import own
from bn_core.settings import Setting

_BY_ARMS = ("normalization", "placement")
"""Settings that arms choose: the list of nets says them."""

_UNSAID_BY_DEFAULT = (
    "pooling",
    "normalize_inputs",
    "widths",
    "dense",
    "branch_start",
    "initial_gamma",
    "initial_beta",
    "normalized_layers",
    "moved_layers",
    "rate_changes",
    "accumulate",
    "bn_track",
    "freeze",
    "input_norm",
)
"""Settings whose default says nothing of a net."""


def settings_rows(comparison: Comparison, data_title: str = "") -> list[tuple[str, str]]:
    """Return label and value of each setting of the base that matters, and what each net changes.

    The first rows are the nets. ``data_title`` is what its visitor calls data of their own.
    """
    nets = [(f"Net {n}", _net_words(arm)) for n, arm in enumerate(comparison.arms, start=1)]
    base = comparison.base
    shown = [
        (setting.label, value_words(setting, _shown(base, name, data_title)))
        for name, setting in SETTINGS.items()
        if name not in _BY_ARMS
        and any(_says(config, name) for config in (base, *comparison.configs))
    ]
    return [*nets, *shown]


def _says(config: Config, name: str) -> bool:
    unsaid = name in _UNSAID_BY_DEFAULT and getattr(config, name) == SETTINGS[name].default
    return config.reads(name) and not unsaid


def _shown(config: Config, name: str, data_title: str) -> Any:
    if name == "data" and own.is_name(config.data):
        return own.words_of(config.data, data_title)
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
