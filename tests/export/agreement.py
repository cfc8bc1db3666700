"""Whether a printed table agrees with what the app trains from the same link."""

import re

from bn_core.figures.summary import rows
from bn_core.training import run
from tests.export.programs import comparison_of


def assert_agrees(table: list[str], link: str) -> None:
    """Each median lies within the range over the app's seeds, widened by the range itself."""
    for line, row in zip(table[1:], rows(run(comparison_of(link))), strict=True):
        label, *cells = re.split(r"\s{2,}", line)
        assert label == row.label
        measures = (row.train_loss, row.validation_loss, row.validation_accuracy)
        for cell, app in zip(cells, measures, strict=True):
            found = re.fullmatch(r"([\d.]+) \(([\d.]+) to ([\d.]+)\)", cell)
            assert found, cell
            width = max(app.high - app.low, 0.01)
            assert app.low - width <= float(found[1]) <= app.high + width, (label, cell, app)
