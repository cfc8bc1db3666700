"""What a worker asks of the system: each where the system has it."""

import contextlib
import ctypes
import gc
import os
import sys

NICENESS = 10
"""The page process goes first: clicks are answered at once however much is trained."""
MEMORY_LIMIT = 8 * 2**30
"""Bytes of address space; torch alone maps about two gigabytes."""


def limit_memory() -> bool:
    """Limit the address space of this process; return whether the system does that.

    Windows has no such limit, macOS refuses it.
    """
    try:
        import resource
    except ImportError:
        return False
    limit = getattr(resource, "RLIMIT_AS", None)
    if limit is None or sys.platform == "darwin":
        return False
    try:
        resource.setrlimit(limit, (MEMORY_LIMIT, MEMORY_LIMIT))
    except (ValueError, OSError):
        return False  # a lower limit is set already
    return True


def lower_priority() -> None:
    """Let other processes go first; on Windows the process is started with a low priority."""
    nice = getattr(os, "nice", None)
    if nice is not None:
        with contextlib.suppress(OSError):
            nice(NICENESS)


def return_memory(*, collect: bool) -> None:
    """Give freed memory back to the system; the C library would keep it for later."""
    if collect:
        gc.collect()
    try:
        trim = ctypes.CDLL(None).malloc_trim  # glibc has it, others have not
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
