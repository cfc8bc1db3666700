"""Accuracy over a row of settings, such as rates or sizes of batches: how it is found and drawn.

R seeds, P settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import PartialResult, Shard, make_trainer, validation_accuracy
from bn_core.results import Curve, Panel, TaskGenerator


@dataclass(frozen=True)
class Setting:
    """Nets to train: where they stand on the axis, their config, for how long, told in words."""

    x: float
    config: Config
    steps: int
    words: str


def train_each(settings: Sequence[Setting]) -> TaskGenerator:
    """Train nets with each setting; return "x" (P,) and "accuracy" (R, P), complete.

    A net whose loss was once not finite has diverged, whatever it predicts afterwards: 0.
    """
    work = Shard(sum(setting.steps for setting in settings))
    accuracy = np.zeros((settings[0].config.replicas, 0))
    for count, setting in enumerate(settings, start=1):
        trainer = make_trainer(setting.config)
        losses = yield from work.train(trainer, setting.steps, setting.words)
        reached = np.where(np.isfinite(losses[:, -1]), validation_accuracy(trainer), 0.0)
        accuracy = np.column_stack([accuracy, reached])
        work.put(x=np.array([one.x for one in settings[:count]], float), accuracy=accuracy)
    return work.complete()


def accuracy_curves(
    partials: Mapping[str, PartialResult],
    labels: Mapping[str, str],
    *,
    colours: Mapping[str, str] | None = None,
    kind: Literal["line", "points"] = "points",
) -> tuple[Curve, ...]:
    """Return a curve for each shard that has begun, in the order of the labels.

    ``colours`` names the style of each shard, see ``Curve``; by default shards are arms.
    """
    return tuple(
        Curve(
            label,
            partials[name]["x"],
            partials[name]["accuracy"],
            colour=colours[name] if colours else name,
            kind=kind,
        )
        for name, label in labels.items()
        if "accuracy" in partials.get(name, {})
    )


def accuracy_panel(
    title: str, x_label: str, curves: tuple[Curve, ...], help: str, **axes: Any
) -> Panel:
    """Return the panel of these curves; rates and sizes have a logarithmic axis."""
    how = {"x_scale": "log", "y_range": (0.0, 1.02), **axes}
    return Panel("accuracy", title, x_label, "validation accuracy", curves, help=help, **how)
