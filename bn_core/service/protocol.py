"""The messages between the page process and its workers.

Both ends are this program's own processes, joined by a private connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.comparison import Comparison
from bn_core.datasets.thumbnails import Thumbnail
from bn_core.records import DataSummary, Ending, RecordChunk
from bn_core.results import Progress


@dataclass(frozen=True)
class Open:
    """Build the nets of a run; train unreported up to ``replay_to`` if it was there before."""

    task: int
    visitor: str
    comparison: Comparison
    replay_to: int = 0


@dataclass(frozen=True)
class Play:
    """Train on, from step ``hurry_to`` at most so many steps a second; 0 is no limit."""

    task: int
    steps_per_second: float
    hurry_to: int = 0


@dataclass(frozen=True)
class Pause:
    """Train no further than the single steps asked for."""

    task: int


@dataclass(frozen=True)
class StepOnce:
    """Take single steps, each with a snapshot."""

    task: int
    count: int = 1


@dataclass(frozen=True)
class SetRate:
    """Train with another learning rate from the next step on."""

    task: int
    rate: float
    number: int = 0
    """Counts the rates that were asked for; the report of the first step with one names it."""


@dataclass(frozen=True)
class Compute:
    """Begin a computation by its name in ``COMPUTATIONS``."""

    task: int
    visitor: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Close:
    """Stop a run or a computation and free what it holds."""

    task: int


@dataclass(frozen=True)
class Provide:
    """Hold a visitor's own data: what tasks that follow need. ``body`` is read strictly."""

    name: str
    body: bytes


@dataclass(frozen=True)
class Withdraw:
    """Forget a visitor's own data."""

    name: str


@dataclass(frozen=True)
class DrawThumbnails:
    """Send a thumbnail of each data set."""


@dataclass(frozen=True)
class Exit:
    """End the worker process at once."""


TaskCommand = Open | Play | Pause | StepOnce | SetRate | Compute | Close
Command = TaskCommand | Provide | Withdraw | DrawThumbnails | Exit


@dataclass(frozen=True)
class Ready:
    """The worker takes commands."""


@dataclass(frozen=True)
class Heartbeat:
    """The worker lives; sent a few times a second by a thread of its own."""

    tasks: tuple[int, ...]
    """The tasks it holds."""
    busy_seconds: float
    """How long the turn under way has taken; 0 while none is."""


@dataclass(frozen=True)
class Opened:
    """The data of a run are loaded."""

    task: int
    summary: DataSummary


@dataclass(frozen=True)
class Trained:
    """A run has been trained on."""

    task: int
    chunk: RecordChunk
    rate_number: int = 0
    """The number of the last ``SetRate`` that a step of this chunk or an earlier one followed."""


@dataclass(frozen=True)
class Computed:
    """A computation has gone on."""

    task: int
    progress: Progress


@dataclass(frozen=True)
class Completed:
    """A computation has its result."""

    task: int
    result: Any


@dataclass(frozen=True)
class Ended:
    """A run is over, or a computation has failed."""

    task: int
    ending: Ending


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails of all data sets, by name."""

    thumbnails: Mapping[str, Thumbnail]


TaskReport = Opened | Trained | Computed | Completed | Ended
Report = Ready | Heartbeat | Thumbnails | TaskReport
