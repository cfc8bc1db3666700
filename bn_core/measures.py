"""The former place of the measures, until every import names ``bn_core.probing.statistics``."""

from bn_core.probing.statistics import *  # noqa: F403
