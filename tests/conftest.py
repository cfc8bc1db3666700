"""What all tests share: torch set up as in the app's workers, and how a run is divided and told."""

from collections import Counter
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from bn_core.training import prepare_process

TOGETHER = {"cli", "demos", "experiments", "service"}
"""Folders whose files have expensive fixtures: each file stays in one process of a parallel run."""


@pytest.fixture(scope="session", autouse=True)
def _as_in_a_worker() -> None:
    prepare_process()


class FilesTogether(LoadScopeScheduling):
    """Deals tests out to the processes of a parallel run: some files whole, all others singly.

    xdist's own groups have no effect with this version of pytest.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if TOGETHER & set(Path(file).parts) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    """Keep tests that share a file's fixtures together; all others go to whoever is free."""
    return FilesTogether(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped, and why, in one line a reason."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.getreports("skipped"):
        if isinstance(report.longrepr, tuple):
            reasons[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1
    for reason, count in reasons.items():
        terminalreporter.write_line(f"Skipped {count} tests: {reason}", yellow=True)
