"""Batch norm's statistics, computed anew: PreciseBN, and adaptation to other data."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from bn_core.normalization import BatchNorm
from bn_core.training import Trainer


@contextmanager
def recomputed(
    trainer: Trainer, inputs: Tensor | None = None, batch_size: int | None = None
) -> Iterator[None]:
    """Use statistics computed from data for the weights of now, while the block runs.

    mu = mean over batches of mu_B; var = mean over batches of the unbiased var_B, the weights
    fixed. Without ``batch_size`` all data are one batch. ``inputs`` (N, D) or (K, N, D): the
    training data by default. Source: Wu & Johnson 2021 (arXiv 2105.07576), section 3, "PreciseBN".
    """
    kept = [
        (norm.running_mean, norm.running_variance, norm.momentum, norm.batches_seen)
        for norm in batch_norms(trainer)
    ]
    for norm in batch_norms(trainer):
        assert norm.running_mean is not None and norm.running_variance is not None
        norm.running_mean = torch.zeros_like(norm.running_mean)
        norm.running_variance = torch.ones_like(norm.running_variance)
        norm.momentum, norm.batches_seen = None, 0
    data = trainer.dataset.train_inputs if inputs is None else inputs
    with torch.no_grad():
        for batch in data.split(batch_size or data.shape[-2], dim=-2):
            trainer.net(trainer.for_each_replica(batch))
    try:
        yield
    finally:
        for norm, (mean, variance, momentum, seen) in zip(batch_norms(trainer), kept, strict=True):
            norm.running_mean, norm.running_variance = mean, variance
            norm.momentum, norm.batches_seen = momentum, seen


def batch_norms(trainer: Trainer) -> list[BatchNorm]:
    """Return the net's batch norms, first to last."""
    return [norm for norm in trainer.net.norms if isinstance(norm, BatchNorm)]
