"""The former place of the measures of smoothness, until every import names ``bn_core.probing``."""

from bn_core.probing.smoothness import *  # noqa: F403
