"""Which normalization a config asks for; a new one is one line here."""

from collections.abc import Callable, Mapping
from typing import Any

from bn_core.config import Config
from bn_core.normalization.base import Normalization
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.normalization.ghost import GhostBatchNorm
from bn_core.normalization.group import GroupNorm
from bn_core.normalization.instance import InstanceNorm
from bn_core.normalization.layer import LayerNorm
from bn_core.normalization.renorm import BatchRenorm
from bn_core.normalization.rms import RMSNorm


def _usual(config: Config, units: int) -> dict[str, Any]:
    """Return what every normalization is told."""
    return {
        "replicas": config.replicas,
        "units": units,
        "epsilon": config.bn_epsilon,
        "scale": config.bn_scale,
        "shift": config.bn_shift,
        "initial_gamma": config.initial_gamma,
        "initial_beta": config.initial_beta,
    }


def _running(config: Config, units: int) -> dict[str, Any]:
    """Return what a normalization with running averages is told."""
    return _usual(config, units) | {
        "momentum": None if config.bn_cumulative else config.bn_momentum
    }


NORMALIZATIONS: Mapping[str, Callable[[Config, int], Normalization]] = {
    "batch": lambda c, units: BatchNorm(**_running(c, units)),
    "layer": lambda c, units: LayerNorm(**_usual(c, units)),
    "group": lambda c, units: GroupNorm(groups=c.groups, **_usual(c, units)),
    "instance": lambda c, units: InstanceNorm(**_usual(c, units)),
    "ghost": lambda c, units: GhostBatchNorm(ghost_size=c.ghost_size, **_running(c, units)),
    "renorm": lambda c, units: BatchRenorm(
        r_max=c.renorm_rmax, d_max=c.renorm_dmax, **_running(c, units)
    ),
    "rms": lambda c, units: RMSNorm(**_usual(c, units)),
}


def normalization(config: Config, units: int | None = None) -> Normalization | None:
    """Return a new normalization of ``units`` units, or None where the config wants none.

    The config's width by default.
    """
    if config.normalization == "none":
        return None
    return NORMALIZATIONS[config.normalization](config, units or config.width)
