"""Training as a generator: ``for snapshot in train(comparison)`` is the whole protocol.

To pause is not to ask for the next snapshot; to stop is to ask no more.
"""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bn_core import measures
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.models import Net
from bn_core.probes import Probe, measure_net
from bn_core.randomness import generator
from bn_core.records import (
    Array,
    Divergence,
    Ending,
    NetStatistics,
    Record,
    RecordChunk,
    Snapshot,
    StepResult,
    snapshot_spacing,
)


@dataclass(frozen=True)
class Request:
    """What the caller wants of the next step, handed over with ``training.send(request)``."""

    learning_rate: float | None = None
    snapshot: bool = False


Training = Generator[StepResult, Request | None, Ending]


def prepare_process() -> None:
    """Set torch up as the app's workers do: one thread, and numbers below 1e-38 counted as zero.

    Without the second, nets whose gradients vanish train up to a hundred times slower.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def run(comparison: Comparison) -> Record:
    """Train a comparison to its end and return the record."""
    setup = Setup.of(comparison)
    training = train(comparison, setup)
    record, step_results = Record(comparison, setup.probe.summary()), []
    while True:
        try:
            step_results.append(next(training))
        except StopIteration as stop:
            return record.extended(RecordChunk.of(step_results)).ended(stop.value)


@dataclass(frozen=True)
class Setup:
    """The data of a comparison and the probe that looks at its nets."""

    dataset: Dataset
    probe: Probe

    @classmethod
    def of(cls, comparison: Comparison) -> "Setup":
        """Load the data. Errors: ``ValueError`` if the comparison cannot be trained."""
        if comparison.problem():
            raise ValueError(comparison.problem())
        dataset = load(comparison.base)
        return cls(dataset, Probe.of(dataset, comparison.base))


@dataclass(frozen=True)
class Start:
    """The untrained nets of a comparison, their batches, and the result of step 0."""

    arms: "list[_Arm]"
    batches: "Batches"
    result: StepResult


def build(comparison: Comparison, setup: Setup) -> Generator[None, None, Start]:
    """Build the nets and take their first snapshot; yield after each arm, as both take a while."""
    arms, statistics = [], []
    for index, config in enumerate(comparison.configs):
        arms.append(_Arm(index, config, setup))
        yield
    batches = Batches(setup.dataset, comparison.base)
    for arm in arms:
        statistics.append(arm.initial_snapshot(batches.first()))
        yield
    return Start(arms, batches, _initial_step_result(arms, statistics))


def built(comparison: Comparison, setup: Setup) -> Start:
    """Build the nets in one go."""
    building = build(comparison, setup)
    while True:
        try:
            next(building)
        except StopIteration as stop:
            return stop.value


def train(
    comparison: Comparison, setup: Setup | None = None, start: Start | None = None
) -> Training:
    """Yield a snapshot of the untrained nets, then the result of each step; return the ending.

    All arms see the same batches and share their initial weights. Snapshots are taken at an even
    spacing and whenever a request asks. A replica whose loss is no longer finite has diverged; an
    arm without replicas stops, the others go on. The last step result carries the ending too.
    """
    start = start or built(comparison, setup or Setup.of(comparison))
    arms, batches = start.arms, start.batches
    base = comparison.base
    rate, changes = base.learning_rate, dict(base.rate_changes)
    spacing = snapshot_spacing(base.steps)
    request = yield start.result
    for step in range(1, base.steps + 1):
        request = request or Request()
        if request.learning_rate is not None:
            changes = {step - 1: request.learning_rate}  # what the reader does now replaces plans
        new_rate = changes.get(step - 1, rate)
        changed, rate = new_rate != rate, new_rate
        snapshot = request.snapshot or step % spacing == 0 or step == base.steps
        batch = batches.next()
        results = [arm.step(step, batch, rate, snapshot) for arm in arms]
        ending = _ending(step, base.steps, arms)
        request = yield replace(_joined(step, rate, changed, results, snapshot), ending=ending)
        if ending is not None:
            return ending
    raise AssertionError("The last step ends a run.")


def _ending(step: int, steps: int, arms: "list[_Arm]") -> Ending | None:
    if not any(arm.going for arm in arms):
        return Ending("diverged", step)
    return Ending("finished", step) if step == steps else None


class Batches:
    """Mini-batches for K replicas, each with its own order, shuffled anew every epoch."""

    def __init__(self, dataset: Dataset, config: Config) -> None:
        self.dataset, self.size = dataset, config.batch_size
        seeds = range(config.seed, config.seed + config.replicas)
        self.generators = [generator(seed, "batches") for seed in seeds]
        self.order = self._shuffled()
        self.start = 0

    def first(self) -> tuple[Tensor, Tensor]:
        """Return the first batch, without moving on."""
        return self._batch(0)

    def next(self) -> tuple[Tensor, Tensor]:
        """Return the next batch: inputs (K, B, D) and labels (K, B). Every batch is full."""
        if self.start + self.size > self.dataset.train_size:
            self.order, self.start = self._shuffled(), 0
        batch = self._batch(self.start)
        self.start += self.size
        return batch

    def _batch(self, start: int) -> tuple[Tensor, Tensor]:
        chosen = self.order[:, start : start + self.size].flatten()
        shape = (len(self.order), self.size)
        inputs = self.dataset.train_inputs.index_select(0, chosen)
        labels = self.dataset.train_labels.index_select(0, chosen)
        return inputs.view(*shape, -1), labels.view(shape)

    def _shuffled(self) -> Tensor:
        count = self.dataset.train_size
        return torch.stack([torch.randperm(count, generator=g) for g in self.generators])


@dataclass(frozen=True)
class _Result:
    loss: Array  # (K,)
    seconds: float
    divergences: tuple[Divergence, ...]
    snapshot: NetStatistics | None


class _Arm:
    """One arm in training: K nets, their optimizer, and which of them still have finite losses."""

    def __init__(self, index: int, config: Config, setup: Setup) -> None:
        self.index, self.config, self.probe = index, config, setup.probe
        inputs = setup.dataset.train_inputs.shape[1]
        self.net = Net(config, inputs, len(setup.dataset.classes))
        self.weights = [linear.weight for linear in self.net.linears]
        self.finite = [True] * config.replicas
        self._parameters = list(self.net.parameters())
        # Each replica descends its own mean loss: every example has the weight 1 / N.
        shape = (config.replicas, config.batch_size)
        self._weight_of_example = torch.full(shape, 1 / config.batch_size)
        self._optimizer: torch.optim.Optimizer | None = None

    @property
    def going(self) -> bool:
        """Whether any replica still has a finite loss."""
        return any(self.finite)

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer, made when first needed: its import takes longer than a first look."""
        if self._optimizer is None:
            self._optimizer = make_optimizer(self.net, self.config)
        return self._optimizer

    def initial_snapshot(self, batch: tuple[Tensor, Tensor]) -> NetStatistics:
        """Look at the untouched nets, with the gradient of the first batch."""
        with self.net.evaluation_mode(statistics="batch"):
            logits = self.net(batch[0])
            measures.losses(logits, batch[1]).sum().backward()
        no_update = torch.full((self.config.replicas, len(self.weights)), math.nan)
        snapshot = self._measure(measures.accuracy(logits.detach(), batch[1]), no_update)
        self._forget_gradients()
        return snapshot

    def step(self, step: int, batch: tuple[Tensor, Tensor], rate: float, snapshot: bool) -> _Result:
        """Take one step of gradient descent and look inside if asked."""
        if not self.going:
            return _Result(np.full(self.config.replicas, math.nan), 0.0, (), None)
        began = time.perf_counter()
        logits = self.net(batch[0])
        each = measures.cross_entropies(logits, batch[1])
        loss = each.detach().mean(dim=1).numpy()
        divergences = self._new_divergences(step, batch[0], loss)
        before = [weight.detach().clone() for weight in self.weights] if snapshot else []
        each.backward(self._weight_of_example)
        self._descend(rate)
        seconds = time.perf_counter() - began
        seen = None
        if snapshot and self.going:
            updates = measures.update_ratios(before, [w.detach() for w in self.weights])
            seen = self._measure(measures.accuracy(logits.detach(), batch[1]), updates)
        self._forget_gradients()
        return _Result(loss, seconds, divergences, seen)

    def _forget_gradients(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None

    def _descend(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()

    def _measure(self, train_accuracy: Tensor, updates: Tensor) -> NetStatistics:
        gradients = [w.grad if w.grad is not None else torch.zeros_like(w) for w in self.weights]
        norms = measures.matrix_norms(gradients)
        return measure_net(self.net, self.probe, train_accuracy, norms, updates)

    def _new_divergences(self, step: int, inputs: Tensor, loss: Array) -> tuple[Divergence, ...]:
        """Return where each replica broke whose loss is not finite for the first time."""
        finite = np.isfinite(loss)
        if finite.all():
            return ()
        broken = [k for k, held in enumerate(self.finite) if held and not finite[k]]
        for replica in broken:
            self.finite[replica] = False
        return tuple(
            Divergence(self.index, replica, step, *first_bad_layer(self.net, inputs, replica))
            for replica in broken
        )


@torch.no_grad()
def first_bad_layer(net: Net, inputs: Tensor, replica: int) -> tuple[int, str]:
    """Return the first layer, from 1, that is not finite, and whether its weights or outputs."""
    outputs: list[Tensor] = []
    with net.evaluation_mode(statistics="batch"):
        for layer in [*net.hidden, net.output]:
            inputs = layer(inputs)
            outputs.append(inputs)
    for number, (linear, output) in enumerate(zip(net.linears, outputs, strict=True), start=1):
        if not linear.weight[replica].isfinite().all():
            return number, "weights"
        if not output[replica].isfinite().all():
            return number, "outputs"
    return len(outputs), "loss"


def make_optimizer(net: Net, config: Config) -> torch.optim.Optimizer:
    """Return the config's optimizer; weight decay spares biases, gamma and beta."""
    weights = [linear.weight for linear in net.linears]
    chosen = {id(weight) for weight in weights}
    others = [p for p in net.parameters() if id(p) not in chosen]
    groups = [{"params": weights, "weight_decay": config.weight_decay}]
    if config.weight_decay:
        groups.append({"params": others, "weight_decay": 0.0})
    else:
        groups[0]["params"] += others  # one call of the kernel instead of two
    rate = config.learning_rate
    match config.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, fused=True)
        case "momentum":
            return torch.optim.SGD(groups, lr=rate, momentum=0.9, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, foreach=True)
        case _:
            return torch.optim.Adam(groups, lr=rate, fused=True)


def _initial_step_result(arms: list[_Arm], statistics: list[NetStatistics]) -> StepResult:
    config, snapshot = arms[0].config, Snapshot(0, tuple(statistics))
    losses = np.full((len(arms), config.replicas), math.nan, np.float32)
    no_time = np.zeros(len(arms), np.float32)
    return StepResult(0, config.learning_rate, losses, no_time, snapshot=snapshot)


def _joined(
    step: int, rate: float, changed: bool, results: list[_Result], snapshot: bool
) -> StepResult:
    return StepResult(
        step=step,
        learning_rate=rate,
        train_loss=np.stack([result.loss for result in results]),
        seconds=np.array([result.seconds for result in results]),
        divergences=tuple(d for result in results for d in result.divergences),
        snapshot=Snapshot(step, tuple(result.snapshot for result in results)) if snapshot else None,
        rate_changed=changed,
    )
