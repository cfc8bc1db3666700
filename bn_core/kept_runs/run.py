"""What is kept of a run: its link, its curves in few points, and how it came out.

Shapes use n points of the training loss and m of what was measured on validation data.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from bn_core.comparison import Comparison, comparison_from_query, comparison_to_query
from bn_core.config import SETTINGS

Array = np.ndarray

MOST_RUNS = 40
"""Runs that one visitor's browser keeps."""
MOST_NAMED = 30
"""Of these, runs with a name: they are never dropped, and the others need some room."""
MOST_ARMS = 8
MOST_POINTS = 60
"""Points of one curve."""
LONGEST_TITLE, LONGEST_NOTE, LONGEST_LINK = 60, 500, 2_500
LONGEST_CONCLUSION, LONGEST_LABEL, LONGEST_STATE = 900, 80, 120


_NETS = "Nets"
"""How the choice of nets is called among the settings; it is long, so it comes last in a name."""


@dataclass(frozen=True)
class Spread:
    """The median, lowest and highest value over the seeds; infinite where a seed diverged."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class KeptArm:
    """One net of a kept run. Losses are in nats, accuracies are shares of 1."""

    name: str
    label: str
    state: str
    """How it ended, in a few words; empty if there is nothing to say."""
    train_loss: Array  # (n,) medians over the seeds of the mean over the last steps
    validation_loss: Array  # (3, m) median, lowest and highest over the seeds
    accuracy: Array  # (3, m) of validation data

    @property
    def final_loss(self) -> Spread:
        """The last validation loss that was measured."""
        return _last(self.validation_loss)

    @property
    def final_accuracy(self) -> Spread:
        """The last validation accuracy that was measured."""
        return _last(self.accuracy)


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run as it is kept; ``link`` repeats it bit for bit, on the same kind of machine."""

    link: str
    kept_at: int
    """When it was kept, in seconds since 1970 in UTC."""
    steps: int
    """How many steps were trained."""
    ending: str
    """The kind of its ending; empty if it could have gone on."""
    conclusion: str
    arms: tuple[KeptArm, ...]
    train_steps: Array  # (n,) of the training losses
    measured_steps: Array  # (m,) of what was measured on validation data
    title: str = ""
    note: str = ""

    @cached_property
    def id(self) -> str:
        """What tells runs apart: equal links give equal runs."""
        return hashlib.sha256(self.link.encode()).hexdigest()[:16]

    @property
    def named(self) -> bool:
        """Whether a reader has given it a name."""
        return bool(self.title)

    @cached_property
    def comparison(self) -> Comparison:
        """What the link opens."""
        return comparison_from_query(dict(parse_qsl(self.link)))[0]

    @property
    def state_key(self) -> tuple[Any, ...]:
        """What differs when anything of it has changed."""
        return self.id, self.kept_at, self.steps, self.title, self.note

    def words_beside(self, comparison: Comparison, most: int = 48) -> str:
        """Return its name, or else in which settings it differs from a comparison."""
        if self.title:
            return self.title
        differing = differing_settings(self.comparison, comparison)
        differing.sort(key=lambda pair: pair[0] == _NETS)  # the longest last: it may be cut
        words = ", ".join(f"{label[:1].lower()}{label[1:]} {value}" for label, value in differing)
        return _cut(words or "these settings, trained before", most)

    def renamed(self, title: str) -> "KeptRun":
        """Return the run with another name; without one it may be dropped for a newer run."""
        return replace(self, title=clean(title, LONGEST_TITLE))

    def noted(self, note: str) -> "KeptRun":
        """Return the run with another note."""
        return replace(self, note=clean(note, LONGEST_NOTE))


def _last(values: Array) -> Spread:
    """Return the last column of ``values`` (3, m); NaN if nothing was measured."""
    known = np.flatnonzero(~np.isnan(values[0])) if values.size else []
    return Spread(*values[:, known[-1]].tolist()) if len(known) else Spread(*[float("nan")] * 3)


def link_of(comparison: Comparison) -> str:
    """Return the link, without a page's address, that repeats a comparison."""
    return urlencode(comparison_to_query(comparison))


def clean(text: str, most: int) -> str:
    """Return text in one line of at most ``most`` characters, without invisible ones."""
    spaced = "".join(sign if sign.isprintable() else " " if sign.isspace() else "" for sign in text)
    return " ".join(spaced.split())[:most].rstrip()


def differing_settings(comparison: Comparison, other: Comparison) -> list[tuple[str, str]]:
    """Return the label and the value of each setting of ``comparison`` that ``other`` has not."""
    return [
        (label, values[0])
        for label, *values in _values([comparison, other])
        if values[0] != values[1]
    ]


def settings_that_differ(runs: Sequence[KeptRun]) -> list[tuple[str, list[str]]]:
    """Return the label of each setting that the runs do not share, and each run's value."""
    found = _values([run.comparison for run in runs])
    return [(label, values) for label, *values in found if len(set(values)) > 1]


def names_among(runs: Sequence[KeptRun]) -> list[str]:
    """Return each run's name, or else its values of the settings in which the runs differ."""
    differing = sorted(settings_that_differ(runs), key=lambda pair: pair[0] == _NETS)
    names = []
    for place, run in enumerate(runs):
        values = [f"{label[:1].lower()}{label[1:]} {found[place]}" for label, found in differing]
        names.append(run.title or _cut(", ".join(values)) or run.words_beside(Comparison()))
    return names


def _cut(words: str, most: int = 48) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip(' ,')}…"


def _values(comparisons: Sequence[Comparison]) -> Iterator[list[str]]:
    """Yield each setting's label, followed by its value in each comparison."""
    yield [_NETS, *(" / ".join(arm.label for arm in one.arms) for one in comparisons)]
    for name, setting in SETTINGS.items():
        values = [getattr(one.base, name) for one in comparisons]
        texts = [setting.options.get(v, setting.write(v)) or "-" for v in values]
        yield [setting.label, *(text.replace("_", ", ") for text in texts)]
