"""The Lab's data: links to sets that are not here, and settings that data have or have not."""

import io

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bn_core.config import SETTINGS, Config
from bn_core.datasets.published import PUBLISHED
from tests.datasets.idx_files import images_and_labels
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


def opened(app: AppTest, body: bytes, name: str = "mine.csv") -> AppTest:
    """Open a file on the page of one's own data, as its route does."""
    go(app, "your_data")
    assert app.session_state["session"].inbox.put(name, body, first=True) == ""
    return app.run()


def table(count: int = 48) -> bytes:
    draw = np.random.RandomState(0)
    points = draw.normal(size=(count, 2)).tolist()
    return "\n".join(f"{x},{y},{'ab'[n % 2]}" for n, (x, y) in enumerate(points)).encode()


def test_a_table_is_given_to_the_lab_and_a_batch_that_does_not_fit_becomes_smaller(app: AppTest):
    opened(app, table())
    assert not app.error and "48 points" in app.markdown[-1].value
    app.button(key="own.train").click().run()
    session = app.session_state["session"]
    base = session.lab.comparison.base
    assert base.data.startswith("own-") and base.batch_size == 32 and base.train_size == 36
    assert not app.exception and not app.error and session.run.comparison.base == base
    assert any("batch size is now 32" in warning.value for warning in app.warning)


def test_of_a_large_table_every_row_is_trained_on_and_the_page_says_so(app: AppTest):
    opened(app, table(6000))
    app.button(key="own.train").click().run()
    base = app.session_state["session"].lab.comparison.base
    assert base.train_examples == base.train_size == 4500
    (warning,) = app.warning
    assert "The nets are trained on all 4" in warning.value


def test_images_are_shown_and_what_is_wrong_with_a_file_is_said(app: AppTest):
    images, labels = images_and_labels(60)
    file = io.BytesIO()
    np.savez(file, x=images, y=labels)
    opened(app, file.getvalue(), "mine.npz")
    assert not app.error and not app.exception and "60 images" in app.markdown[-1].value
    opened(app, b"1,2\n<b>3</b>")
    assert len(app.error) == 1 and not app.exception
    assert not [button for button in app.button if button.key == "own.train"]
