"""What a comparison is: a base config and its arms.

Everything a run depends on is here. Two equal comparisons give the same record, bit for bit, on
the same kind of machine.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bn_core.config import SETTINGS, Config
from bn_core.settings import LONGEST_VALUE, SettingError, from_query, to_query

MOST_OPERATIONS = 6e9
"""Multiply-adds that one step of a whole comparison may take: about a fifth of a second."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: a name and what it changes in the base config."""

    name: str
    label: str
    changes: tuple[tuple[str, Any], ...] = ()
    help: str = ""

    def config(self, base: Config) -> Config:
        """Return the config this arm trains."""
        return base.changed(dict(self.changes))


def _normalized(name: str, label: str, normalization: str, place: str, help: str) -> Arm:
    return Arm(name, label, (("normalization", normalization), ("placement", place)), help)


_SINGLE_VALUE = (
    "An example's own mean and variance in each unit, over the positions of an image. Here a unit "
    "has one value per example: it is its own mean, so x̂ = 0 and the layer puts out β alone. The "
    "net cannot learn; instance norm is for images."
)

ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm("none", "No norm", (("normalization", "none"),), "Linear layers and activations."),
        _normalized(
            "before", "BN before", "batch", "before", "Batch norm in front of the activation."
        ),
        _normalized("after", "BN after", "batch", "after", "Batch norm behind the activation."),
        _normalized(
            "layer", "Layer norm", "layer", "before", "An example's mean and variance over units."
        ),
        _normalized(
            "group", "Group norm", "group", "before", "The same over one group of units at a time."
        ),
        _normalized("instance", "Instance norm", "instance", "before", _SINGLE_VALUE),
        _normalized(
            "ghost", "Ghost BN", "ghost", "before", "Batch norm on parts of each batch, apart."
        ),
        _normalized(
            "renorm",
            "Batch renorm",
            "renorm",
            "before",
            "Batch norm, corrected towards the running averages that inference will use.",
        ),
    )
}
DEFAULT_ARMS = ("none", "before")
ARMS_KEY = "arms"


@dataclass(frozen=True)
class Comparison:
    """Nets that differ in their arms only, trained on the same batches from the same weights."""

    base: Config = dataclasses.field(default_factory=Config)
    arms: tuple[Arm, ...] = tuple(ARMS[name] for name in DEFAULT_ARMS)
    configs: tuple[Config, ...] = dataclasses.field(init=False, repr=False, compare=False)
    """The config of each arm, in order."""

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) != len(names):
            raise SettingError("A comparison needs at least one arm, and each arm once.")
        configs = tuple(arm.config(self.base) for arm in self.arms)
        object.__setattr__(self, "configs", configs)

    def operations(self) -> float:
        """Return roughly how many multiply-adds one training step of all arms takes.

        3 B K (number of weights) for each arm: forward, and twice that backward.
        """
        return sum(3.0 * c.batch_size * c.replicas * _weights(c) for c in self.configs)

    def problem(self) -> str:
        """Return why this comparison cannot be trained, with what to change; empty if it can."""
        share = self.operations() / MOST_OPERATIONS
        if share > 1:
            return (
                f"This comparison is {share:.1f} times heavier than one visitor may run. "
                "Lower the width, the depth, the batch size or the number of seeds."
            )
        size = self.base.data_spec.train_size(self.base.points)
        if self.base.batch_size > size:
            or_more = ", or raise the number of points" if self.base.data_spec.generated else ""
            return (
                f"A batch of {self.base.batch_size} does not fit: this data set has "
                f"{size} training examples. Lower the batch size to {size} or less{or_more}."
            )
        problems = (check(config) for config in self.configs for check in _CHECKS)
        return next(filter(None, problems), "")


def _weights(config: Config) -> int:
    """Return how many weights the linear maps of one net have."""
    spec = config.data_spec
    sizes = [spec.inputs, *config.layer_widths, len(spec.classes)]
    return sum(inputs * outputs for inputs, outputs in pairwise(sizes))


def _layers_problem(config: Config) -> str:
    """Return what does not fit between the layers of a config, if anything."""
    beyond = [number for number in config.normalized_layers if number > config.depth]
    if beyond:
        return (
            f"Layer {beyond[0]} cannot be normalized: the net has {config.depth} hidden layers. "
            f"Name layers from 1 to {config.depth}, or choose more hidden layers."
        )
    if config.architecture == "residual" and len(set(config.layer_widths)) > 1:
        return (
            "A residual net adds each layer's input to its output, so all its layers need the "
            "same number of units. Give them one width, or choose plain layers."
        )
    return ""


def _groups_problem(config: Config) -> str:
    """Return which numbers of groups would fit, if the config's groups do not divide a width."""
    groups, widths = config.groups, config.layer_widths
    uneven = [w for i, w in enumerate(widths) if config.normalizes(i) and w % groups]
    if config.normalization != "group" or not uneven:
        return ""
    width = uneven[0]
    fitting = [n for n in range(1, int(SETTINGS["groups"].high) + 1) if width % n == 0]
    below = [n for n in fitting if n < groups][-1:]
    above = [n for n in fitting if n > groups][:1]
    nearest = " or ".join(map(str, below + above))
    return (
        f"Group norm cannot split {width} units into {groups} groups of one size. "
        f"Set the groups to {nearest}, or choose a width that {groups} divides."
    )


_CHECKS = (_layers_problem, _groups_problem)


def comparison_to_query(comparison: Comparison) -> dict[str, str]:
    """Return the link parameters of a comparison made of registered arms."""
    query = to_query(comparison.base)
    names = tuple(arm.name for arm in comparison.arms)
    if names != DEFAULT_ARMS:
        query[ARMS_KEY] = "-".join(names)
    return query


def comparison_from_query(query: Mapping[str, str]) -> tuple[Comparison, list[str]]:
    """Return the comparison a link asks for, and a sentence for each part that fell back."""
    found, complaints = from_query(Config, query)
    arms, arm_complaints = _arms_from_query(query.get(ARMS_KEY))
    comparison = Comparison(Config(**found), arms)
    complaints += arm_complaints
    if comparison.problem():
        complaints.append(comparison.problem() + " Until then these settings are the usual ones.")
    for together in (_GROUPS, _LAYERS, _WEIGHTS, _GROUPS | _LAYERS | _WEIGHTS):
        if comparison.problem():
            keep = {name: found[name] for name in found if name not in together}
            comparison = Comparison(Config(**keep), arms)
    return comparison, complaints


_GROUPS = frozenset({"groups"})
_LAYERS = frozenset({"widths", "normalized_layers"})
_WEIGHTS = frozenset({"width", "widths", "depth", "batch_size", "replicas", "points"})
"""The fields whose product can be too much; they fall back together."""


def _arms_from_query(text: str | None) -> tuple[tuple[Arm, ...], list[str]]:
    default = tuple(ARMS[name] for name in DEFAULT_ARMS)
    if text is None:
        return default, []
    readable = isinstance(text, str) and len(text) <= LONGEST_VALUE
    asked = set(text.split("-")) if readable else {""}
    known = tuple(arm for name, arm in ARMS.items() if name in asked)
    if asked <= set(ARMS) and known:
        return known, []
    return known or default, [f"Arms are joined by dashes and are any of: {', '.join(ARMS)}."]
