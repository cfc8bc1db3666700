"""Batch normalization and its relatives, one file each; ``registry`` lists them."""

from bn_core.normalization.base import (
    Normalization,
    Statistics,
    batch_moments,
    moments,
    normalize,
    scale_and_shift,
)
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.normalization.ghost import GhostBatchNorm
from bn_core.normalization.group import GroupNorm
from bn_core.normalization.instance import InstanceNorm
from bn_core.normalization.layer import LayerNorm
from bn_core.normalization.registry import NORMALIZATIONS, normalization
from bn_core.normalization.renorm import BatchRenorm
from bn_core.normalization.rms import RMSNorm

__all__ = [
    "NORMALIZATIONS",
    "BatchNorm",
    "BatchRenorm",
    "GhostBatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "Normalization",
    "RMSNorm",
    "Statistics",
    "batch_moments",
    "moments",
    "normalization",
    "normalize",
    "scale_and_shift",
]
