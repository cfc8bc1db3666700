"""The list of experiments, read once from a worker: this process knows no torch."""

import functools

from bn_core.results import ExperimentSpec
from bn_core.service.study import Task
from pages.shared.tasks.requests import submit

_SECONDS_TO_WAIT = 30
_NOBODY = ""


@functools.cache
def _request() -> Task:
    return submit(_NOBODY, "catalogue")


def catalogue() -> dict[str, ExperimentSpec]:
    """Return every experiment by its slug; empty if no worker has answered in time."""
    task = _request()
    if not task.wait(_SECONDS_TO_WAIT) or task.failure:
        _request.cache_clear()
        return {}
    return {spec.slug: spec for spec in task.result}
