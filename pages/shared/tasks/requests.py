"""What pages ask the pool to compute.

This module and ``lab/runs.py`` are the only ones that call the pool.
"""

from typing import Any

from bn_core.results import ExperimentSpec
from bn_core.service.study import Task
from pages.shared import server


def submit(visitor: str, name: str, **arguments: Any) -> Task:
    """Begin a computation by its name. Errors: ``PoolFull`` if too many are asked for."""
    del visitor  # the pool does not tell visitors apart
    return server.pool().ask(name, **arguments)


def shards(spec: ExperimentSpec) -> tuple[str, ...]:
    """Return the names of an experiment's shards, which are computed side by side."""
    return spec.parts


def submit_shard(
    visitor: str, spec: ExperimentSpec, shard: str, seeds: int, first_seed: int, quick: bool
) -> Task:
    """Begin one shard of an experiment. Errors: ``PoolFull``."""
    del first_seed  # experiments begin with seed 0
    arguments = {"slug": spec.slug, "part": shard, "seeds": seeds, "quick": quick}
    return submit(visitor, "experiment part", **arguments)


def submit_summary(
    visitor: str, spec: ExperimentSpec, partials: dict[str, Any], quick: bool
) -> Task:
    """Begin to put shards' results together. Errors: ``PoolFull``."""
    del quick
    return submit(visitor, "experiment finding", slug=spec.slug, pieces=partials)
