"""What experiments share: nets in training, the work of a shard, the shape of an experiment.

K replicas (one for each of R seeds), N examples, C classes, T measurements.
"""

import dataclasses
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bn_core.comparison import ARMS
from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments.effects import Control, Effect
from bn_core.experiments.verdicts import decide
from bn_core.nets import Net
from bn_core.probing import statistics as measures
from bn_core.results import ExperimentSpec, Progress, Result, TaskGenerator, Verdict
from bn_core.training import Trainer
from bn_core.training.batches import Batch

Array = np.ndarray
PartialResult = dict[str, Any]
"""What one shard of an experiment brings: plain numbers and arrays; "complete" once it ended."""


@dataclass(frozen=True)
class Experiment:
    """An experiment: what it is, how its shards run, what they add up to, what a verdict needs.

    ``shard(name, seeds, first_seed, quick)`` yields progress, with the result so far as
    ``partial``, and returns the partial result. ``summarize`` makes the result of the shards there
    are, complete or not. Effects and controls name metrics of that result, which it must hold once
    every shard is complete. ``remarks`` adds a sentence of measured numbers to the verdict's words.
    """

    spec: ExperimentSpec
    shard: Callable[[str, int, int, bool], TaskGenerator]
    summarize: Callable[[Mapping[str, PartialResult]], Result]
    effects: tuple[Effect, ...]
    controls: tuple[Control, ...] = ()
    remarks: Callable[[Result], str] | None = None

    def decide(self, result: Result, *, quick: bool = False) -> Verdict:
        """Return what a complete result says about the claim."""
        values = {metric.key: metric.values for metric in result.metrics}
        verdict = decide(self.effects, self.controls, values, quick=quick)
        if self.remarks is None:
            return verdict
        remarks = self.remarks(result)
        return dataclasses.replace(verdict, words=f"{verdict.words} {remarks}", remarks=remarks)


class Shard:
    """The work of one shard: how much of it is done, and its partial result so far."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.partial: PartialResult = {}

    def put(self, **found: Any) -> None:
        """Add to the partial result, or replace what has the same name."""
        self.partial = self.partial | found

    def advance(self, words: str, units: int = 1) -> Progress:
        """Return how far the shard is once ``units`` more of its ``total`` are done."""
        self.done += units
        return Progress(min(self.done / max(self.total, 1), 1.0), words, self.partial)

    def complete(self) -> PartialResult:
        """Return the partial result, marked as complete."""
        return self.partial | {"complete": True}

    def train(
        self,
        trainer: Trainer,
        steps: int,
        words: str,
        *,
        every: int = 0,
        measure: Callable[[Trainer], Mapping[str, Array]] | None = None,
        prefix: str = "",
        from_start: bool = False,
        draw: Callable[[], Batch] | None = None,
    ) -> Generator[Progress, None, Array]:
        """Train for a number of steps, measuring every so many; return the losses, (R, T).

        ``measure(trainer)`` returns arrays (R, ...) by name; they are put as (R, T, ...) under
        ``prefix`` + name, their steps (T,) as ``prefix`` + "steps". ``from_start`` measures before
        the first step too. ``draw`` gives the batches, instead of the trainer's own. A loss that
        is not finite is inf, and so are all that follow; training ends early only if every net
        has diverged and nothing is measured. Takes ``steps`` of the shard's total.
        """
        series = Series(prefix)
        losses = np.full((trainer.config.replicas, steps), np.inf)
        alive = np.ones(trainer.config.replicas, bool)
        if measure and from_start:
            self.put(**series.extended(0, measure(trainer)))
        for step in range(1, steps + 1):
            loss = trainer.step(draw() if draw else None).numpy()
            alive &= np.isfinite(loss)
            losses[alive, step - 1] = loss[alive]
            if measure and step % every == 0:
                self.put(**series.extended(step, measure(trainer)))
            yield self.advance(f"{words}, step {step}")
            if not (measure or alive.any()):
                self.done += steps - step
                break
        return losses


class Series:
    """Measurements of R seeds at successive steps, collected into arrays (R, T, ...)."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.steps: list[int] = []
        self.rows: dict[str, list[Array]] = {}

    def extended(self, step: int, measured: Mapping[str, Array]) -> PartialResult:
        """Add arrays (R, ...) measured after a step; return all so far, by prefixed name."""
        self.steps.append(step)
        for name, row in measured.items():
            self.rows.setdefault(name, []).append(np.asarray(row))
        stacked = {self.prefix + name: np.stack(rows, 1) for name, rows in self.rows.items()}
        return {f"{self.prefix}steps": np.array(self.steps)} | stacked


