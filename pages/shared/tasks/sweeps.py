"""A stability map computed for a page: its lines run in the pool, or on a cluster."""

import logging
import threading
import time
from collections.abc import Hashable, Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager

from bn_core.results import Result
from bn_core.service.cluster import ClusterError, cluster_executor, scheduler_address
from bn_core.service.pool_executor import PoolExecutor
from bn_core.service.tasks import ComputationTask
from bn_core.sweeps.driver import SweepProgress, run_sweep
from bn_core.sweeps.stability_map import StabilityMap
from bn_core.sweeps.sweep import Sweep
from pages.shared.tasks.computation import Computation
from pages.shared.tasks.requests import pool_executor

_LOG = logging.getLogger(__name__)
_SECONDS_WITHOUT_A_PAGE = 20.0
_LINES_AT_ONCE = 4


class SweepRun(Computation):
    """A sweep under way: a thread hands out lines and takes in results until the page is gone."""

    def __init__(self, visitor: str, sweep: Sweep) -> None:
        self.sweep, self.request = sweep, sweep
        self.news = SweepProgress(StabilityMap.empty(sweep), 0, 0, 0)
        self._visitor, self._failure = visitor, ""
        self._cancelled = self._over = False
        self._renewed_at = time.monotonic()
        self._local: PoolExecutor | None = None
        threading.Thread(target=self._work, daemon=True).start()

    def tasks(self) -> list[ComputationTask]:
        """Return none: lines come and go."""
        return []

    def result(self) -> Result | None:
        """Return nothing: the map is no result of panels."""
        return None

    @property
    def map(self) -> StabilityMap:
        """What is measured so far."""
        return self.news.map

    @property
    def version(self) -> Hashable:
        """Another value with every change."""
        return self.news.done, self._over

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self._over

    @property
    def failure(self) -> str:
        """Why it did not come to its end, as a sentence; else nothing."""
        return self._failure

    def renew_lease(self) -> None:
        """Keep it from being cancelled."""
        self._renewed_at = time.monotonic()
        if self._local is not None:
            self._local.renew_lease()

    def cancel(self) -> None:
        """Stop; what is measured stays."""
        if not self._over:
            self._cancelled = True
            self._failure = "It was cancelled; these cells were measured by then."
            if self._local is not None:
                self._local.shutdown(wait=False, cancel_futures=True)

    def notice(self) -> str:
        """Return where it stands, as a sentence."""
        if self.failure or self.done:
            return self.failure
        return f"{100 * self.news.share:.0f} %: {self.news.words}."

    def _stopped(self) -> bool:
        return self._cancelled or time.monotonic() - self._renewed_at > _SECONDS_WITHOUT_A_PAGE

    def _work(self) -> None:
        try:
            with self._executor() as (executor, at_once):
                for news in run_sweep(self.sweep, executor, at_once, self._stopped):
                    self.news = news
        except (ValueError, ClusterError) as error:
            self._failure = self._failure or str(error)
        except (CancelledError, RuntimeError) as error:
            self._failure = self._failure or "It was cancelled, as no page asked for it any more."
            if not self._cancelled:
                _LOG.warning("A sweep ended early.", exc_info=error)
        except Exception:
            _LOG.exception("A sweep failed.")
            self._failure = "Something went wrong in this computation, and it is our mistake."
        finally:
            self._over = True

    @contextmanager
    def _executor(self) -> Iterator[tuple[Executor, int]]:
        address = scheduler_address()
        if address:
            with cluster_executor(address) as (executor, threads):
                yield executor, 2 * threads
            return
        self._local = pool_executor(self._visitor)
        try:
            yield self._local, _LINES_AT_ONCE
        finally:
            self._local.shutdown(wait=False, cancel_futures=True)
