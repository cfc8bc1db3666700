"""One arm of a comparison in training."""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.probing import Probe, measure_net
from bn_core.probing import statistics as measures
from bn_core.records import Array, Divergence, NetStatistics
from bn_core.training.batches import Batch
from bn_core.training.divergence import first_bad_layer
from bn_core.training.trainer import Trainer


@dataclass(frozen=True)
class ArmStep:
    """What one step of one arm brought."""

    loss: Array  # (K,)
    seconds: float
    divergences: tuple[Divergence, ...]
    snapshot: NetStatistics | None


class ArmTrainer:
    """One arm in training: its nets, and which replicas still have finite losses."""

    def __init__(self, index: int, config: Config, dataset: Dataset, probe: Probe) -> None:
        self.index, self.config, self.probe = index, config, probe
        self.trainer = Trainer(config, dataset)
        self.finite = [True] * config.replicas
        net = self.trainer.net
        self._measured = [layer.weights for layer in net.probed] + [net.output.linear.weight]
        self._no_update = torch.full((config.replicas, len(self._measured)), math.nan)

    @property
    def going(self) -> bool:
        """Whether any replica still has a finite loss."""
        return any(self.finite)

    def initial_snapshot(self, batch: Batch) -> NetStatistics:
        """Measure the untrained nets, with the gradient of the first batch."""
        trainer = self.trainer
        with trainer.net.evaluation_mode(statistics="batch"):
            trainer.forward(batch)
            trainer.backward()
        snapshot = self._measure(self._no_update)
        trainer.forget_gradients()
        return snapshot

    def step(
        self, step: int, batch: Batch, rate: float, snapshot: bool, live: bool = False
    ) -> ArmStep:
        """Take one step of gradient descent, with a snapshot if asked.

        A ``live`` one is for the display: it lacks the update ratio, whose weights before the step
        would have to be kept, and what else the display leaves out.
        """
        if not self.going:
            return ArmStep(np.full(self.config.replicas, math.nan), 0.0, (), None)
        began = time.perf_counter()
        loss = self.trainer.forward(batch).numpy()
        divergences = self._new_divergences(step, batch[0], loss)
        before = [weight.detach().clone() for weight in self._measured] if snapshot else []
        self.trainer.set_rate(rate)
        self.trainer.descend()
        seconds = time.perf_counter() - began
        statistics = None
        if snapshot and self.going:
            after = [weight.detach() for weight in self._measured]
            statistics = self._measure(measures.update_ratios(before, after))
        elif live and self.going:
            statistics = self._measure(self._no_update, live=True)
        return ArmStep(loss, seconds, divergences, statistics)

    def _measure(self, updates: Tensor, *, live: bool = False) -> NetStatistics:
        trainer = self.trainer
        norms = measures.matrix_norms(trainer.net.probed_gradients)
        accuracy = trainer.train_accuracy()
        return measure_net(trainer.net, self.probe, accuracy, norms, updates, live=live)

    def _new_divergences(self, step: int, inputs: Tensor, loss: Array) -> tuple[Divergence, ...]:
        """Return where each replica broke whose loss is not finite for the first time."""
        finite = [math.isfinite(one) for one in loss.tolist()]
        if all(finite):
            return ()
        broken = [k for k, held in enumerate(self.finite) if held and not finite[k]]
        for replica in broken:
            self.finite[replica] = False
        net = self.trainer.net
        return tuple(
            Divergence(self.index, replica, step, *first_bad_layer(net, inputs, replica))
            for replica in broken
        )