def arm_label(name: str) -> str:
    """Return the label of a registered arm."""
    return ARMS[name].label


def arm_config(name: str, base: Config) -> Config:
    """Return the config that a registered arm makes of a base config."""
    return ARMS[name].config(base)


def make_trainer(config: Config) -> Trainer:
    """Return K nets, each with the data split, weights and batches of its own seed."""
    return Trainer(config, load_per_seed(config))


def exact_trainer(config: Config, epsilon: float | None = None) -> Trainer:
    """Return what ``make_trainer`` does with nets and data in float64.

    ``epsilon`` replaces that of every normalization, if given.
    """
    data = load_per_seed(config)
    inputs = {
        "train_inputs": data.train_inputs.double(),
        "validation_inputs": data.validation_inputs.double(),
    }
    trainer = Trainer(config, dataclasses.replace(data, **inputs))
    trainer.net.double()
    if epsilon is not None:
        for norm in trainer.net.norms:
            norm.epsilon = epsilon
    return trainer


def loss_and_gradient(net: Net, batch: Batch) -> tuple[Tensor, list[Tensor]]:
    """Return each net's loss of a batch, by batch statistics, (K,), and the parameters' gradients.

    The net is left as it is, running averages included.
    """
    with net.evaluation_mode(statistics="batch"):
        losses = measures.losses(net(batch[0]), batch[1])
    return losses.detach(), list(torch.autograd.grad(losses.sum(), list(net.parameters())))


def validation_accuracy(
    trainer: Trainer,
    statistics: str = "running",
    inputs: Tensor | None = None,
    labels: Tensor | None = None,
) -> Array:
    """Return the accuracy of each net, (K,); 0 if its loss is not finite.

    On the validation data, or on other ``inputs`` and ``labels``, as ``Trainer.evaluate``.
    """
    loss, accuracy = trainer.evaluate(statistics, inputs, labels)
    return np.where(loss.isfinite(), accuracy, 0.0)


def half_accuracies(trainer: Trainer, statistics: str = "running") -> tuple[Array, Array]:
    """Return the accuracies on the two halves of the validation data, (K,) each.

    A setting that is chosen by the first is reported by the second, which it was not fitted to.
    """
    inputs, labels = trainer.dataset.validation_inputs, trainer.dataset.validation_labels
    first, second = (
        validation_accuracy(trainer, statistics, inputs[..., start::2, :], labels[..., start::2])
        for start in (0, 1)
    )
    return first, second


def error_ratio(running: Array, precise: Array, examples: int) -> Array:
    """Return (e_running + 1/2) / (e_precise + 1/2), (R,), e the misclassified of the examples.

    The half keeps the ratio finite where a net makes no error at all.
    """
    return (examples * (1 - running) + 0.5) / (examples * (1 - precise) + 0.5)


def steps_to_reach(level: float, steps: Array, values: Array) -> Array:
    """Return for each seed the first step at which ``values`` (R, T) reach a level; else inf."""
    reached = values >= level
    first = np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.inf)
    return first.astype(float)


def steps_ratio(slower: Array, faster: Array, budget: int) -> Array:
    """Return slower / faster of steps (R,) that are inf where a level was not reached.

    The slower one is censored at the ``budget`` it was trained for, which makes the ratio a lower
    bound; where the faster one never got there the ratio is 0, the worst value.
    """
    return np.minimum(slower, budget) / faster


def is_complete(partials: Mapping[str, PartialResult], shards: Sequence[str]) -> bool:
    """Return whether every one of these shards has ended."""
    return all(partials.get(name, {}).get("complete", False) for name in shards)
