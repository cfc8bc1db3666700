"""Parse a table that a reader has typed, and say what is wrong with it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_ROWS, MOST_COLUMNS = 64, 8
LARGEST = 1e6
_LIMIT = f"numbers up to {LARGEST:,.0f} can be shown."


class TableError(ValueError):
    """A table that cannot be used; the message names the cell and says what to do."""


def read_table(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> np.ndarray:
    """Return the numbers of a table, (rows, columns) float64. Errors: ``TableError``."""
    if not rows:
        raise TableError("The table is empty. Add at least one row of numbers.")
    if len(rows) > MOST_ROWS or len(columns) > MOST_COLUMNS:
        raise TableError(
            f"The table has {len(rows)} rows and {len(columns)} columns; at most {MOST_ROWS} rows "
            f"and {MOST_COLUMNS} columns can be shown. Delete some."
        )
    for row, line in enumerate(rows, start=1):
        if len(line) != len(columns) or not line:
            raise TableError(
                f"Row {row} has {len(line)} numbers where {max(len(columns), 1)} belong. "
                "Give every row the same number."
            )
    cells = [
        [_number(cell, row, column) for cell, column in zip(line, columns, strict=True)]
        for row, line in enumerate(rows, start=1)
    ]
    return np.array(cells)


def _number(cell: Any, row: int, column: str) -> float:
    where = f"Row {row}, column {column}"
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        raise TableError(f"{where} is empty. Type a number there, or delete the row.")
    try:
        found = float(cell)
    except OverflowError:
        raise TableError(f"{where} is too large; {_LIMIT}") from None
    except (TypeError, ValueError):
        raise TableError(f"{where} holds “{str(cell)[:20]}”, which is not a number.") from None
    if math.isnan(found):
        raise TableError(f"{where} is empty or not a number. Type a number there.")
    if math.isinf(found):
        raise TableError(
            f"{where} is infinite. Its column's mean would be infinite and every x̂ of the column "
            "not a number. Type a finite number."
        )
    if abs(found) > LARGEST:
        raise TableError(f"{where} is {found:g}; {_LIMIT}")
    return found


def remarks(x: np.ndarray, columns: Sequence[str]) -> list[str]:
    """Return what batch norm makes of a single row, and of columns whose values are all equal."""
    if len(x) == 1:
        return [
            "A batch of one: each value is its own mean and the variance is 0, so x̂ = 0 and y = β "
            "whatever x is. PyTorch raises an error for such a batch, Keras puts out β."
        ]
    equal = [name for name, values in zip(columns, x.T, strict=True) if np.ptp(values) == 0]
    if not equal:
        return []
    which = f"Column {equal[0]} has" if len(equal) == 1 else f"Columns {', '.join(equal)} have"
    return [
        f"{which} equal values: the variance is 0, only ε keeps the division from failing, "
        "x̂ = 0 and y = β."
    ]
