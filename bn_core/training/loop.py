"""Training as a generator: ``for step_result in train(comparison)`` is the whole protocol.

To pause is not to ask for the next step result; to stop is to ask no more.
"""

import contextlib
import ctypes
import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.probing import Probe
from bn_core.records import (
    Ending,
    NetStatistics,
    Record,
    RecordChunk,
    Snapshot,
    StepResult,
    snapshot_spacing,
)
from bn_core.training.arm import ArmStep, ArmTrainer
from bn_core.training.batches import Batches


@dataclass(frozen=True)
class Request:
    """What the caller wants of the next step, handed over with ``training.send(request)``."""

    learning_rate: float | None = None
    snapshot: bool = False
    live: bool = False
    """Measure the nets for the display alone: the record stays as it is without."""


NO_REQUEST = Request()
Training = Generator[StepResult, Request | None, Ending]
TrainingByArms = Generator[StepResult | None, Request | None, Ending]


def prepare_process() -> None:
    """Set torch up as the app's workers do: one thread, and numbers below 1e-38 counted as zero.

    Without the second, nets whose gradients vanish train up to a hundred times slower. Freed
    memory is kept for the next step as well.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let glibc return memory to the system only from 32 MB on; other C libraries stay as they are.

    By default it returns, and fetches page by page, the tensors of every snapshot: a third of
    the time of a snapshot of eight seeds.
    """
    trim_threshold, mmap_threshold = -1, -3  # names of malloc.h: M_TRIM_, M_MMAP_THRESHOLD
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(trim_threshold, 32 << 20)
        library.mallopt(mmap_threshold, 16 << 20)


@dataclass(frozen=True)
class Setup:
    """The data of a comparison and the probe that its nets are measured on."""

    dataset: Dataset
    probe: Probe

    @classmethod
    def of(cls, comparison: Comparison) -> "Setup":
        """Load the data. Errors: ``ValueError`` if the comparison cannot be trained."""
        if comparison.problem():
            raise ValueError(comparison.problem())
        dataset = load(comparison.base)
        return cls(dataset, Probe.of(dataset))

    def scaled_for(self, config: Config) -> "Setup":
        """Return the same examples with inputs scaled as a config has them."""
        if self.dataset.spec is None or config.scaling == self.dataset.scaling:
            return self
        dataset = load(config)
        return Setup(dataset, self.probe.rescaled(dataset))


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


Source = tuple[int, str]
"""What batches are drawn for: their size, and how the inputs are scaled."""


@dataclass(frozen=True)
class Start:
    """The untrained nets of a comparison, their batches, and the result of step 0."""

    arms: list[ArmTrainer]
    batches: dict[Source, Batches]
    result: StepResult


def build(comparison: Comparison, setup: Setup) -> Generator[None, None, Start]:
    """Build the nets and take their first snapshot; yield after each arm, as both take a while."""
    arms: list[ArmTrainer] = []
    for index, config in enumerate(comparison.configs):
        own = setup.scaled_for(config)
        arms.append(ArmTrainer(index, config, own.dataset, own.probe))
        yield
    batches, statistics = _batches(arms), []
    for arm in arms:
        statistics.append(arm.initial_snapshot(batches[_source(arm.config)].first()))
        yield
    result = _initial_step_result(comparison.base.learning_rate, arms, statistics)
    return Start(arms, batches, result)


def _batches(arms: list[ArmTrainer]) -> dict[Source, Batches]:
    """Return the sources of batches: all cut the same shuffled order of examples."""
    return {_source(arm.config): Batches(arm.probe.dataset, arm.config) for arm in arms}


def _source(config: Config) -> Source:
    return config.batch_size, config.scaling


def _built(comparison: Comparison, setup: Setup) -> Start:
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

    All arms see the same batches and share their initial weights; one with a batch size of its own
    meets the examples in the same order. The learning rate and its changes are the base's: an arm
    with a rate of its own keeps it. Snapshots are taken at an even spacing and whenever a request
    asks. A replica whose loss is no longer finite has diverged; an arm without replicas stops, the
    others go on. The last step result carries the ending too.
    """
    training, request = train_by_arms(comparison, setup, start), None
    while True:
        try:
            step_result = training.send(request)
            while step_result is None:
                step_result = next(training)
        except StopIteration as stop:
            return stop.value
        request = yield step_result


def train_by_arms(
    comparison: Comparison, setup: Setup | None = None, start: Start | None = None
) -> TrainingByArms:
    """Train as ``train`` does, but yield None after each arm of a step before its result.

    A step of many large nets takes a while: in between, others may be served.
    """
    start = start or _built(comparison, setup or Setup.of(comparison))
    arms, batches = start.arms, start.batches
    base = comparison.base
    rate, changes = base.learning_rate, dict(base.rate_changes)
    own_rates = [
        config.learning_rate if arm.has_own_rate else None
        for arm, config in zip(comparison.arms, comparison.configs, strict=True)
    ]
    spacing = snapshot_spacing(base.steps)
    request = yield start.result
    for step in range(1, base.steps + 1):
        request = request or NO_REQUEST
        if request.learning_rate is not None:
            changes = {step - 1: request.learning_rate}  # what the reader does now replaces plans
        new_rate = changes.get(step - 1, rate)
        changed, rate = new_rate != rate, new_rate
        snapshot = request.snapshot or step % spacing == 0 or step == base.steps
        live = request.live and not snapshot
        drawn = {key: source.next() for key, source in batches.items()}
        results = []
        for arm, own in zip(arms, own_rates, strict=True):
            batch = drawn[_source(arm.config)]
            results.append(arm.step(step, batch, own or rate, snapshot, live))
            yield
        ending = _ending(step, base.steps, arms)
        request = yield _joined(step, rate, changed, results, ending, snapshot=snapshot, live=live)
        if ending is not None:
            return ending
    raise AssertionError("the last step ends a run")


def _ending(step: int, steps: int, arms: list[ArmTrainer]) -> Ending | None:
    if not any(arm.going for arm in arms):
        return Ending("diverged", step)
    return Ending("finished", step) if step == steps else None


def _initial_step_result(
    rate: float, arms: list[ArmTrainer], statistics: list[NetStatistics]
) -> StepResult:
    snapshot = Snapshot(0, tuple(statistics))
    losses = np.full((len(arms), arms[0].config.replicas), math.nan, np.float32)
    no_time = np.zeros(len(arms), np.float32)
    return StepResult(0, rate, losses, no_time, snapshot=snapshot)


def _joined(
    step: int,
    rate: float,
    changed: bool,
    results: list[ArmStep],
    ending: Ending | None,
    *,
    snapshot: bool,
    live: bool,
) -> StepResult:
    measured = Snapshot(step, tuple(result.snapshot for result in results))
    return StepResult(
        step=step,
        learning_rate=rate,
        train_loss=np.array([result.loss for result in results]),
        seconds=np.array([result.seconds for result in results]),
        divergences=tuple(d for result in results for d in result.divergences),
        snapshot=measured if snapshot else None,
        live=measured if live else None,
        rate_changed=changed,
        ending=ending,
    )
