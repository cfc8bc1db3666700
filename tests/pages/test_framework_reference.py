"""The code that a page shows is the code that runs."""

import inspect
import textwrap

import pytest

from bn_core.normalization.base import RunningNormalization
from bn_core.normalization.batch_norm import BatchNorm
from pages.shared.framework_reference import SOURCES, source


@pytest.mark.parametrize(
    ("name", "code"),
    [("The layer", BatchNorm.forward), ("Its running averages", RunningNormalization)],
)
def test_a_reader_sees_the_code_that_runs(name, code):
    assert source(name).strip() == textwrap.dedent(inspect.getsource(code)).strip()


def test_the_layer_that_is_the_lesson_fits_a_screen_and_shows_the_running_update():
    lines = source("The layer").splitlines()
    assert len(lines) <= 40
    assert any("running_variance" in line and "momentum" in line for line in lines)
    assert set(SOURCES) == {"The layer", "Its running averages"}
