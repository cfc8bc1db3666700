"""The list of experiments, read once from a worker: this process knows no torch."""

import functools

from bn_core.results import ExperimentSpec
from pages.shared import server

_SECONDS_TO_WAIT = 30


@functools.cache
def _asked():
    return server.pool().ask("catalogue")


def catalogue() -> dict[str, ExperimentSpec]:
    """Return every experiment by its slug; empty if no worker has answered in time."""
    study = _asked()
    if not study.wait(_SECONDS_TO_WAIT) or study.failure:
        _asked.cache_clear()
        return {}
    return {about.slug: about for about in study.result}
