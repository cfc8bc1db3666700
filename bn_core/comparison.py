"""What a comparison is: a base config and its arms.

Everything a run depends on is here. Two equal comparisons give the same record, bit for bit, on
the same kind of machine.
"""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bn_core.arms import (
    ARM_FIELDS,
    ARMS,
    LONGEST_NAME,
    MOST_ARMS,
    Arm,
    arm_named,
    derived_arm,
)
from bn_core.config import SETTINGS, Config
from bn_core.net_shapes import LEAST_INCEPTION, layer_shapes
from bn_core.settings import SettingError, from_query, harmless, to_query

__all__ = [
    "ARMS",
    "ARM_FIELDS",
    "MOST_ARMS",
    "Arm",
    "Comparison",
    "arms_from_query",
    "comparison_from_query",
    "comparison_to_query",
    "derived_arm",
]

MOST_OPERATIONS = 6e9
"""Multiply-adds that one step of a whole comparison may take: about a fifth of a second."""

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
        if len(names) > MOST_ARMS:
            raise SettingError(f"A comparison has at most {MOST_ARMS} arms.")
        configs = tuple(arm.config(self.base) for arm in self.arms)
        object.__setattr__(self, "configs", configs)

    @property
    def depth(self) -> int:
        """How many hidden layers the deepest net has."""
        return max(config.depth for config in self.configs)

    @property
    def layer_word(self) -> str:
        """What a measured layer is called, "layer" where the nets have different words."""
        words = {config.layer_word for config in self.configs}
        return words.pop() if len(words) == 1 else "layer"

    def operations(self) -> float:
        """Return roughly how many multiply-adds one training step of all arms takes.

        3 B K (multiply-adds of an example, the number of weights where each is used once) for each
        arm: forward, and twice that backward.
        """
        return sum(3.0 * c.batch_size * c.replicas * _operations(c) for c in self.configs)

    def problem(self) -> str:
        """Return why this comparison cannot be trained, with what to change; empty if it can."""
        return self.misfit() or self.base.data_spec.missing

    def misfit(self) -> str:
        """Return what cannot be trained wherever the data are, with what to change; or nothing."""
        if self.base.data_spec.missing:
            return ""  # what fits is known once the data are here; a link is kept until then
        share = self.operations() / MOST_OPERATIONS
        if share > 1:
            sizes = "channels, " if any(c.has_blocks for c in self.configs) else ""
            return (
                f"This comparison is {share:.1f} times heavier than one visitor may run. "
                f"Lower the {sizes}width, the depth, the batch size or the number of seeds."
            )
        for arm, config in zip(self.arms, self.configs, strict=True):
            problem = next(filter(None, (check(config) for check in _CHECKS)), "")
            if problem:
                return f"{arm.label}: {problem}" if ";" in arm.name else problem
        return ""


def is_offered(arm: Arm, base: Config) -> bool:
    """Return whether the architecture that a registered arm would have can have its norm."""
    config = arm.config(base)
    if not config.is_recurrent or not config.is_normalized:
        return True
    return not config.normalizes_weights and config.placement == "before"


def _operations(config: Config) -> int:
    """Return the multiply-adds of one net's forward pass of one example."""
    return sum(shape.operations for shape in layer_shapes(config))


def _images_problem(config: Config) -> str:
    """Return what a net for images lacks, if its data are none."""
    if not config.needs_images or config.data_spec.kind == "image":
        return ""
    title = SETTINGS["architecture"].options[config.architecture].lower()
    return (
        f"A {title} net needs images, and an example of this data set is no image. Choose a data "
        "set of images, such as the digits, or fully connected layers."
    )


def _batch_problem(config: Config) -> str:
    """Return why a config's batch does not fit its data, if it does not."""
    size = config.train_size
    if config.batch_size <= size or config.data_spec.missing:
        return ""
    or_more = ", or raise the number of points" if config.data_spec.generated else ""
    if config.data_spec.from_files and config.train_examples <= size:
        or_more = ", or raise the number of training examples"
    return (
        f"A batch of {config.batch_size} does not fit: this data set has "
        f"{size} training examples. Lower the batch size to {size} or less{or_more}."
    )


