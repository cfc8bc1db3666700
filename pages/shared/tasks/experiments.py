"""Experiments run from a page: one, or several one after the other."""

import threading
import time
from collections.abc import Hashable
from contextlib import suppress

from bn_core.results import ExperimentSpec, Result, Verdict
from bn_core.service.pool import PoolFull
from bn_core.service.tasks import ComputationTask
from pages.shared.session import Session
from pages.shared.tasks.computation import Computation
from pages.shared.tasks.requests import submit_shard, submit_summary

_SECONDS_BETWEEN_SUMMARIES = 0.7


class ExperimentRun(Computation):
    """An experiment: its shards in several workers, and what they add up to."""

    def __init__(
        self, visitor: str, spec: ExperimentSpec, seeds: int, first_seed: int, quick: bool
    ) -> None:
        self.spec, self.seeds, self.first_seed, self.quick = spec, seeds, first_seed, quick
        self.request = (spec.slug, seeds, first_seed, quick)
        self._visitor = visitor
        self._shards = {
            shard: submit_shard(visitor, spec, shard, seeds, first_seed, quick)
            for shard in spec.shards
        }
        self.verdict: Verdict | None = None
        self._summary: ComputationTask | None = None
        self._summarized: Hashable = None
        self._requested: Hashable = None
        self._result: Result | None = None
        self._results = 0
        self._requested_at = 0.0
        self._lock = threading.Lock()

    def tasks(self) -> list[ComputationTask]:
        """Return the shards' tasks."""
        return list(self._shards.values())

    def result(self) -> Result | None:
        """Return what the shards' results so far add up to."""
        return self._result

    @property
    def version(self) -> Hashable:
        """Another value with every change."""
        return (super().version, self._results)

    @property
    def done(self) -> bool:
        """Whether the shards have ended and what they add up to is known."""
        return super().done and (self._summarized == super().version or bool(self.failure))

    @property
    def failure(self) -> str:
        """Why it did not come to its end."""
        failed = self._summary.failure if self._summary else ""
        return super().failure or failed

    def renew_lease(self) -> None:
        """Keep the tasks; have the shards' results put together whenever there are newer ones."""
        super().renew_lease()
        with self._lock:
            if self._take_summary():
                self._request_summary()

    def _take_summary(self) -> bool:
        """Take in what was put together; return whether more may be asked for."""
        summary = self._summary
        if summary is None:
            return True
        summary.renew_lease()
        if summary.result:
            self._result, self.verdict = summary.result
            self._summarized, self._summary = self._requested, None
            self._results += 1
        return summary.done

    def _request_summary(self) -> None:
        version = super().version
        ended = all(task.done for task in self.tasks())
        waited = time.monotonic() - self._requested_at
        partials = {name: t.result or t.progress.partial for name, t in self._shards.items()}
        partials = {name: partial for name, partial in partials.items() if partial}
        due = ended or waited > _SECONDS_BETWEEN_SUMMARIES
        if partials and due and version != self._summarized and not self.failure:
            self._requested, self._requested_at = version, time.monotonic()
            with suppress(PoolFull):  # then it is asked for again with the next lease
                self._summary = submit_summary(self._visitor, self.spec, partials, self.quick)


class ExperimentSuite(Computation):
    """Several experiments, one after the other; each goes to the visitor's experiments."""

    def __init__(
        self,
        session: Session,
        specs: list[ExperimentSpec],
        seeds: int,
        first_seed: int,
        quick: bool,
    ) -> None:
        self.request = ("suite", seeds, first_seed, quick, time.monotonic())
        self._ahead, self._count = list(specs), len(specs)
        self._arguments = (seeds, first_seed, quick)
        self._session = session
        self._now: ExperimentRun | None = None
        self._lock = threading.Lock()
        self._full = ""
        self._planned, self._cancelled = len(specs), False

    def tasks(self) -> list[ComputationTask]:
        """Return those of the experiment under way."""
        return self._now.tasks() if self._now else []

    def result(self) -> Result | None:
        """Return the result so far of the experiment under way."""
        return self._now.result() if self._now else None

    @property
    def ended(self) -> int:
        """How many experiments have ended."""
        under_way = self._now is not None and not self._now.done
        return self._count - len(self._ahead) - under_way

    @property
    def version(self) -> Hashable:
        """Another value with every change."""
        return (self.ended, self._now and self._now.version)

    @property
    def done(self) -> bool:
        """Whether all have ended, or were cancelled."""
        return self.ended == self._count

    @property
    def failure(self) -> str:
        """One that fails does not keep the others from running; its card says so."""
        return ""

    def renew_lease(self) -> None:
        """Keep the tasks; begin the next experiment when one has ended."""
        with self._lock:
            if self._now is not None:
                self._now.renew_lease()
            if self._ahead and (self._now is None or self._now.done):
                self._begin(self._ahead[0])

    def _begin(self, spec: ExperimentSpec) -> None:
        try:
            self._now = ExperimentRun(self._session.visitor, spec, *self._arguments)
        except PoolFull as full:
            self._full = str(full)  # it is tried again with the next lease
            return
        self._full = ""
        self._session.experiments[spec.slug] = self._now
        del self._ahead[0]

    def cancel(self) -> None:
        """Stop the one under way, and begin no other."""
        with self._lock:
            self._cancelled = not self.done
            self._count -= len(self._ahead)
            self._ahead.clear()
            if self._now is not None:
                self._now.cancel()

    def _ending(self) -> str:
        if not self._cancelled:
            return f"All {self._planned} experiments have ended."
        # The one that was under way may have come to its end as it was cancelled.
        broken = self._now is not None and bool(self._now.failure)
        done = self._count - broken
        return f"Cancelled: {done} of {self._planned} experiments were completed."

    def notice(self) -> str:
        """Return which experiment is under way, or how all of them ended."""
        if self.done:
            return self._ending()
        if self._full or self._now is None:
            return self._full or "starting"
        return f"{self.ended + 1} of {self._count}, {self._now.spec.title}: {self._now.notice()}"
