"""Sweeps on a Dask cluster: an executor of ``concurrent.futures``, where a scheduler is named."""

import importlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

SCHEDULER = "BN_LAB_SCHEDULER"
"""The environment variable with a scheduler's address, such as tcp://10.0.0.5:8786."""

_SECONDS_TO_CONNECT = 10


class ClusterError(RuntimeError):
    """The cluster cannot be used; the message says what to do."""


def scheduler_address() -> str:
    """Return the address of the scheduler that sweeps run on; nothing where they run here."""
    return os.environ.get(SCHEDULER, "").strip()


@contextmanager
def cluster_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """Connect to a scheduler; give its executor and how many of its worker threads there are.

    Tasks of a worker that is lost run again on another. Errors: ``ClusterError`` if the package is
    missing, nothing answers at the address, or the scheduler has no workers.
    """
    if not re.fullmatch(r"(tcp|tls|ws|wss)://[^/\s]+:\d+", address):
        raise ClusterError(
            f"{SCHEDULER} is the address of a Dask scheduler, such as tcp://10.0.0.5:8786; "
            f"{address[:80]!r} is none."
        )
    try:
        # An optional extra, which takes a while to import.
        client_class = importlib.import_module("distributed").Client
    except ImportError:
        raise ClusterError(
            f"{SCHEDULER} names a Dask scheduler, but the package that speaks with it is missing: "
            "pip install distributed. Without the variable, maps are computed on this machine."
        ) from None
    try:
        client = client_class(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"No Dask scheduler answers at {address[:80]} ({error}). Start one, or unset "
            f"{SCHEDULER}."
        ) from error
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ClusterError(
                f"The scheduler at {address[:80]} has no workers yet. Start one in this project's "
                f"folder: python -m distributed.cli.dask_worker {address[:80]} --nthreads 1"
            )
        with client.get_executor(pure=False) as executor:
            yield executor, threads
    finally:
        client.close()
