"""What experiments share: nets in training that can be touched, and the shape of an experiment.

K replicas, N examples, C classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bn_core import measures
from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.models import Net
from bn_core.results import ExperimentSpec, Progress, Result, TaskGenerator, Verdict
from bn_core.training import Batches, make_optimizer

Array = np.ndarray
PartialResult = dict[str, Any]
"""What one part of an experiment brings: plain numbers and arrays; "whole" once it has ended."""


@dataclass(frozen=True)
class Experiment:
    """An experiment: what it is, how its parts run, what they add up to, what that says.

    ``part(name, seeds, quick)`` yields progress, with the piece so far as ``partial``, and returns
    the piece. ``conclude`` makes the finding of the pieces there are, whole or not; ``judge``
    reads nothing but the finding.
    """

    about: ExperimentSpec
    part: Callable[[str, int, bool], TaskGenerator]
    conclude: Callable[[Mapping[str, PartialResult]], Result]
    judge: Callable[[Result], Verdict]


class Trainer:
    """K nets of one config in training, with all that an experiment may want to touch."""

    def __init__(self, config: Config, dataset: Dataset | None = None) -> None:
        self.config = config
        self.dataset = dataset or load(config)
        inputs, classes = self.dataset.train_inputs.shape[1], len(self.dataset.classes)
        self.net = Net(config, inputs, classes)
        self.optimizer = make_optimizer(self.net, config)
        self.batches = Batches(self.dataset, config)

    def step(self, batch: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Take one step of descent on a batch, the next by default; return the losses, (K,)."""
        inputs, labels = batch or self.batches.next()
        losses = measures.losses(self.net(inputs), labels)
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()

    def set_rate(self, rate: float) -> None:
        """Train with another learning rate from the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @torch.no_grad()
    def evaluate(
        self,
        statistics: str = "running",
        inputs: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return loss and accuracy, (K,) each, leaving the nets as they are.

        The validation data by default; ``inputs`` (N, D) or (K, N, D), ``labels`` (N,) or (K, N).
        """
        inputs = self.dataset.validation_inputs if inputs is None else inputs
        labels = self.dataset.validation_labels if labels is None else labels
        replicas = self.config.replicas
        inputs = inputs.expand(replicas, *inputs.shape) if inputs.dim() == 2 else inputs
        labels = labels.expand(replicas, *labels.shape) if labels.dim() == 1 else labels
        with self.net.evaluation_mode(statistics=statistics):
            logits = self.net(inputs)
        return measures.losses(logits, labels), measures.accuracy(logits, labels)


def steps_to_reach(level: float, steps: Array, values: Array) -> Array:
    """Return for each seed the first step at which ``values`` (R, T) reach a level; else NaN."""
    reached = values >= level
    first = np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.nan)
    return first.astype(float)


def progress(done: int, total: int, words: str, piece: PartialResult | None = None) -> Progress:
    """Return how far a part is, with its piece so far."""
    return Progress(done / max(total, 1), words, piece)


def whole(piece: PartialResult) -> PartialResult:
    """Return a piece marked as complete."""
    return piece | {"whole": True}
