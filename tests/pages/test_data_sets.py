"""The Lab's data: links to sets that are not here, and settings that data have or have not."""

import pytest
from streamlit.testing.v1 import AppTest

from bn_core.config import SETTINGS, Config
from bn_core.datasets.published import PUBLISHED
from tests.pages.conftest import go

ABSENT = [name for name in PUBLISHED if Config(data=name).data_spec.missing]


@pytest.mark.skipif(not ABSENT, reason="BN_LAB_DATA has every published set")
def test_a_link_to_data_that_are_not_here_says_what_to_do_and_is_not_lost(app: AppTest):
    go(app, "lab", data=ABSENT[0], depth="3", pool="on")
    (error,) = app.error
    assert PUBLISHED[ABSENT[0]].title in error.value and "BN_LAB_DATA" in error.value
    assert app.session_state["session"].lab.comparison.base.data == ABSENT[0]
    assert not app.exception
    shown = {one.label for one in (*app.slider, *app.toggle, *app.number_input, *app.selectbox)}
    assert {"Hidden layers", SETTINGS["pooling"].label, SETTINGS["train_examples"].label} <= shown
    go(app, "lab", data="digits", depth="3")
    assert not app.error and not app.exception
