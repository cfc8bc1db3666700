"""The Lab's state, the events that change it, and the effects: what the run is told."""

from dataclasses import dataclass, field

from bn_core.comparison import Comparison
from bn_core.figures.view import View
from pages.shared.lab.arm_edits import ArmEvent


@dataclass(frozen=True)
class RunStatus:
    """What an event must know of the run."""

    opened_as: Comparison
    plan: Comparison
    """What repeats the run: ``opened_as`` with the rate changes that the reader made since."""
    learning_rate: float
    """The rate of the next step."""
    step: int = 0
    playing: bool = False
    ended: bool = False


@dataclass(frozen=True)
class LabState:
    """What the Lab shows. The controls show ``comparison``, which holds no rate changes."""

    comparison: Comparison = field(default_factory=Comparison)
    view: View = field(default_factory=View)
    run: RunStatus | None = None
    """The run as the event found it; None while there is none or another was asked for."""
    cursor: int | None = None
    """The step that the reader went back to."""
    generation: int = 0
    """Part of the controls' keys. What the browser still sends for controls of an older number is
    not read, so a value that came too late cannot undo what a link, preset or button brought."""
    rate_generation: int = 0
    """The same for the learning rate's slider alone."""
    link_warnings: tuple[str, ...] = ()
    own_depth: int | None = None
    """The depth that the reader had, while widths or channels decide on it."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Nets by their earlier names: what was pressed before the page showed the new one is meant
    for the same net."""
    copy_of: str = ""
    """The net that the reader wants to copy; the page has still to ask what is to differ."""


@dataclass(frozen=True)
class OpenRun:
    """Close the run and open another, whose first steps may be those of the one that is closed."""

    comparison: Comparison
    repeats: bool = False


@dataclass(frozen=True)
class Play:
    """Train on; 0 steps per second is no limit."""

    steps_per_second: float


@dataclass(frozen=True)
class Pause:
    """Stop training until told to go on."""


@dataclass(frozen=True)
class StepOnce:
    """Train on one mini-batch."""


@dataclass(frozen=True)
class SetRate:
    """Train with another learning rate from the next step."""

    rate: float


@dataclass(frozen=True)
class Say:
    """Tell the reader why nothing has changed."""

    sentence: str


Effect = OpenRun | Play | Pause | StepOnce | SetRate | Say


@dataclass(frozen=True)
class PageEntered:
    """The reader came from another page without a link."""


@dataclass(frozen=True)
class LinkOpened:
    """The reader came by a link, or went back or forward to one."""

    comparison: Comparison
    view: View
    warnings: tuple[str, ...] = ()
    cursor: int | None = None
    """The step that the link shows; None is the newest."""


@dataclass(frozen=True)
class PresetChosen:
    """A preset's button was pressed."""

    comparison: Comparison


@dataclass(frozen=True)
class ControlsChanged:
    """The controls show another comparison."""

    comparison: Comparison


@dataclass(frozen=True)
class RateMoved:
    """The reader moved the learning rate's slider."""

    rate: float


@dataclass(frozen=True)
class RateConfirmed:
    """The run has come to a rate that the slider does not show: a planned change."""

    rate: float


@dataclass(frozen=True)
class ViewChanged:
    """The reader looks at the figures in another way, or at another speed."""

    view: View


@dataclass(frozen=True)
class StepChosen:
    """The reader went back to a recorded step; None is the newest."""

    step: int | None


@dataclass(frozen=True)
class ButtonPressed:
    """A button of the toolbar: train, pause, step, train_on, reset or new_seeds."""

    name: str


@dataclass(frozen=True)
class CopyAsked:
    """The reader wants to copy a net; "" when the page has asked what is to differ."""

    arm: str


Event = (
    PageEntered
    | LinkOpened
    | PresetChosen
    | ControlsChanged
    | RateMoved
    | RateConfirmed
    | ViewChanged
    | StepChosen
    | ButtonPressed
    | CopyAsked
    | ArmEvent
)