def _layers_problem(config: Config) -> str:
    """Return what does not fit between the layers of a config, if anything."""
    beyond = [number for number in config.normalized_layers if number > config.depth]
    moved = [number for number in config.moved_layers if number > config.depth]
    if beyond or moved:
        what = f"{beyond[0]} cannot be normalized" if beyond else f"{moved[0]}'s norm cannot move"
        return (
            f"Layer {what}: the net has {config.depth} hidden layers. "
            f"Name layers from 1 to {config.depth}, or choose more hidden layers."
        )
    if config.architecture == "residual" and len(set(config.layer_widths)) > 1:
        return (
            "A residual net adds each layer's input to its output, so all its layers need the "
            "same number of units. Give them one width, or choose fully connected layers."
        )
    if config.architecture == "conv_residual" and list(config.blocks) != sorted(config.blocks):
        return (
            "A residual block adds its input to its output and can add channels, not drop them. "
            "Name channels that never become fewer, such as 16-16-32-32."
        )
    small = min(config.blocks[1:], default=LEAST_INCEPTION)
    if config.architecture == "inception" and small < LEAST_INCEPTION:
        return (
            f"An Inception block shares its channels among four branches; {small} are too few. "
            f"Give the blocks behind the first {LEAST_INCEPTION} channels or more."
        )
    return ""


def _time_problem(config: Config) -> str:
    """Return what the time steps of a recurrent net cannot have, if the config asks for it."""
    if not config.is_recurrent or not config.is_normalized:
        return ""
    if config.normalizes_weights:
        return (
            "Normalized weights are offered for the layers of other nets, not for recurrent ones. "
            "Choose batch norm, layer norm or another norm of values, or another architecture."
        )
    if config.normalized_layers or config.moved_layers:
        return (
            "All time steps of a recurrent net have the same normalization at the same place. "
            "Leave the normalized layers, and those with the other place, empty."
        )
    if config.placement == "after":
        return (
            "In a recurrent net the normalization stands in front of the sum W x + W h and the "
            "activation (Cooijmans et al. 2016). Choose “BN before”, or another architecture."
        )
    return ""


def _weights_problem(config: Config) -> str:
    """Return why a config's weights cannot be normalized, if they are to be and cannot."""
    if not (config.normalizes_weights and config.is_recurrent):
        return ""
    title, net = (SETTINGS[name].options for name in ("normalization", "architecture"))
    return (
        f"{title[config.normalization]} is not offered here for this architecture "
        f"({net[config.architecture]}). Choose another normalization, or another architecture."
    )


def _groups_problem(config: Config) -> str:
    """Return which numbers of groups would fit, if the config's groups do not divide a width."""
    groups, widths = config.groups, config.layer_widths
    uneven = [w for i, w in enumerate(widths) if config.normalizes(i) and w % groups]
    if config.value_norm != "group" or not uneven:
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


_CHECKS = (
    _images_problem,
    _batch_problem,
    _layers_problem,
    _time_problem,
    _weights_problem,
    _groups_problem,
)


def comparison_to_query(comparison: Comparison) -> dict[str, str]:
    """Return the link parameters of a comparison.

    Its arms are registered or derived. Registered ones in their usual order are joined by dashes;
    any others, whose names may hold dashes, by "~".
    """
    query = to_query(comparison.base)
    names = tuple(arm.name for arm in comparison.arms)
    if names == DEFAULT_ARMS:
        return query
    usual = names == tuple(name for name in ARMS if name in names)
    return query | {ARMS_KEY: "-".join(names) if usual else _ANY_ORDER.join(names)}


