"""The list of experiments, read once from a worker: this process knows no torch."""

import functools

from bn_core.results import ExperimentSpec
from bn_core.service.tasks import ComputationTask
from pages.shared.tasks.requests import submit

_NOBODY = ""


@functools.cache
def _request() -> ComputationTask:
    return submit(_NOBODY, "catalogue")


def catalogue(seconds: float = 30.0) -> dict[str, ExperimentSpec]:
    """Return every experiment by its slug; empty if no worker has answered in time."""
    task = _request()
    if not task.wait(seconds):
        return {}
    if task.failure:
        _request.cache_clear()
        return {}
    return {spec.slug: spec for spec in task.result}
