"""What a run leaves behind: frozen, numpy only, and small however long the run.

Shapes use K replicas, L measured layers of an arm (arms may differ in it), S sites, B histogram
bins, A arms and T training steps.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.settings import Schedule

Array = np.ndarray

SITES = ("pre_activation", "post_activation", "normalized")
"""Where activations are measured: in front of the activation function, behind it, and behind the
normalization. A layer without normalization has no third site; its numbers there are NaN."""

QUANTILES = (0.15, 0.50, 0.85)
"""The percentiles of Figure 1 in Ioffe & Szegedy (2015)."""

SNAPSHOTS_PER_RUN = 24
"""Snapshots of a run of its full length; with those of single steps, at most twice as many."""

LARGEST_MAP = 14
"""Pixels of a feature map's side: larger ones are averaged down to it."""

BINS = 96
LINEAR_ZONE = 0.5
LARGEST_VALUE = 1e4
HISTOGRAM_EDGES: Array = LINEAR_ZONE * np.sinh(
    np.linspace(-1, 1, BINS + 1) * np.arcsinh(LARGEST_VALUE / LINEAR_ZONE)
)
"""Fixed edges, even in asinh(x / 0.5): fine around zero, and still there at 10,000."""


def _no_counts() -> Array:
    return np.zeros((len(SITES), 0), np.int32)


def _no_maps() -> Array:
    return np.zeros((0, 0, 0, 0, 0), np.uint8)


