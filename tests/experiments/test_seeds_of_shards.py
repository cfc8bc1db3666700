"""A shard measures the same of a seed whether it runs alone or with others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from bn_core.experiments import shard_of

SHARDS = [
    ("figure1", "before", 30),
    ("noisy", "noisy", 12),
    ("noisy", "none-noisy", 12),
    ("ics", "none", 40),
    ("landscape", "before", 15),
    ("scale", "before", 15),
    ("affine", "affine", 30),
]
"""Experiment, shard, and after how much of its progress it is compared."""


def partial_of(slug: str, shard: str, progress: int, seeds: int, first_seed: int) -> Mapping:
    """Return what a shard has found after some of its progress."""
    working = shard_of(slug, shard, seeds, first_seed, True)
    partial: dict[str, Any] = {}
    for _ in range(progress):
        partial = next(working).partial
    return partial


@pytest.mark.parametrize(("slug", "shard", "progress"), SHARDS)
def test_a_seed_alone_is_that_seed_of_three(slug: str, shard: str, progress: int):
    together = partial_of(slug, shard, progress, 3, 4)
    alone = partial_of(slug, shard, progress, 1, 5)
    assert together.keys() == alone.keys()
    measured = [key for key in alone if key != "count" and not key.endswith("steps")]
    assert measured
    for key in measured:
        assert together[key].shape == (3, *alone[key].shape[1:])
        np.testing.assert_allclose(together[key][1], alone[key][0], rtol=1e-4, atol=1e-5)
        others = together[key][0], together[key][2]
        assert key in ("accuracy", "cosine") or all((one != alone[key][0]).any() for one in others)
