"""What all tests share: torch set up as in the app's workers, so that numbers repeat."""

import pytest

from bn_core.training import prepare_process


@pytest.fixture(scope="session", autouse=True)
def _as_in_a_worker() -> None:
    prepare_process()