def _nothing() -> Array:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class LayerOutline:
    """What a layer is made of: its name, its units or channels, and its stages as they run.

    Stages are "linear", "norm", "activation", "pool", "dropout" and others a net may have;
    "shortcut" stands where the layer's input is added. ``positions`` is height and width of each
    channel of a convolution; empty for units.
    """

    label: str
    units: int
    stages: tuple[str, ...]
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class NetStatistics:
    """Statistics of one arm's nets after one step.

    Losses are cross entropy in nats, shares lie in [0, 1]. Histograms and percentiles come from an
    even choice of all values that passed the layer; how many is said by ``histogram_values`` and
    ``quantile_values``. ``histogram`` counts the values of all replicas as shares of the largest
    bin times 65535; exact zeros that a ReLU made are left out (``zero`` tells their share).
    ``unit_quantiles`` are of each layer's first unit alone, over all examples of the probe.
    """

    validation_loss: Array  # (K,)
    validation_accuracy: Array  # (K,)
    train_accuracy: Array  # (K,) on the mini-batch just trained on
    gradient_norm: Array  # (K, L + 1) Euclidean norm of each weight matrix's gradient
    update_ratio: Array  # (K, L + 1) std of the step taken / std of the weights
    mean: Array  # (K, S, L)
    std: Array  # (K, S, L)
    saturated: Array  # (K, L) share of outputs on the flat parts of tanh or sigmoid
    dead: Array  # (K, L) share of units that put out zero for every probe example
    zero: Array  # (K, L) share of outputs that are exactly zero
    quantiles: Array  # (K, S, L, 3) of all units together
    unit_quantiles: Array  # (K, S, L, 3)
    histogram: Array  # (S, L, B) uint16
    output_gradient: Array  # (R, C) softmax(z) - onehot(y), R images of the first replica
    boundary: Array  # (G, G) share for class 1 over the plane, first replica; (0, 0) for images
    labels: tuple[str, ...] = ()  # (L,) what each measured layer is called
    outline: tuple[LayerOutline, ...] = ()
    """(L + 1,) what each measured layer, and the output layer behind them, is made of."""
    histogram_values: Array = dataclasses.field(default_factory=_no_counts)
    """(S, L) int32: how many values each histogram counts, all replicas together."""
    quantile_values: Array = dataclasses.field(default_factory=_no_counts)
    """(S, L) int32: how many values of each replica each percentile comes from."""
    feature_maps: Array = dataclasses.field(default_factory=_no_maps)
    """(L, E, M, H, W) uint8: what the activation puts out in the first M channels for E examples of
    the first replica, from the lowest value of a layer, 0, to its highest, 255; large maps are
    averaged down to H and W, smaller ones filled up with 0. Without convolutions empty."""

    def arrays(self) -> dict[str, Array]:
        """Return all numbers by field name."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True)
class Snapshot:
    """All arms at one step; an arm that has ended has none."""

    step: int
    arms: tuple[NetStatistics | None, ...]


@dataclass(frozen=True)
class Divergence:
    """Where a replica's numbers stopped being finite, first.

    ``layer`` counts hidden layers from 1; one more is the output layer.
    """

    arm: int
    replica: int
    step: int
    layer: int
    what: str


@dataclass(frozen=True)
class StepResult:
    """What ``train`` yields after each step: the losses, and at times a snapshot.

    The last one carries the ``ending`` of the run.
    """

    step: int
    learning_rate: float
    train_loss: Array  # (A, K) before the step; NaN where a replica has diverged
    seconds: Array  # (A,) compute time of the step
    divergences: tuple[Divergence, ...] = ()
    snapshot: Snapshot | None = None
    rate_changed: bool = False
    ending: "Ending | None" = None
    live: Snapshot | None = None
    """Measured for the display alone, where a request asks: it never enters a record."""


EndingKind = Literal["finished", "stopped", "diverged", "cancelled", "failed"]


@dataclass(frozen=True)
class Ending:
    """Why a run is over."""

    kind: EndingKind
    step: int
    why: str = ""


@dataclass(frozen=True)
class DataSummary:
    """The data as the figures need them: where 2-D points lie, or which classes images have."""

    classes: tuple[str, ...]
    train_size: int
    validation_size: int
    points: Array  # (P, 2) some validation points; (0, 2) for images
    labels: Array  # (P,) their classes
    extent: float  # the plane is drawn from -extent to extent
    row_labels: Array  # (R,) the true class of each row of ``output_gradient``
    examples: Array = dataclasses.field(default_factory=_nothing)
    """(E, *input shape) some of the R rows as the nets are given them, float16."""
    example_rows: tuple[int, ...] = ()  # (E,) which rows these are


@dataclass(frozen=True)
class RecordChunk:
    """Consecutive step results in one, as they travel from a worker to the page."""

    after_step: int  # the steps trained before the first of these
    train_loss: Array  # (T, A, K)
    seconds: Array  # (A,) in total
    snapshots: tuple[Snapshot, ...] = ()
    divergences: tuple[Divergence, ...] = ()
    rate_changes: Schedule = ()
    step_seconds: Array = dataclasses.field(default_factory=_nothing)  # (T, A) of each step
    live: Snapshot | None = None
    """The newest snapshot for the display alone; a record is not extended by it."""

    @classmethod
    def of(cls, step_results: Sequence[StepResult]) -> "RecordChunk":
        """Join the results of consecutive steps; that of step 0 adds only its snapshot."""
        steps = [step_result for step_result in step_results if step_result.step > 0]
        shape = step_results[0].train_loss.shape
        return cls(
            after_step=steps[0].step - 1 if steps else 0,
            train_loss=np.array([s.train_loss for s in steps], np.float32).reshape(-1, *shape),
            seconds=np.sum([s.seconds for s in step_results], axis=0),
            snapshots=tuple(s.snapshot for s in step_results if s.snapshot),
            divergences=tuple(d for s in steps for d in s.divergences),
            rate_changes=tuple((s.step - 1, s.learning_rate) for s in steps if s.rate_changed),
            step_seconds=np.array([s.seconds for s in steps], np.float32).reshape(-1, shape[0]),
            live=next((s.live for s in reversed(step_results) if s.live), None),
        )


@dataclass(frozen=True)
class Record:
    """A run so far: its comparison, every loss, and snapshots at an even spacing."""

    comparison: Comparison
    summary: DataSummary
    snapshots: tuple[Snapshot, ...] = ()
    train_loss: Array = dataclasses.field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    seconds: Array = dataclasses.field(default_factory=lambda: np.zeros(0))
    divergences: tuple[Divergence, ...] = ()
    rate_changes: Schedule = ()
    ending: Ending | None = None
    step_seconds: Array = dataclasses.field(default_factory=_nothing)
    """(T, A) compute time of each step of each arm; empty where nobody measured it."""

    @property
    def step(self) -> int:
        """How many steps have been trained."""
        return len(self.train_loss)

    @property
    def configs(self) -> tuple[Config, ...]:
        """The config of each arm."""
        return self.comparison.configs

    def extended(self, chunk: "RecordChunk") -> "Record":
        """Return this record with a chunk added; what it already holds is passed over.

        So a run that is repeated after its worker died continues the record it had.
        """
        held = self.snapshots[-1].step if self.snapshots else -1
        known = max(self.step - chunk.after_step, 0)
        fresh, times = chunk.train_loss[known:], chunk.step_seconds[known:]
        if chunk.after_step > self.step:
            raise ValueError(f"Steps {self.step + 1} to {chunk.after_step} are missing.")
        snapshots = self.snapshots + tuple(
            snapshot for snapshot in chunk.snapshots if snapshot.step > held
        )
        return dataclasses.replace(
            self,
            snapshots=_thinned(snapshots, snapshot_spacing(self.comparison.base.steps)),
            train_loss=np.concatenate([self.train_loss, fresh]) if self.step else fresh,
            seconds=self.seconds + chunk.seconds if len(self.seconds) else chunk.seconds,
            step_seconds=self._times_with(times, len(fresh)),
            divergences=self.divergences
            + tuple(d for d in chunk.divergences if d.step > self.step),
            rate_changes=self.rate_changes
            + tuple(c for c in chunk.rate_changes if c[0] >= self.step),
        )

    def _times_with(self, times: Array, steps: int) -> Array:
        """Return the times of all steps with those of the next; none if any are not known."""
        if len(times) != steps or len(self.step_seconds) != self.step:
            return _nothing()
        return np.concatenate([self.step_seconds, times]) if self.step else times

    def ended(self, ending: Ending) -> "Record":
        """Return this record with its ending named."""
        return dataclasses.replace(self, ending=ending)

    def fingerprint(self) -> str:
        """Return a hash of all numbers but the times: equal for equal runs, bit for bit."""
        digest = hashlib.sha256()
        digest.update(repr((self.comparison, self.divergences, self.rate_changes)).encode())
        moved = [config.moved_layers for config in self.configs]
        if any(moved):  # which ``repr`` leaves out: runs without any keep their hash
            digest.update(repr(moved).encode())
        unshown = [config.unshown() for config in self.configs]
        if any(unshown):
            digest.update(repr(unshown).encode())
        digest.update(np.ascontiguousarray(self.train_loss).tobytes())
        for snapshot in self.snapshots:
            digest.update(str(snapshot.step).encode())
            for arm in snapshot.arms:
                for array in arm.arrays().values() if arm else ():
                    digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def bytes(self) -> int:
        """Return the size of all arrays held."""
        arrays = [self.train_loss, self.seconds, self.step_seconds]
        for snapshot in self.snapshots:
            for arm in snapshot.arms:
                arrays += arm.arrays().values() if arm else []
        return sum(array.nbytes for array in arrays)


def snapshot_spacing(steps: int) -> int:
    """Return how many steps lie between two snapshots of a run of ``steps``."""
    return max(1, -(-steps // SNAPSHOTS_PER_RUN))


def _thinned(snapshots: tuple[Snapshot, ...], spacing: int) -> tuple[Snapshot, ...]:
    """Drop snapshots of single steps, oldest first, while there are over twice the usual."""
    excess = len(snapshots) - 2 * SNAPSHOTS_PER_RUN
    kept = []
    for snapshot in snapshots:
        if excess > 0 and snapshot.step % spacing:
            excess -= 1
        else:
            kept.append(snapshot)
    return tuple(kept)
