"""Records for the tests of the figures."""

import pytest

from bn_core.records import Record
from tests.figures.invented import CASES, make_record


@pytest.fixture(params=CASES, ids=str)
def any_record(request: pytest.FixtureRequest) -> Record:
    """Each edge case in turn."""
    return CASES[request.param]()


@pytest.fixture
def record() -> Record:
    """The usual record: three arms, three seeds, five layers, 40 of 100 steps."""
    return make_record()
