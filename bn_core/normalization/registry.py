"""Which normalization a config asks for; a new one is one line here."""

from collections.abc import Callable, Mapping
from typing import Any

from bn_core.config import Config
from bn_core.normalization.base import Normalization
from bn_core.normalization.batch import BatchNorm
from bn_core.normalization.ghost import GhostBatchNorm
from bn_core.normalization.group import GroupNorm
from bn_core.normalization.instance import InstanceNorm
from bn_core.normalization.layer import LayerNorm
from bn_core.normalization.renorm import BatchRenorm


def _usual(config: Config) -> dict[str, Any]:
    """Return what every normalization is told."""
    return {
        "replicas": config.replicas,
        "units": config.width,
        "epsilon": config.bn_epsilon,
        "scale": config.bn_scale,
        "shift": config.bn_shift,
    }


def _running(config: Config) -> dict[str, Any]:
    """Return what a normalization with running averages is told."""
    return _usual(config) | {"momentum": None if config.bn_cumulative else config.bn_momentum}


NORMALIZATIONS: Mapping[str, Callable[[Config], Normalization]] = {
    "batch": lambda c: BatchNorm(**_running(c)),
    "layer": lambda c: LayerNorm(**_usual(c)),
    "group": lambda c: GroupNorm(groups=c.groups, **_usual(c)),
    "instance": lambda c: InstanceNorm(**_usual(c)),
    "ghost": lambda c: GhostBatchNorm(ghost_size=c.ghost_size, **_running(c)),
    "renorm": lambda c: BatchRenorm(r_max=c.renorm_rmax, d_max=c.renorm_dmax, **_running(c)),
}


def normalization(config: Config) -> Normalization | None:
    """Return a new normalization of one hidden layer, or None where the config wants none."""
    if config.normalization == "none":
        return None
    return NORMALIZATIONS[config.normalization](config)
