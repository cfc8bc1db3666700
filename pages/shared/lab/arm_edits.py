"""How the reader changes the nets of a comparison, as pure functions.

Each takes a comparison and what was asked, and returns the comparison with other arms, or raises
``Refused`` with a sentence on why nothing changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from bn_core.arms import ARMS, MOST_ARMS, Arm, derived_arm
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.settings import SettingError

Place = Literal["before", "after"]
EditKind = Literal[
    "toggle", "add_everywhere", "remove_everywhere", "move", "remove", "copy", "select"
]
NOTHING_CHANGED = " Nothing has changed."
Change = tuple[tuple[str, Any], ...]
"""Fields of a config with their new values."""


class Refused(ValueError):
    """The nets stay as they are; the message says why and what to do instead."""


@dataclass(frozen=True)
class ArmAdded:
    """One more net: a shown or registered arm with changes; without any, a registered arm."""

    of: str
    changes: Change = ()


@dataclass(frozen=True)
class ArmRemoved:
    """A net is to go."""

    arm: str


@dataclass(frozen=True)
class ArmChanged:
    """A net is to have other values; its place among the nets stays."""

    arm: str
    changes: Change


@dataclass(frozen=True)
class DiagramEdited:
    """Something was pressed or moved in the drawing of a net.

    Layer 0 stands for all layers; ``place`` is where the norm that was pressed stands, or is put.
    """

    kind: EditKind
    arm: str
    layer: int = 0
    place: Place = "before"


ArmEvent = ArmAdded | ArmRemoved | ArmChanged | DiagramEdited


def edited(comparison: Comparison, event: ArmEvent) -> Comparison:
    """Return the comparison after the nets were changed. Errors: ``Refused``."""
    match event:
        case ArmAdded(of, changes):
            return _added(comparison, _changed_arm(comparison, of, dict(changes)))
        case ArmRemoved(name) | DiagramEdited("remove", name):
            return _removed(comparison, _shown_arm(comparison, name))
        case ArmChanged(name, changes):
            return _replaced(comparison, name, dict(changes))
        case DiagramEdited("toggle" | "add_everywhere" | "remove_everywhere", name, layer):
            config = _config_of(comparison, name, layer)
            return _replaced(comparison, name, _other_norms(config, event, comparison.base))
        case DiagramEdited("move", name, layer):
            config = _config_of(comparison, name, layer)
            return _replaced(comparison, name, norm_moved(config, layer, event.place))
        case _:
            return comparison


def _other_norms(config: Config, event: DiagramEdited, base: Config) -> dict[str, Any]:
    """Return the changes that add or remove norms as was asked."""
    match event.kind:
        case "add_everywhere":
            return norm_added_everywhere(config, event.place)
        case "remove_everywhere":
            return _without_norm(base)
        case _:
            return norm_toggled(config, event.layer, event.place, base)


def norm_toggled(config: Config, layer: int, place: Place, base: Config) -> dict[str, Any]:
    """Return the changes that take a layer's norm away, or put one there.

    The last norm that goes leaves a net without normalization, and the first one that comes is
    batch norm at ``place``. The time steps of a recurrent net have theirs together.
    """
    if config.is_recurrent:
        return _without_norm(base) if config.is_normalized else _first_norm("before")
    if not layer:
        raise Refused("Name the layer of the norm, or add or remove the norms of all layers.")
    if config.normalization == "none":
        layers = (layer,) if config.depth > 1 else ()
        return _first_norm(place) | {"normalized_layers": layers}
    normalized = set(_normalized_layers(config))
    remaining = normalized ^ {layer}
    if not remaining:
        return _without_norm(base)
    every = len(remaining) == config.depth
    moved = set(config.moved_layers)
    if config.value_norm != "none" and layer not in normalized:
        moved = moved - {layer} if place == config.placement else moved | {layer}
    return {
        "normalized_layers": () if every else tuple(sorted(remaining)),
        "moved_layers": tuple(sorted(moved & remaining)),
    }


def norm_added_everywhere(config: Config, place: Place) -> dict[str, Any]:
    """Return the changes that put a norm at ``place`` of each layer without one.

    Norms that are there stay where they stand; a net without any gets batch norm.
    """
    if config.normalization == "none":
        return _first_norm(place)
    normalized = set(_normalized_layers(config))
    moved = set(config.moved_layers) & normalized
    if config.value_norm != "none" and place != config.placement:
        moved |= set(range(1, config.depth + 1)) - normalized
    return {"normalized_layers": (), "moved_layers": tuple(sorted(moved))}


def _first_norm(place: Place) -> dict[str, Any]:
    kind = {"normalization": "batch", "placement": place}
    return {**kind, "normalized_layers": (), "moved_layers": ()}


def _without_norm(base: Config) -> dict[str, Any]:
    unused = ("normalized_layers", "moved_layers", "placement")
    return {"normalization": "none", **{name: getattr(base, name) for name in unused}}


def norm_moved(config: Config, layer: int, place: Place) -> dict[str, Any]:
    """Return the changes that put a layer's norm before or after the activation; 0 is all."""
    if config.normalization == "none" or (layer and not config.normalizes(layer - 1)):
        raise Refused(
            "There is no normalization to move. Click the place of the norm to add one first."
        )
    if config.value_norm == "none":
        raise Refused("This normalization acts on the weights: it has no place to move to.")
    normalized = set(_normalized_layers(config))
    if not layer:
        return {"placement": place, "moved_layers": ()}
    moved = set(config.moved_layers) & normalized
    moved = moved - {layer} if place == config.placement else moved | {layer}
    if moved == normalized:
        return {"placement": place, "moved_layers": ()}
    return {"moved_layers": tuple(sorted(moved))}


