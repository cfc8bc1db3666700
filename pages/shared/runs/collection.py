"""The runs that a visitor keeps: in the session's memory here, and for good in their browser.

Equal links give equal runs, so a link is kept once, with the most steps that were trained of it.
Each change is noted as an operation, which the browser performs on its storage and confirms. It
stores each run apart, so that two tabs with two sessions never overwrite each other's.
"""

import re
import secrets
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bn_core.kept_runs import (
    MOST_NAMED,
    MOST_RUNS,
    KeptRun,
    KeptRunError,
    parse,
    parse_file,
    serialize,
)

MOST_HEARD = 4 * MOST_RUNS
"""Stored texts that are read at a time; several tabs may together have stored too many."""
MOST_UNDONE = 10
"""Deletions that can be undone."""
_ID = re.compile(r"[0-9a-f]{16}")

_DROPPED = (
    f"At most {MOST_RUNS} runs are kept, so the oldest without a name was dropped, and so it will "
    "be with each further run. A run with a name is never dropped."
)
_TOO_MANY_NAMES = (
    f"{MOST_NAMED} runs have a name already, the most there can be. Delete one, or take its name "
    "away."
)


@dataclass(frozen=True)
class Operation:
    """What the browser must do to its storage: put a run's text there, or remove it (None)."""

    number: int
    id: str
    text: str | None


@dataclass(frozen=True)
class PresentKept:
    """What was kept of the Lab's run: its number in the pool, its id here, and its steps."""

    number: int = 0
    id: str = ""
    steps: int = 0