def comparison_from_query(query: Mapping[str, str]) -> tuple[Comparison, list[str]]:
    """Return the comparison a link asks for, and a sentence for each part that fell back."""
    found, complaints = from_query(Config, query)
    asked, arm_complaints = arms_from_query(query.get(ARMS_KEY))
    arms, left_out = _trainable(Config(**found), asked)
    comparison = Comparison(Config(**found), arms)
    complaints += arm_complaints + left_out
    if comparison.misfit():
        complaints.append(comparison.misfit() + " Until then these settings are the usual ones.")
    for together in (_IMAGES, _GROUPS, _LAYERS, _WEIGHTS, _IMAGES | _GROUPS | _LAYERS | _WEIGHTS):
        if comparison.misfit():
            keep = {name: found[name] for name in found if name not in together}
            comparison = Comparison(Config(**keep), arms)
    if comparison.misfit():
        registered = tuple(
            {one.registered_name: ARMS[one.registered_name] for one in arms}.values()
        )
        comparison = Comparison(comparison.base, registered)
    return comparison, complaints


_GROUPS = frozenset({"groups"})
_LAYERS = frozenset({"widths", "channels", "dense", "normalized_layers", "moved_layers"})
_IMAGES = frozenset({"architecture"})
_WEIGHTS = frozenset(
    {"width", "widths", "channels", "dense", "depth", "batch_size", "replicas"}
    | {"points", "train_examples"}
)
"""The fields whose product can be too much; they fall back together."""

_ANY_ORDER = "~"
_LONGEST_ARMS = MOST_ARMS * (LONGEST_NAME + 1)
_TOO_MANY = f"A comparison has at most {MOST_ARMS} nets; the link names more."


def _trainable(base: Config, asked: tuple[Arm, ...]) -> tuple[tuple[Arm, ...], list[str]]:
    """Return the arms without those that a base which fits cannot train, and why not."""
    if Comparison(base, (ARMS["none"],)).misfit():
        return asked, []  # the base is to blame, and falls back
    kept, complaints = [], []
    for arm in asked:
        problem = Comparison(base, (arm,)).misfit() if ";" in arm.name else ""
        if problem:
            complaints.append(f"{problem} Until then this net is left out.")
        else:
            kept.append(arm)
    return tuple(kept) or _default_arms(), complaints


def _default_arms() -> tuple[Arm, ...]:
    return tuple(ARMS[name] for name in DEFAULT_ARMS)


def arms_from_query(text: str | None) -> tuple[tuple[Arm, ...], list[str]]:
    """Return the arms that a link names, and a sentence for what it names in vain."""
    if text is None:
        return _default_arms(), []
    if isinstance(text, str) and len(text) <= _LONGEST_ARMS and re.search("[~;]", text):
        return _arms_in_order(text)
    readable = isinstance(text, str) and len(text) <= _LONGEST_ARMS
    asked = set(text.split("-")) if readable else {""}
    known = tuple(arm for name, arm in ARMS.items() if name in asked)
    if len(known) > MOST_ARMS:
        return known[:MOST_ARMS], [_TOO_MANY]
    if asked <= set(ARMS) and known:
        return known, []
    return known or _default_arms(), [
        f"Arms are joined by dashes and are any of: {', '.join(ARMS)}."
    ]


def _arms_in_order(text: str) -> tuple[tuple[Arm, ...], list[str]]:
    """Return the arms of names joined by "~", each once, and a sentence for each left out."""
    found: dict[str, Arm] = {}
    complaints = []
    names = text.split(_ANY_ORDER)
    for name in names[:MOST_ARMS]:
        try:
            arm = arm_named(name)
            found.setdefault(arm.name, arm)
        except SettingError as error:
            complaints.append(f"{error} The link's net “{harmless(name)}” is left out.")
    if len(names) > MOST_ARMS:
        complaints.append(_TOO_MANY)
    return tuple(found.values()) or _default_arms(), list(dict.fromkeys(complaints))
