"""The quantities that a condition may name, each with its arguments and its words."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bn_core.arms import arm_named
from bn_core.config import SETTINGS
from bn_core.lessons import measures
from bn_core.lessons.controls import LABELS
from bn_core.lessons.measures import BEST, WORST, Value
from bn_core.settings import SettingError


@dataclass(frozen=True)
class Quantity:
    """One thing that can be measured: ``words`` say what, ``{0}`` stands for its first argument.

    ``arguments`` are "net", "layer", "share", "setting", "control", "name" or
    "metric"; ``measure`` takes the evidence and them, and returns None as long as nothing is there
    to measure.
    """

    name: str
    arguments: tuple[str, ...]
    words: str
    measure: Callable[..., Value | None]
    form: str = ".3g"
    is_word: bool = False
    optional: int = 0
    """How many of the last arguments may be left out."""


_NET = ("net",)
_ALL = (
    Quantity("trained steps", (), "steps trained", measures.trained_steps, ",.0f"),
    Quantity("ending", (), "the run has", measures.ending, is_word=True),
    Quantity("accuracy", _NET, "accuracy of {0}", measures.accuracy, ".1%"),
    Quantity(
        "lowest accuracy", _NET, "accuracy of {0}, worst seed", measures.lowest_accuracy, ".1%"
    ),
    Quantity(
        "highest accuracy", _NET, "accuracy of {0}, best seed", measures.highest_accuracy, ".1%"
    ),
    Quantity("steps to", ("net", "share"), "steps until {0} had {1}", measures.steps_to, ",.0f"),
    Quantity("training loss", _NET, "training loss of {0} in nats", measures.training_loss),
    Quantity("validation loss", _NET, "validation loss of {0} in nats", measures.validation_loss),
    Quantity("diverged", _NET, "seeds of {0} that diverged", measures.diverged, ".0f"),
    Quantity("dead", _NET, "dead units of {0}, worst layer", measures.dead, ".0%"),
    Quantity("saturated", _NET, "saturated outputs of {0}, worst layer", measures.saturated, ".0%"),
    Quantity(
        "gradient ratio",
        _NET,
        "first over last hidden layer's gradient of {0}",
        measures.gradient_ratio,
        ".2g",
    ),
    Quantity(
        "first gradient ratio",
        _NET,
        "first over last hidden layer's gradient of {0} before training",
        measures.first_gradient_ratio,
        ".2g",
    ),
    Quantity(
        "first spread",
        ("net", "layer"),
        "standard deviation into layer {1}'s activation of {0} before training",
        measures.first_spread,
    ),
    Quantity(
        "normalized layers", _NET, "layers of {0} with a norm", measures.normalized_layers, ".0f"
    ),
    Quantity("state", _NET, "state of {0}", measures.state, is_word=True),
    Quantity(
        "setting", ("setting", "net"), "{0}", measures.setting, ".4g", is_word=True, optional=1
    ),
    Quantity("metric", ("name", "metric"), "{1} of “{0}”", measures.metric),
    Quantity("verdict", ("name",), "verdict of the experiment", measures.verdict, is_word=True),
    Quantity("page", (), "page", measures.page, is_word=True),
    Quantity("choice", ("control",), "“{0}” on the page", measures.choice, is_word=True),
)
QUANTITIES: Mapping[str, Quantity] = {one.name: one for one in _ALL}
"""Every quantity by its name. A new one is a measure and one entry of the table above."""


def net_label(name: str) -> str:
    """Return what a net is called in words."""
    if name in (BEST, WORST):
        return f"the {name} net"
    return arm_named(name).label


def checked_argument(kind: str, text: str) -> Value:
    """Return an argument in its type. Errors: ``ValueError`` says what would do."""
    match kind:
        case "net":
            return _checked_net(text)
        case "setting":
            if text not in SETTINGS:
                raise ValueError(f"“{text}” is no setting; there are: {', '.join(SETTINGS)}.")
            return text
        case "control":
            if text not in LABELS:
                raise ValueError(f"“{text}” is no control; there are: {', '.join(LABELS)}.")
            return text
        case "share" | "layer":
            return _checked_number(kind, text)
        case _:
            if not text:
                raise ValueError("a name must stand between the parentheses.")
            return text


def _checked_net(text: str) -> str:
    if text in (BEST, WORST):
        return text
    try:
        return arm_named(text).name
    except SettingError as error:
        raise ValueError(f"“{text}” is no net, nor {BEST} or {WORST}: {error}") from None


def _checked_number(kind: str, text: str) -> float:
    low, high = (0.0, 1.0) if kind == "share" else (1.0, 20.0)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ValueError(f"a {kind} is a number from {low:g} to {high:g}, not “{text}”.")
    return value