@dataclass
class RunCollection:
    """The kept runs of one visitor, oldest first, and what has still to be stored."""

    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """Tells the browser's code that another session asks, and is the key to what it confirms."""
    runs: tuple[KeptRun, ...] = ()
    unreadable: tuple[str, ...] = ()
    """The ids under which the browser holds texts that are no runs; they stay there."""
    notice: str = ""
    """A sentence for the next run of the script to show."""
    kept_as: str = ""
    """The name that a reader has just given to a run, to be confirmed."""
    problem: str = ""
    """Why the browser stores nothing, in a sentence."""
    heard: int = 0
    """The number of the browser's last message."""
    revision: int = 0
    """Another number when the runs have changed."""
    _operations: dict[str, Operation] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Held while the operations change: a confirmation comes in another thread."""
    _number: int = 0
    _deletions: list[tuple[KeptRun, ...]] = field(default_factory=list)
    _said_dropped: bool = False

    def get(self, id: str) -> KeptRun | None:
        """Return a kept run."""
        return next((run for run in self.runs if run.id == id), None)

    def keep(self, run: KeptRun, instead_of: str = "") -> KeptRun:
        """Keep a run; return it as it is held now.

        ``instead_of`` is the id under which an earlier part of the same run was kept: its name and
        note go over to this one.
        """
        before = self.get(instead_of) if instead_of != run.id else None
        if before is not None:
            run = replace(run, title=before.title, note=before.note)
            self._remove(before.id)
        held = self.get(run.id)
        if held is not None:
            words = {"title": held.title or run.title, "note": held.note or run.note}
            longer = run if run.steps >= held.steps else replace(held, kept_at=run.kept_at)
            run = replace(longer, **words)
        self._put(run)
        self._drop_oldest()
        return run

    def rename(self, id: str, title: str) -> None:
        """Give a run another name; too many names are refused, and that is said."""
        run = self.get(id)
        if run is None:
            return
        renamed = run.renamed(title)
        named = sum(one.named for one in self.runs if one.id != id)
        if renamed.named and not run.named and named >= MOST_NAMED:
            self.notice = _TOO_MANY_NAMES
        elif renamed.title != run.title:
            self._put(renamed)

    def annotate(self, id: str, note: str) -> None:
        """Give a run another note."""
        run = self.get(id)
        if run is not None and run.noted(note).note != run.note:
            self._put(run.noted(note))

    def delete(self, ids: Collection[str]) -> None:
        """Delete runs; the last few deletions can be undone, one after the other."""
        gone = tuple(run for run in self.runs if run.id in ids)
        if gone:
            self._deletions = [*self._deletions, gone][-MOST_UNDONE:]
            for run in gone:
                self._remove(run.id)

    @property
    def deleted(self) -> tuple[KeptRun, ...]:
        """What the last deletion took, while it can be undone."""
        return self._deletions[-1] if self._deletions else ()

    def undo(self) -> None:
        """Bring back what was deleted last."""
        for run in self._deletions.pop() if self._deletions else ():
            self.keep(run)

    def forget_unreadable(self) -> None:
        """Remove from the browser what cannot be read."""
        for id in self.unreadable:
            self._note(id, None)
        self.unreadable = ()

    def take_file(self, text: Any) -> str:
        """Keep the runs of a file; return in a sentence what has become of them."""
        try:
            runs, complaints = parse_file(text)
        except KeptRunError as error:
            return str(error)
        room = MOST_NAMED - sum(run.named for run in self.runs)
        for run in runs:
            new_name = run.named and not getattr(self.get(run.id), "named", False)
            self.keep(replace(run, title="") if new_name and room <= 0 else run)
            room -= new_name
        said = [f"{len(runs)} {'run was' if len(runs) == 1 else 'runs were'} read from the file."]
        if room < 0:
            said.append(f"{-room} came without their names: {_TOO_MANY_NAMES}")
        return " ".join([*said, *complaints[:3]])

    def take_stored(self, texts: Mapping[Any, Any]) -> bool:
        """Take over what the browser holds under some ids (None: nothing); return if it is news."""
        before = [run.state_key for run in self.runs], self.unreadable
        for id, text in list(texts.items())[:MOST_HEARD]:
            if isinstance(id, str) and _ID.fullmatch(id) and id not in self._operations:
                self._take_text(id, text)
        self._drop_oldest()
        return before != ([run.state_key for run in self.runs], self.unreadable)

    def take_message(self, message: Any) -> bool:
        """Take in what the browser's code says; return whether the page shows anything of it."""
        if not isinstance(message, Mapping) or message.get("token") != self.token:
            return False
        first, number, performed = False, message.get("number"), message.get("performed")
        if isinstance(number, int) and isinstance(performed, int):
            first, self.heard = not self.heard, number
            self.confirm(performed)
        problem = _PROBLEMS.get(str(message.get("problem")), "")
        news, self.problem = first or problem != self.problem, problem
        texts = message.get("runs")
        return (isinstance(texts, Mapping) and self.take_stored(texts)) or news

    def confirm(self, performed: int) -> None:
        """Forget the operations up to this number: the browser has performed them."""
        with self._lock:
            left = [one for one in self._operations.values() if one.number > performed]
            self._operations = {one.id: one for one in left}

    def operations(self) -> list[Operation]:
        """Return what the browser has not confirmed yet, in order."""
        return sorted(self._operations.values(), key=lambda one: one.number)

    def _take_text(self, id: str, text: Any) -> None:
        self.unreadable = tuple(one for one in self.unreadable if one != id)
        others = tuple(run for run in self.runs if run.id != id)
        if text is None:
            self._show(others)
            return
        try:
            run = parse(text)
        except KeptRunError:
            run = None
        if run is None or run.id != id:
            self.unreadable = (*self.unreadable, id)[-MOST_HEARD:]
            return
        self._show((*others, run))

    def _put(self, run: KeptRun) -> None:
        self._show((*(one for one in self.runs if one.id != run.id), run))
        self._note(run.id, serialize(run))

    def _remove(self, id: str) -> None:
        self._show(run for run in self.runs if run.id != id)
        self._note(id, None)

    def _show(self, runs: Iterable[KeptRun]) -> None:
        # A whole new tuple: feeds read it in other threads.
        self.runs = tuple(sorted(runs, key=lambda run: run.kept_at))
        self.revision += 1

    def _note(self, id: str, text: str | None) -> None:
        with self._lock:
            self._number += 1
            changed = self._operations | {id: Operation(self._number, id, text)}
            if len(changed) > MOST_HEARD:  # a browser that confirms nothing
                del changed[min(changed.values(), key=lambda one: one.number).id]
            self._operations = changed

    def _drop_oldest(self) -> None:
        while len(self.runs) > MOST_RUNS:
            unnamed = next((run for run in self.runs if not run.named), self.runs[0])
            self._remove(unnamed.id)
            if not self._said_dropped:
                self.notice, self._said_dropped = _DROPPED, True


_PROBLEMS = {
    "full": "This browser's storage for this site is full: what you keep now stays until this tab "
    "is closed. Delete some runs, or download them.",
    "unavailable": "This browser stores nothing for this site, as it does in some private windows: "
    "what you keep stays until this tab is closed. Download it to keep it for longer.",
}
