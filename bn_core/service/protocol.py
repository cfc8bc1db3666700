"""What the page process and its workers say to each other.

Both ends are this program's own processes, joined by a private pair of sockets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.comparison import Comparison
from bn_core.datasets.thumbnails import Thumbnail
from bn_core.records import DataSummary, Ending, RecordChunk
from bn_core.results import Progress as StudyNews


@dataclass(frozen=True)
class Open:
    """Build the nets of a run; train unseen up to ``replay_to`` if an earlier worker got there."""

    run: int
    comparison: Comparison
    replay_to: int = 0


@dataclass(frozen=True)
class Play:
    """Train on, at most so many steps a second; 0 is no limit."""

    run: int
    steps_per_second: float


@dataclass(frozen=True)
class Pause:
    """Stop asking for steps."""

    run: int


@dataclass(frozen=True)
class StepOnce:
    """Take one step and look inside."""

    run: int


@dataclass(frozen=True)
class SetRate:
    """Train with another learning rate from the next step on."""

    run: int
    rate: float


@dataclass(frozen=True)
class Close:
    """Forget a run."""

    run: int


@dataclass(frozen=True)
class DrawPictures:
    """Send a small picture of each data set."""


@dataclass(frozen=True)
class Ask:
    """Begin a study."""

    study: int
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Cancel:
    """Stop a study."""

    study: int


Command = Open | Play | Pause | StepOnce | SetRate | Close | DrawPictures | Ask | Cancel


@dataclass(frozen=True)
class Ready:
    """The worker listens."""


@dataclass(frozen=True)
class Opened:
    """The nets of a run are built."""

    run: int
    scene: DataSummary


@dataclass(frozen=True)
class Progress:
    """A run has trained on."""

    run: int
    stretch: RecordChunk


@dataclass(frozen=True)
class Ended:
    """A run is over."""

    run: int
    ending: Ending


@dataclass(frozen=True)
class Pictures:
    """The pictures of all data sets, by name."""

    pictures: Mapping[str, Thumbnail]


@dataclass(frozen=True)
class StudyProgress:
    """A study has gone on."""

    study: int
    progress: StudyNews


@dataclass(frozen=True)
class StudyDone:
    """A study has come to its end."""

    study: int
    result: Any


@dataclass(frozen=True)
class StudyFailed:
    """A study could not go on."""

    study: int
    why: str


StudyReport = StudyProgress | StudyDone | StudyFailed
Report = Ready | Opened | Progress | Ended | Pictures | StudyReport
