"""The settings of a comparison in a line, for what leaves the page."""

from collections.abc import Collection
from typing import Any

from bn_core.comparison import Comparison
from bn_core.config import SETTINGS
from bn_core.datasets import own
from bn_core.settings import Setting

ALWAYS = (
    "data",
    "depth",
    "width",
    "activation",
    "initialization",
    "optimizer",
    "learning_rate",
    "batch_size",
    "replicas",
    "seed",
)
"""The settings that are always said; of the others those that are not at their default."""


def settings_line(
    comparison: Comparison, data_title: str = "", without: Collection[str] = ()
) -> str:
    """Return the nets and the settings that they share: "No norm, BN before. Data set: …".

    ``data_title`` is what its visitor calls data of their own; settings ``without`` are not said.
    """
    labels = ", ".join(arm.label for arm in comparison.arms)
    return f"{labels}. {'; '.join(_said(comparison, data_title, without))}."


def _said(comparison: Comparison, data_title: str, without: Collection[str]) -> list[str]:
    base, left_out = comparison.base, {name for arm in comparison.arms for name, _ in arm.changes}
    left_out |= set(without)
    configs = comparison.configs
    left_out |= {name for name in SETTINGS if not any(config.reads(name) for config in configs)}
    return [
        f"{setting.label}: {_value(setting, getattr(base, name), data_title)}"
        for name, setting in SETTINGS.items()
        if name not in left_out and (name in ALWAYS or getattr(base, name) != setting.default)
    ]


def _value(setting: Setting, value: Any, data_title: str) -> str:
    if setting.key == "data" and own.is_name(value):
        return own.words_of(value, data_title)
    if setting.kind == "choice":
        return setting.options.get(value, value)
    if setting.kind in ("number", "log"):
        return f"{value:g}{f' {setting.unit}' if setting.unit else ''}"
    return setting.write(value)
