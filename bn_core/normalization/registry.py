"""Which normalizations of values and of weights a config asks for; a new one is one line here."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from bn_core.config import Config
from bn_core.normalization.base import Normalization
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.normalization.ghost import GhostBatchNorm
from bn_core.normalization.group import GroupNorm
from bn_core.normalization.instance import InstanceNorm
from bn_core.normalization.layer import LayerNorm
from bn_core.normalization.renorm import BatchRenorm
from bn_core.normalization.rms import RMSNorm
from bn_core.normalization.weight_norm import WeightNorm
from bn_core.normalization.weight_standardization import WeightStandardization
from bn_core.normalization.weights import Reparametrization


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
    "batch": lambda c, units: BatchNorm(track=c.bn_track, **_running(c, units)),
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
    """Return a new normalization of ``units`` units, or None where the config wants none of values.

    The config's width by default.
    """
    if config.value_norm == "none":
        return None
    return NORMALIZATIONS[config.value_norm](config, units or config.width)


def _standardized(config: Config, weight: Tensor, axes: tuple[int, ...]) -> Reparametrization:
    alone = config.value_norm == "none"
    return WeightStandardization(
        weight,
        axes,
        epsilon=config.bn_epsilon,
        activation=config.activation if alone else None,
        scale=config.bn_scale,
        initial_gamma=config.initial_gamma,
    )


WEIGHT_NORMS: Mapping[str, Callable[[Config, Tensor, tuple[int, ...]], Reparametrization]] = {
    "weightnorm": lambda c, weight, axes: WeightNorm(weight, axes),
    "weightstd": _standardized,
}


def reparametrization(
    config: Config, index: int, weight: Tensor, input_axes: tuple[int, ...]
) -> Reparametrization | None:
    """Return what computes the weights of layer ``index``, from 0, of its parameter ``weight``.

    None where they are the parameter itself, as in the output layer. ``input_axes`` are those that
    an output sums over.
    """
    if not config.normalizes_weights or index >= config.depth or not config.normalizes(index):
        return None
    return WEIGHT_NORMS[config.normalization](config, weight, input_axes)
