"""The log when a browser sends a widget value that no page sends: one line, and no traceback."""

import logging
import sys

import pytest
from streamlit import error_util
from streamlit.elements.widgets.number_input import NumberInputSerde
from streamlit.proto.NumberInput_pb2 import NumberInput

from bn_core.config import SETTINGS
from pages.shared import script_errors
from pages.shared.widgets.settings import value_shown


def failed_to_read() -> Exception:
    """Return what Streamlit raises for a NaN that was sent for whole numbers."""
    read = NumberInputSerde(5, NumberInput.INT, 1, 9)
    with pytest.raises(ValueError) as caught:
        read.deserialize(float("nan"))
    return caught.value


def logged(caplog: pytest.LogCaptureFixture, error: Exception) -> logging.LogRecord:
    """Return what Streamlit logs of a script's error once the filter is there."""
    logger = logging.getLogger("streamlit.error_util")
    logger.addHandler(caplog.handler)
    script_errors.install()
    try:
        error_util.handle_user_script_exception(error, lambda _error: True)
    finally:
        logger.removeFilter(script_errors.shorten)
        logger.removeHandler(caplog.handler)
    return caplog.records[-1]


def test_a_value_that_cannot_be_read_is_one_line(caplog):
    record = logged(caplog, failed_to_read())
    assert record.exc_info is None and record.levelname == "WARNING"
    assert record.getMessage().startswith("A widget value that no page sends was refused: Value")


def test_the_line_is_bounded_and_has_no_line_breaks(caplog):
    error = failed_to_read()
    error.args = ("a\nb" * 10_000,)
    words = logged(caplog, error).getMessage()
    assert len(words) < 300 and "\n" not in words


def test_a_mistake_of_the_app_keeps_its_traceback(caplog):
    try:
        raise ValueError("ours")
    except ValueError as error:
        record = logged(caplog, error)
    assert record.exc_info is not None and record.levelname == "ERROR"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("optimizer", "<script>"),
        ("optimizer", None),
        ("learning_rate", float("nan")),
        ("learning_rate", "0.1"),
        ("depth", 1e308),
        ("width", sys.maxsize),
        ("bn_cumulative", 1),
        ("normalized_layers", ["None"]),
        ("normalized_layers", [1, "x"]),
        ("normalized_layers", None),
    ],
)
def test_a_value_outside_a_settings_limits_is_not_taken(name: str, sent: object):
    assert value_shown(SETTINGS[name], sent) is None
