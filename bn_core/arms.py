"""The arms of a comparison: the registered ones, and arms derived from them.

A derived arm is a registered one with further changes. Its name says all of it and is how links
write it: ``before;batch:4`` is batch norm before the activation with batches of four.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.arm_labels import label_of
from bn_core.config import LAYER_FIELDS, SETTINGS, Config
from bn_core.settings import SettingError, harmless

MOST_ARMS = 8
LONGEST_NAME = 250
"""Characters of an arm's name: eight of them still make a link that can be sent."""

SHARED_FIELDS = (
    "data",
    "noise",
    "points",
    "train_examples",
    "pooling",
    "seed",
    "replicas",
    "steps",
    "rate_changes",
)
"""What all arms of a comparison share: their data, seeds and length."""

ARM_FIELDS = tuple(name for name in SETTINGS if name not in SHARED_FIELDS)
"""The fields of a config that an arm may change, in the order of the config."""

_FIELD_OF_KEY = {SETTINGS[name].key: name for name in ARM_FIELDS}
_UNREAD = {
    "none": ("placement", *LAYER_FIELDS),
    "weightnorm": ("placement", "moved_layers"),
}
"""What means nothing to an arm without normalization, or without one of values."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: a name and what it changes in the base config."""

    name: str
    label: str
    changes: tuple[tuple[str, Any], ...] = ()
    help: str = ""

    @property
    def registered_name(self) -> str:
        """The name of the registered arm that this one is or is derived from."""
        return self.name.partition(";")[0]

    @property
    def has_own_rate(self) -> bool:
        """Whether it keeps a learning rate of its own when that of the base moves."""
        return "learning_rate" in dict(self.changes)

    def config(self, base: Config) -> Config:
        """Return the config this arm trains; changes of the base's rate pass by an own rate."""
        changes = dict(self.changes)
        if self.has_own_rate:
            changes["rate_changes"] = ()
        return base.changed(changes)


def _normalized(name: str, label: str, normalization: str, place: str, help: str) -> Arm:
    return Arm(name, label, (("normalization", normalization), ("placement", place)), help)


_SINGLE_VALUE = (
    "An example's own mean and variance in each channel, over the positions of an image: for "
    "convolutions. A unit of a fully connected layer has one value per example: it is its own "
    "mean, so x̂ = 0, the layer puts out β alone and the net stays at chance."
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
        _normalized(
            "rms",
            "RMS norm",
            "rms",
            "before",
            "An example divided by the root mean square of its units: layer norm without the mean.",
        ),
        Arm(
            "weightnorm",
            "Weight norm",
            (("normalization", "weightnorm"),),
            "Length and direction of each unit's weights are learned apart; no value is averaged.",
        ),
        _normalized(
            "weightstd",
            "Weight std",
            "weightstd",
            "before",
            "Weight standardization: each unit's weights have mean 0 and one variance.",
        ),
    )
}


def derived_arm(arm: Arm, changes: Mapping[str, Any], base: Config) -> Arm:
    """Return a copy of an arm with more changes; what equals the base is no change.

    Equal nets get equal arms: another normalization or place becomes the registered arm that
    stands for it, and every hidden layer named becomes "all layers". Errors: ``SettingError`` for
    a field that arms share, a value outside its limits, or too many changes for a link.
    """
    merged = {**dict(arm.changes), **changes}
    if "widths" not in changes and {"depth", "width"} & set(changes):
        merged.pop("widths", None)
    shared = [name for name in merged if name not in ARM_FIELDS]
    if shared:
        raise SettingError(f"Arms cannot differ in “{shared[0]}”: they share it.")
    merged |= _plainer_layers(base.changed(merged), merged)
    config = base.changed(merged)
    registered = _registered_for(config)
    kept = {
        name: getattr(config, name)
        for name in ARM_FIELDS
        if name in merged and (name == "placement" or getattr(config, name) != getattr(base, name))
    }
    return _with_changes(registered, kept)


def _plainer_layers(config: Config, merged: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says where the norms stand, with no layer named one by one if all are alike."""
    if config.normalization == "none":
        return {name: () for name in LAYER_FIELDS if name in merged}
    numbers = [index + 1 for index in range(config.depth) if config.normalizes(index)]
    plainer: dict[str, Any] = {}
    if "normalized_layers" in merged and len(numbers) == config.depth:
        plainer["normalized_layers"] = ()
    if "moved_layers" in merged and numbers and set(numbers) <= set(config.moved_layers):
        other = config.placement_of(numbers[0] - 1)
        plainer |= {"placement": other, "moved_layers": ()}
    return plainer


def _registered_for(config: Config) -> Arm:
    """Return the registered arm of a config's normalization, and of its place if there is one."""
    kind = config.normalization
    alike = [one for one in ARMS.values() if dict(one.changes)["normalization"] == kind]
    placed = [one for one in alike if dict(one.changes).get("placement") == config.placement]
    return (placed or alike)[0]


def _with_changes(registered: Arm, kept: Mapping[str, Any]) -> Arm:
    """Return a registered arm with some fields changed, under its one name; itself if none are."""
    fixed = dict(registered.changes)
    unread = _UNREAD.get(registered.name, ())
    kept = {name: value for name, value in kept.items() if name not in unread}
    own = {
        name: kept[name] for name in ARM_FIELDS if name in kept and kept[name] != fixed.get(name)
    }
    if not own:
        return registered
    parts = [f"{SETTINGS[name].key}:{SETTINGS[name].write(value)}" for name, value in own.items()]
    name = ";".join([registered.name, *parts])
    if len(name) > LONGEST_NAME:
        raise SettingError(
            f"“{registered.label}” differs in too much for a link: {len(own)} settings. "
            "Set what the nets share for all of them instead."
        )
    place = own.get("placement", fixed.get("placement", "before"))
    changes = tuple({**fixed, **own}.items())
    return Arm(name, label_of(registered.label, own, place), changes, registered.help)


def arm_named(name: str) -> Arm:
    """Return the arm of a name as links have it, registered or derived.

    Errors: ``SettingError`` names the part that is no arm, no setting, or outside its limits.
    """
    first, *parts = name[: LONGEST_NAME + 1].split(";")
    if len(name) > LONGEST_NAME:
        raise SettingError("A net's name in the link is too long.")
    if first not in ARMS:
        raise SettingError(f"A net begins with one of: {', '.join(ARMS)}.")
    found: dict[str, Any] = {}
    for part in parts:
        key, _, text = part.partition(":")
        field = _FIELD_OF_KEY.get(key)
        if field is None or field == "normalization":
            raise SettingError(f"A net has no setting “{harmless(key)}” of its own.")
        if field in found:
            raise SettingError(f"A net sets “{key}” twice.")
        none_of_several = SETTINGS[field].kind == "wholes" and not text
        value = () if none_of_several else SETTINGS[field].read(text)
        found[field] = tuple(sorted(set(value))) if field in LAYER_FIELDS else value
    return _with_changes(ARMS[first], found)
