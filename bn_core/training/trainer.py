"""Nets in training: the one trainer that the Lab and the experiments use."""

from collections.abc import Callable, Iterator
from functools import cached_property

import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.nets import Net, build
from bn_core.probing import statistics as measures
from bn_core.training.batches import Batch, Batches
from bn_core.training.fused_step import FusedStep
from bn_core.training.optimizers import Optimizer, make_optimizer

Measure = Callable[[int], object]
"""Called with the number of steps taken so far."""


class Trainer:
    """K nets of one config in training, with all that an experiment may want to touch.

    ``dataset`` is the config's by default, one split for all replicas; ``net`` is what
    ``nets.build`` makes of the config, unless one is given. Nets that have a ``FusedStep`` are
    trained by it, all others, and all nets with ``fused=False``, by their ``forward`` and autograd.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset | None = None,
        net: Net | None = None,
        *,
        fused: bool = True,
    ) -> None:
        self.config, self.fused = config, fused
        self.dataset = dataset or load(config)
        classes = len(self.dataset.classes)
        self.net = net or build(config, self.dataset.input_shape, classes)
        self.batches = Batches(self.dataset, config)
        self.steps_taken = 0
        self._parameters = list(self.net.parameters())
        self.example_losses = torch.zeros(0)
        """The losses of the last batch, (K, N); from a fused step they have no graph."""
        self._logits = torch.zeros(0)
        self._labels = torch.zeros(0, dtype=torch.long)
        self._weight_of_example = torch.zeros(0)
        self._fused_steps: dict[int, FusedStep | None] = {}
        self._fused: FusedStep | None = None
        self._freeze_when_due()

    @cached_property
    def optimizer(self) -> Optimizer:
        """The optimizer, made when first needed: its import takes longer than a first snapshot."""
        return make_optimizer(self.net, self.config)

    def step(self, batch: Batch | None = None) -> Tensor:
        """Take one step of descent on a batch, the next by default; return the losses, (K,).

        The losses are those before the step, in nats. The gradients stay until the next step.
        """
        losses = self.forward(batch or self.batches.next())
        self.descend()
        return losses

    def forward(self, batch: Batch) -> Tensor:
        """Return the losses of a batch, (K,), and keep what ``descend`` needs of it."""
        inputs, self._labels = batch
        self._fused = self._fused_step(inputs.shape[1])
        if self._fused is not None:
            self.example_losses = self._fused.forward(inputs, self._labels)
            self._logits = self._fused.logits
        else:
            self._logits = self._logits_of(inputs)
            self.example_losses = measures.cross_entropies(self._logits, self._labels)
        return self.example_losses.detach().mean(dim=1)

    def _logits_of(self, inputs: Tensor) -> Tensor:
        """Return the logits of a batch, which passes in the config's number of micro-batches.

        The gradient of the mean loss of all of them is what accumulating theirs gives.
        """
        parts = min(self.config.accumulate, inputs.shape[1])
        if parts == 1:
            return self.net(inputs)
        return torch.cat([self.net(part) for part in inputs.tensor_split(parts, dim=1)], dim=1)

    def descend(self) -> None:
        """Take the step along the gradient of the last ``forward``'s losses."""
        self.backward()
        self.optimizer.step()
        self.steps_taken += 1
        self._freeze_when_due()

    def _freeze_when_due(self) -> None:
        """Freeze the norms' statistics or parameters, as the config says, after a number of steps.

        Frozen statistics are those of inference: the layer is in that mode from then on.
        """
        config = self.config
        if self.steps_taken != config.freeze_at:
            return
        norms = [layer.norm for layer in (*self.net.hidden, self.net.output)]
        for norm in filter(None, norms):
            if config.freezes_statistics:
                norm.eval()
            for parameter in norm.parameters() if config.freezes_parameters else ():
                parameter.requires_grad_(False)
                parameter.grad = None

    def backward(self) -> None:
        """Give each parameter the gradient of the last ``forward``'s losses."""
        if self._fused is not None:
            self._fused.backward()
            return
        self.forget_gradients()
        self.example_losses.backward(self._example_weights())

    def train_accuracy(self) -> Tensor:
        """Return the share of right answers in the last ``forward``'s batch, (K,)."""
        return measures.accuracy(self._logits.detach(), self._labels)

    def forget_gradients(self) -> None:
        """Drop the gradients of all parameters."""
        for parameter in self._parameters:
            parameter.grad = None

    def set_rate(self, rate: float) -> None:
        """Train with another learning rate from the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def steps(
        self,
        count: int,
        *,
        every: int = 1,
        measure: Measure | None = None,
        from_start: bool = False,
        take: Callable[[], object] | None = None,
    ) -> Iterator[int]:
        """Take so many steps; yield after each how many have been taken by this call.

        ``measure(done)`` is called after every ``every`` steps and after the last; with
        ``from_start`` before the first too, with 0. ``take`` replaces ``step``. The rate changes
        that the config plans are made on the way.
        """
        changes = dict(self.config.rate_changes)
        if measure and from_start:
            measure(0)
        for done in range(1, count + 1):
            if self.steps_taken in changes:
                self.set_rate(changes[self.steps_taken])
            (take or self.step)()
            if measure and (done % every == 0 or done == count):
                measure(done)
            yield done

    @torch.no_grad()
    def evaluate(
        self,
        statistics: str = "running",
        inputs: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return loss and accuracy, (K,) each, leaving the nets as they are.

        The validation data by default; ``inputs`` (N, D) or (K, N, D), ``labels`` (N,) or (K, N).
        ``statistics`` is "running" or "batch", see ``Net.evaluation_mode``.
        """
        inputs = self.for_each_replica(self.dataset.validation_inputs if inputs is None else inputs)
        labels = self.dataset.validation_labels if labels is None else labels
        labels = labels.expand(self.config.replicas, -1)
        logits = self.net.evaluated(inputs, statistics=statistics)
        return measures.losses(logits, labels), measures.accuracy(logits, labels)

    def for_each_replica(self, inputs: Tensor) -> Tensor:
        """Return inputs (N, D) or (K, N, D) as (K, N, D)."""
        return inputs.expand(self.config.replicas, *inputs.shape[-2:])

    def _fused_step(self, examples: int) -> FusedStep | None:
        """Return the fused step for batches of a size; None where the net has none now."""
        if not self.fused or self.config.accumulate > 1:
            return None
        if examples not in self._fused_steps:
            supported = FusedStep.supports(self.net, examples)
            self._fused_steps = {examples: FusedStep(self.net, examples) if supported else None}
        step = self._fused_steps[examples]
        return step if step is not None and step.valid else None

    def _example_weights(self) -> Tensor:
        """Return 1 / N for every example: each replica descends its own mean loss."""
        losses, weights = self.example_losses, self._weight_of_example
        if weights.shape != losses.shape or weights.dtype != losses.dtype:
            self._weight_of_example = torch.full_like(losses.detach(), 1 / losses.shape[1])
        return self._weight_of_example
