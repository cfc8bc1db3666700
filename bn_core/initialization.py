"""The former place of the initial weights, until every import names ``bn_core.nets``."""

from bn_core.nets.initialization import INITIALIZATIONS, initial_bias, initial_weight

__all__ = ["INITIALIZATIONS", "initial_bias", "initial_weight"]
