"""What pages ask the pool to compute.

This module and ``lab/runs.py`` are the only ones that call the pool.
"""

from typing import Any

from bn_core.results import ExperimentSpec
from bn_core.service.pool_executor import PoolExecutor
from bn_core.service.tasks import ComputationTask
from pages.shared import server


def submit(visitor: str, name: str, **arguments: Any) -> ComputationTask:
    """Begin a computation by its name. Errors: ``PoolFull`` if too many are asked for."""
    return server.pool().submit(name, visitor, **arguments)


def submit_shard(
    visitor: str, spec: ExperimentSpec, shard: str, seeds: int, first_seed: int, quick: bool
) -> ComputationTask:
    """Begin one shard of an experiment. Errors: ``PoolFull``."""
    return submit(
        visitor,
        "experiment part",
        slug=spec.slug,
        shard=shard,
        seeds=seeds,
        first_seed=first_seed,
        quick=quick,
    )


def submit_summary(
    visitor: str, spec: ExperimentSpec, partials: dict[str, Any], quick: bool
) -> ComputationTask:
    """Begin to put shards' results together. Errors: ``PoolFull``."""
    return submit(visitor, "experiment finding", slug=spec.slug, partials=partials, quick=quick)


def pool_executor(visitor: str) -> PoolExecutor:
    """Return the pool as an executor of the lines of maps."""
    return PoolExecutor(server.pool(), visitor)
