"""What a visitor has asked the workers for, beside training in the Lab, and the view of it."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from contextlib import suppress
from typing import Any

from bn_core.results import ExperimentSpec, Result, Verdict
from bn_core.service.pool import PoolFull
from bn_core.service.study import Task
from pages.shared import server
from pages.shared.visit import Visit

_SECONDS_BETWEEN_FINDINGS = 0.7


class Inquiry(ABC):
    """Something asked of the workers that grows into a finding."""

    asked: Hashable
    """What it was asked with: another question is another inquiry."""

    @abstractmethod
    def studies(self) -> list[Task]:
        """Return the studies that are under way or done."""

    @abstractmethod
    def finding(self) -> Result | None:
        """Return what is known so far."""

    def look(self) -> None:
        """Renew the leases, and take in what has come."""
        for study in self.studies():
            study.seen()

    @property
    def version(self) -> Hashable:
        """Another value wherever there is news."""
        return tuple((study.number, study.version) for study in self.studies())

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return all(study.done for study in self.studies())

    @property
    def failure(self) -> str:
        """Why it did not come to its end, in plain words; else nothing."""
        return next((study.failure for study in self.studies() if study.failure), "")

    def cancel(self) -> None:
        """Stop; what is known so far stays."""
        for study in self.studies():
            study.cancel()

    def notice(self) -> str:
        """Return where it stands, in words."""
        if self.failure:
            return self.failure
        if self.done:
            return ""
        under_way = [study for study in self.studies() if not study.done]
        share = sum(s.progress.share if not s.done else 1 for s in self.studies())
        words = "; ".join(study.progress.words for study in under_way)
        return f"{100 * share / max(len(self.studies()), 1):.0f} %: {words}."


class Question(Inquiry):
    """One study that returns a finding."""

    @staticmethod
    def key(name: str, arguments: Mapping[str, Any]) -> Hashable:
        """Return what tells this question from others."""
        return name, tuple(sorted(arguments.items()))

    def __init__(self, name: str, **arguments: Any) -> None:
        self.asked = self.key(name, arguments)
        self._study = server.pool().ask(name, **arguments)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it has come."""
        return self._study.wait(seconds)

    def studies(self) -> list[Task]:
        """Return the study."""
        return [self._study]

    def finding(self) -> Result | None:
        """Return its finding, or the partial one."""
        return self._study.result or self._study.progress.partial


class Trial(Inquiry):
    """An experiment: its parts in several workers, and what they add up to."""

    def __init__(self, about: ExperimentSpec, seeds: int, quick: bool) -> None:
        self.about, self.seeds, self.quick = about, seeds, quick
        self.asked = (about.slug, seeds, quick)
        self.parts = {
            part: server.pool().ask(
                "experiment part",
                slug=about.slug,
                shard=part,
                seeds=seeds,
                first_seed=0,
                quick=quick,
            )
            for part in about.shards
        }
        self.verdict: Verdict | None = None
        self._concluding: Task | None = None
        self._of: Hashable = None
        self._asked_for: Hashable = None
        self._finding: Result | None = None
        self._findings = 0
        self._asked_at = 0.0
        self._looking = threading.Lock()

    def studies(self) -> list[Task]:
        """Return the parts."""
        return list(self.parts.values())

    def finding(self) -> Result | None:
        """Return what the pieces so far add up to."""
        return self._finding

    @property
    def version(self) -> Hashable:
        """Another value wherever there is news."""
        return (super().version, self._findings)

    @property
    def done(self) -> bool:
        """Whether the parts have ended and what they add up to is known."""
        return super().done and (self._of == super().version or bool(self.failure))

    @property
    def failure(self) -> str:
        """Why it did not come to its end."""
        failed = self._concluding.failure if self._concluding else ""
        return super().failure or failed

    def look(self) -> None:
        """Renew the leases; have the pieces put together whenever there are newer ones."""
        super().look()
        with self._looking:
            if self._take_finding():
                self._ask_for_finding()

    def _take_finding(self) -> bool:
        """Take in what was put together; return whether more may be asked for."""
        concluding = self._concluding
        if concluding is None:
            return True
        concluding.seen()
        if concluding.result:
            self._finding, self.verdict = concluding.result
            self._of, self._concluding = self._asked_for, None
            self._findings += 1
        return concluding.done

    def _ask_for_finding(self) -> None:
        of = super().version
        ended = all(study.done for study in self.studies())
        due = ended or time.monotonic() - self._asked_at > _SECONDS_BETWEEN_FINDINGS
        pieces = {name: s.result or s.progress.partial for name, s in self.parts.items()}
        pieces = {name: piece for name, piece in pieces.items() if piece}
        if pieces and due and of != self._of and not self.failure:
            self._asked_for, self._asked_at = of, time.monotonic()
            with suppress(PoolFull):  # then it is asked again at the next look
                self._concluding = server.pool().ask(
                    "experiment finding", slug=self.about.slug, partials=pieces, quick=self.quick
                )


class Series(Inquiry):
    """Several experiments, one after the other; each goes to the visitor's trials."""

    def __init__(self, abouts: list[ExperimentSpec], seeds: int, quick: bool, visit: Visit) -> None:
        self.asked = ("series", seeds, quick, time.monotonic())
        self._ahead, self._count = list(abouts), len(abouts)
        self._seeds, self._quick, self._visit = seeds, quick, visit
        self._now: Trial | None = None
        self._stepping = threading.Lock()
        self._full = ""

    def studies(self) -> list[Task]:
        """Return those of the experiment under way."""
        return self._now.studies() if self._now else []

    def finding(self) -> Result | None:
        """Return what the experiment under way has found."""
        return self._now.finding() if self._now else None

    @property
    def behind(self) -> int:
        """How many experiments have ended."""
        under_way = self._now is not None and not self._now.done
        return self._count - len(self._ahead) - under_way

    @property
    def version(self) -> Hashable:
        """Another value wherever there is news."""
        return (self.behind, self._now and self._now.version)

    @property
    def done(self) -> bool:
        """Whether all have ended, or were cancelled."""
        return self.behind == self._count

    @property
    def failure(self) -> str:
        """One that fails does not keep the others from running; its card says so."""
        return ""

    def look(self) -> None:
        """Renew the leases; begin the next experiment when one has ended."""
        with self._stepping:
            if self._now is not None:
                self._now.look()
            if self._ahead and (self._now is None or self._now.done):
                self._begin(self._ahead[0])

    def _begin(self, about: ExperimentSpec) -> None:
        try:
            self._now = Trial(about, self._seeds, self._quick)
        except PoolFull as full:
            self._full = str(full)  # it is tried again at the next look
            return
        self._full = ""
        self._visit.trials[about.slug] = self._now
        del self._ahead[0]

    def cancel(self) -> None:
        """Stop the one under way, and begin no other."""
        with self._stepping:
            self._count -= len(self._ahead)
            self._ahead.clear()
            if self._now is not None:
                self._now.cancel()

    def notice(self) -> str:
        """Return which experiment is under way."""
        if self.done:
            return f"{self._count} experiments have ended."
        if self._full or self._now is None:
            return self._full or "starting"
        return f"{self.behind + 1} of {self._count}, {self._now.about.title}: {self._now.notice()}"
