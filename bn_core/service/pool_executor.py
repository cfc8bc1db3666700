"""The local pool as an executor of ``concurrent.futures``, for functions it has a name for."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from bn_core.service.executor import Executor as Pool
from bn_core.service.executor import PoolFull
from bn_core.service.tasks import ComputationTask
from bn_core.sweeps.driver import compute_line

COMPUTATION_OF: Mapping[Callable[..., Any], tuple[str, tuple[str, ...]]] = {
    compute_line: ("sweep line", ("line",)),
}
"""The name in ``COMPUTATIONS`` of each function that may be submitted, and of its arguments."""

_SECONDS_BETWEEN_LOOKS = 0.01
_SECONDS_BETWEEN_TRIES = 0.2


class PoolExecutor(Executor):
    """Runs functions as computations of the pool, on behalf of one visitor.

    A worker that ends has its tasks repeated by another. Nobody but the caller renews the leases:
    without ``renew_lease`` tasks are cancelled after a while, as those of any page that is gone.
    """

    def __init__(self, pool: Pool, visitor: str = "") -> None:
        self._pool, self._visitor = pool, visitor
        self._tasks: dict[Future[Any], ComputationTask] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin a function that ``COMPUTATION_OF`` names; wait where the pool takes no more.

        Errors: ``ValueError`` for any other function; ``RuntimeError`` after ``shutdown``.
        """
        if fn not in COMPUTATION_OF:
            raise ValueError(f"The pool has no computation of {fn!r}.")
        name, names = COMPUTATION_OF[fn]
        arguments = dict(zip(names, args, strict=True)) | kwargs
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        task = self._admitted(name, arguments)
        with self._lock:
            self._tasks[future] = task
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
        return future

    def _admitted(self, name: str, arguments: dict[str, Any]) -> ComputationTask:
        while not self._closed.is_set():
            try:
                return self._pool.submit(name, self._visitor, **arguments)
            except PoolFull:
                self._closed.wait(_SECONDS_BETWEEN_TRIES)
        raise RuntimeError("This executor has been shut down.")

    def renew_lease(self) -> None:
        """Keep the tasks under way from being cancelled."""
        with self._lock:
            tasks = list(self._tasks.values())
        for task in tasks:
            task.renew_lease()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; cancel what is under way if asked, and wait for the end of the rest."""
        self._closed.set()
        with self._lock:
            tasks = list(self._tasks.values())
        for task in tasks if cancel_futures else ():
            task.cancel()
        thread = self._thread
        if wait and thread is not None:
            thread.join()

    def _watch(self) -> None:
        """Hand on results until there is nothing left to wait for."""
        while True:
            with self._lock:
                ended = [(future, task) for future, task in self._tasks.items() if task.done]
                for future, _ in ended:
                    del self._tasks[future]
                if not self._tasks and not ended:
                    self._thread = None
                    return
            for future, task in ended:
                _hand_on(future, task)
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _hand_on(future: Future[Any], task: ComputationTask) -> None:
    ending = task.ending
    if ending is not None and ending.kind == "cancelled":
        future.set_exception(CancelledError(task.failure))
    elif task.failure:
        future.set_exception(ValueError(task.failure))
    else:
        future.set_result(task.result)
