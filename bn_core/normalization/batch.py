"""The former place of ``BatchNorm``, until every import names ``batch_norm``."""

from bn_core.normalization.batch_norm import BatchNorm

__all__ = ["BatchNorm"]
