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
from bn_core.normalization.registry import (
    NORMALIZATIONS,
    WEIGHT_NORMS,
    normalization,
    reparametrization,
)
from bn_core.normalization.renorm import BatchRenorm
from bn_core.normalization.rms import RMSNorm
from bn_core.normalization.weight_norm import WeightNorm
from bn_core.normalization.weight_standardization import WeightStandardization
from bn_core.normalization.weights import OF_CONVOLUTION, OF_LINEAR_MAP, Reparametrization

__all__ = [
    "NORMALIZATIONS",
    "OF_CONVOLUTION",
    "OF_LINEAR_MAP",
    "WEIGHT_NORMS",
    "BatchNorm",
    "BatchRenorm",
    "GhostBatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "Normalization",
    "RMSNorm",
    "Reparametrization",
    "Statistics",
    "WeightNorm",
    "WeightStandardization",
    "batch_moments",
    "moments",
    "normalization",
    "normalize",
    "reparametrization",
    "scale_and_shift",
]
