"""What the page of runs shows, and what its table asks for: pure, so every case has a fast test."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bn_core.comparison import Comparison
from bn_core.figures.kept import LETTERS
from bn_core.kept_runs import LONGEST_TITLE, KeptRun, settings_that_differ
from pages.shared.runs.collection import RunCollection

MOST_SHOWN = len(LETTERS)
_SHOWN_AT_FIRST = 2
_NONE = "none"
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])")
_USUAL_SORT = "-kept"


@dataclass(frozen=True)
class RunsView:
    """How the kept runs are shown: by which column, and which are laid over one another."""

    sort: str = _USUAL_SORT
    """The column's key; a minus before it is from high to low."""
    shown: tuple[str, ...] | None = None
    """The ids of the runs in the charts; None is the newest two."""
    opened: str = ""
    """The id of the run that the reader wants to see in the Lab."""

    def ids(self, runs: tuple[KeptRun, ...]) -> tuple[str, ...]:
        """Return the ids of the runs in the charts that there are."""
        if self.shown is None:
            return tuple(run.id for run in reversed(runs[-_SHOWN_AT_FIRST:]))
        known = {run.id for run in runs}
        return tuple(id for id in self.shown if id in known)


def view_from_link(query: Mapping[str, str]) -> RunsView:
    """Return what a link asks for; what is no column or no id is left out."""
    sort, shown = query.get("sort", _USUAL_SORT), query.get("show")
    fits = len(sort) <= 60 and sort.lstrip("-").replace(" ", "").isprintable()
    ids = None if shown is None else tuple(dict.fromkeys(_ID.findall(shown[:200])))[:MOST_SHOWN]
    return RunsView(sort if fits else _USUAL_SORT, ids)


def link_of_view(view: RunsView) -> dict[str, str | None]:
    """Return what stands for the view in the page's link; None for what is usual."""
    shown = None if view.shown is None else "~".join(view.shown) or _NONE
    return {"sort": None if view.sort == _USUAL_SORT else view.sort, "show": shown}


def asked(kept: RunCollection, view: RunsView, request: Any) -> RunsView:
    """Do what the table asks for; return how the runs are shown then."""
    if not isinstance(request, Mapping):
        return view
    kind, id, text = (str(request.get(name) or "") for name in ("kind", "id", "text"))
    match kind:
        case "sort":
            return replace(view, sort=_sorted_by(view.sort, text[:60]))
        case "show" | "hide":
            return _toggled(kept, view, id, shown=kind == "show")
        case "open":
            return replace(view, opened=id)
        case "rename":
            kept.rename(id, text)
        case "note":
            kept.annotate(id, text)
        case "delete":
            kept.delete([id])
        case "import":
            kept.notice = kept.take_file(request.get("text"))
    return view


def open_requested(kept: RunCollection, view: RunsView) -> tuple[RunsView, KeptRun | None]:
    """Return the run that the reader wants to see in the Lab, once."""
    return replace(view, opened=""), kept.get(view.opened)


def _sorted_by(before: str, column: str) -> str:
    """Return the next order of a column: numbers from high to low first, then the other way."""
    first = column if column in ("name", "loss") else f"-{column}"
    other = f"-{column}" if column in ("name", "loss") else column
    return other if before == first else first


def _toggled(kept: RunCollection, view: RunsView, id: str, *, shown: bool) -> RunsView:
    present = view.ids(kept.runs)
    if not shown:
        return replace(view, shown=tuple(one for one in present if one != id))
    if id in present or kept.get(id) is None:
        return view
    if len(present) == MOST_SHOWN:
        kept.notice = f"The charts show at most {MOST_SHOWN} runs. Untick one first."
        return view
    return replace(view, shown=(*present, id))


def sorted_runs(runs: tuple[KeptRun, ...], sort: str) -> list[KeptRun]:
    """Return the runs in the order of a column; of a column that there is not, newest first."""
    column, falling = sort.lstrip("-"), sort.startswith("-")
    differing = dict(settings_that_differ(runs))
    if column in differing:
        values = dict(zip((run.id for run in runs), differing[column], strict=True))
        key: Callable[[KeptRun], Any] = lambda run: _natural(values[run.id])  # noqa: E731
    else:
        key = _KEYS.get(column, _KEYS["kept"])
        falling = falling or column not in _KEYS
    return sorted(reversed(runs), key=key, reverse=falling)


def name_of(run: KeptRun) -> str:
    """Return a run's name, or else in which settings it differs from the usual ones."""
    return run.words_beside(Comparison(), LONGEST_TITLE)


def _best_accuracy(run: KeptRun) -> float:
    return max(_or(arm.final_accuracy.median, -1.0) for arm in run.arms)


def _lowest_loss(run: KeptRun) -> float:
    return min(_or(arm.final_loss.median, math.inf) for arm in run.arms)


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value


def _natural(text: str) -> tuple[int, float, str]:
    """Return what numbers sort by as numbers, in front of words."""
    try:
        return 0, float(text), ""
    except ValueError:
        return 1, 0.0, text


_KEYS: dict[str, Callable[[KeptRun], Any]] = {
    "kept": lambda run: run.kept_at,
    "name": lambda run: (not run.named, name_of(run).casefold()),
    "steps": lambda run: run.steps,
    "accuracy": _best_accuracy,
    "loss": _lowest_loss,
}