def same_net(one: Config, other: Config) -> bool:
    """Return whether two configs train the same net: what neither of them reads does not count."""
    return one.settings_read == other.settings_read


def same_nets(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the labels of each two nets that train the same, as another base may make them."""
    labelled = zip(comparison.arms, comparison.configs, strict=True)
    return [
        (one.label, other.label)
        for (one, config), (other, second) in combinations(labelled, 2)
        if same_net(config, second)
    ]


def _normalized_layers(config: Config) -> tuple[int, ...]:
    return tuple(n for n in range(1, config.depth + 1) if config.normalizes(n - 1))


def _shown_arm(comparison: Comparison, name: str) -> Arm:
    for arm in comparison.arms:
        if arm.name == name:
            return arm
    raise Refused(
        "The net that was pressed is no longer shown: the nets have changed meanwhile. Press again "
        f"in the drawing as it is now.{NOTHING_CHANGED}"
    )


def _config_of(comparison: Comparison, name: str, layer: int) -> Config:
    config = _shown_arm(comparison, name).config(comparison.base)
    if not 0 <= layer <= config.depth:
        raise Refused(f"This net has {config.depth} hidden layers; there is no layer {layer}.")
    return config


def _changed_arm(comparison: Comparison, name: str, changes: Mapping[str, Any]) -> Arm:
    arm = ARMS[name] if name in ARMS else _shown_arm(comparison, name)
    if not changes:
        return arm
    try:
        return derived_arm(arm, changes, comparison.base)
    except SettingError as error:
        raise Refused(str(error)) from None


def _added(comparison: Comparison, arm: Arm) -> Comparison:
    if len(comparison.arms) >= MOST_ARMS:
        raise Refused(f"At most {MOST_ARMS} nets fit at once. Remove one to add another.")
    return _with_arm(comparison, list(comparison.arms), len(comparison.arms), arm)


def _removed(comparison: Comparison, arm: Arm) -> Comparison:
    rest = tuple(other for other in comparison.arms if other is not arm)
    if not rest:
        raise Refused("One net at least has to stay. Add another before you remove this one.")
    return replace(comparison, arms=rest)


def _replaced(comparison: Comparison, name: str, changes: Mapping[str, Any]) -> Comparison:
    old = _shown_arm(comparison, name)
    new = _changed_arm(comparison, name, changes)
    if new.name == old.name:
        return comparison
    place = comparison.arms.index(old)
    rest = [arm for arm in comparison.arms if arm is not old]
    return _with_arm(comparison, rest, place, new)


def _with_arm(comparison: Comparison, others: list[Arm], place: int, new: Arm) -> Comparison:
    """Return the comparison of some nets and one more; refuse if it is the same as another."""
    config = new.config(comparison.base)
    for arm in others:
        if same_net(arm.config(comparison.base), config):
            raise Refused(
                f"That net would be the same as “{arm.label}”, which is already here. Choose "
                f"another value.{NOTHING_CHANGED}"
            )
    changed = replace(comparison, arms=(*others[:place], new, *others[place:]))
    problem = changed.problem()
    if problem and not comparison.problem():
        raise Refused(problem + NOTHING_CHANGED)
    return changed
