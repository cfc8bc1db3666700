"""What any executor of tasks offers: the local pool does, a cluster may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bn_core.comparison import Comparison
from bn_core.datasets.own import OwnData
from bn_core.datasets.thumbnails import Thumbnail
from bn_core.service.tasks import ComputationTask, TrainingRun

WorkerState = Literal["starting", "alive", "silent", "stuck", "missing"]


class PoolFull(RuntimeError):
    """There is no room for a task now; the message says what to do and how long it may take."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds after which something is done about what does not answer."""

    suspend: float = 6.0
    """A run that trains is paused until a page asks for it again."""
    evict: float = 5.0
    """A run that rests may lose its place when all are taken and another visitor comes."""
    release: float = 600.0
    """A run that rests and that no page asks for loses its place; its record stays."""
    forget: float = 20.0
    """A run whose connection is gone is forgotten; a page that only reconnects finds it again."""
    cancel: float = 20.0
    """A computation whose result no page has asked for is cancelled."""
    suspect: float = 2.0
    """A worker that has sent nothing gets no new tasks."""
    silent: float = 5.0
    """A worker that has sent nothing and computes nothing is replaced."""
    stuck: float = 60.0
    """A worker whose turn under way takes so long, or that is silent so long, is replaced."""
    forgive: float = 30.0
    """A task that has lasted so long on one worker has its earlier deaths forgotten."""
    start: float = 90.0
    """A worker process that is not ready is replaced."""


@dataclass(frozen=True)
class WorkerHealth:
    """How one worker is."""

    index: int
    process_id: int | None
    state: WorkerState
    heartbeat_age: float
    tasks: int


@dataclass(frozen=True)
class Health:
    """How the executor is: ``ok`` if every worker answers; ``problem`` is for visitors."""

    ok: bool
    workers: tuple[WorkerHealth, ...]
    training: int
    waiting: int
    problem: str


class Executor(Protocol):
    """Runs tasks somewhere else. All methods may be called from any thread.

    Those that wait say so; none of the others blocks.
    """

    def start(self) -> None:
        """Begin to make workers ready."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...

    def open(self, comparison: Comparison, visitor: str = "") -> TrainingRun:
        """Open a training run. Errors: ``PoolFull``; ``ValueError`` if it cannot train."""
        ...

    def reopen(self, run: TrainingRun, visitor: str = "") -> TrainingRun:
        """Open a forgotten run anew, where it was. Errors: ``PoolFull``."""
        ...

    def submit(self, name: str, visitor: str = "", **arguments: Any) -> ComputationTask:
        """Begin a computation. Errors: ``PoolFull``; ``ValueError`` if none has that name."""
        ...

    def keep_data(self, visitor: str, data: OwnData) -> str:
        """Keep data for a visitor and return their name. Errors: ``PoolFull``."""
        ...

    def data_of(self, visitor: str) -> list[OwnData]:
        """Return the data that are kept for a visitor; their lease begins anew."""
        ...

    def data_proof(self, name: str) -> str:
        """Return what proves that its bearer has opened data of their own."""
        ...

    def admit_to_data(self, visitor: str, name: str, proof: str) -> bool:
        """Give data that are still here to a visitor with their proof; return whether they are."""
        ...

    def data_problem(self, visitor: str, names: Iterable[str]) -> str:
        """Return what to do where own data are not here or not this visitor's; else nothing."""
        ...

    def wait_ready(self, seconds: float) -> bool:
        """Wait until a worker takes commands; return whether one does."""
        ...

    def wait_for_thumbnails(self, seconds: float) -> Mapping[str, Thumbnail]:
        """Return the data sets' thumbnails by name; none if they are not drawn in time."""
        ...

    def training(self) -> int:
        """Return how many runs train at this moment."""
        ...

    def health(self) -> Health:
        """Return how the workers are."""
        ...

    def problem(self) -> str:
        """Return why nothing can be trained now, in a sentence; empty if it can."""
        ...
