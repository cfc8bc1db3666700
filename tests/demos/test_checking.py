"""Tables that a reader may type: what is wrong is said with its row and column."""

import math

import numpy as np
import pytest

from bn_core.demos.checking import MOST_COLUMNS, MOST_ROWS, TableError, read_table, remarks

COLUMNS = ("age", "price")


def complaint(rows, columns=COLUMNS) -> str:
    """Return what is said of a table, which must be one plain sentence or two."""
    with pytest.raises(TableError) as caught:
        read_table(rows, columns)
    words = str(caught.value)
    assert words[0].isupper() and words.endswith(".") and "\n" not in words
    assert "Error" not in words and "zip" not in words
    return words


def test_a_table_of_numbers_is_read_as_they_are():
    found = read_table([(1, -2.5), ("3.25", " 4e2 "), (True, np.float32(0.5))], COLUMNS)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1, -2.5], [3.25, 400], [1, 0.5]])


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (None, "is empty"),
        ("", "is empty"),
        ("  \t", "is empty"),
        (math.nan, "is empty or not a number"),
        ("nan", "is empty or not a number"),
        (math.inf, "is infinite"),
        (-math.inf, "is infinite"),
        ("1e999", "is infinite"),
        ("twelve", "holds “twelve”, which is not a number"),
        ("1,5", "holds “1,5”, which is not a number"),
        ([1.0], "which is not a number"),
        (1 + 2j, "which is not a number"),
        (1.1e6, "is 1.1e+06; numbers up to 1,000,000"),
        (-1e300, "numbers up to 1,000,000"),
        (10**400, "is too large; numbers up to 1,000,000"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(cell, words):
    said = complaint([(1.0, 2.0), (3.0, cell), (5.0, 6.0)])
    assert said.startswith("Row 2, column price") and words in said
    assert complaint([(cell, 2.0)]).startswith("Row 1, column age")


def test_the_first_of_several_bad_cells_is_named():
    assert complaint([(1.0, 2.0), ("x", None), (None, "y")]).startswith("Row 2, column age")


def test_long_text_is_cut_short():
    said = complaint([(1.0, "a" * 5000)])
    assert len(said) < 100 and "a" * 20 in said


def test_the_largest_number_and_the_largest_table_are_read():
    assert read_table([(1e6, -1e6)], COLUMNS).tolist() == [[1e6, -1e6]]
    names = [str(c) for c in range(MOST_COLUMNS)]
    assert read_table([[0.5] * MOST_COLUMNS] * MOST_ROWS, names).shape == (MOST_ROWS, MOST_COLUMNS)


@pytest.mark.parametrize("rows", [[], ()])
def test_an_empty_table_is_refused(rows):
    assert complaint(rows).startswith("The table is empty")


def test_too_many_rows_or_columns_are_counted():
    said = complaint([(1.0, 2.0)] * (MOST_ROWS + 1))
    assert f"{MOST_ROWS + 1} rows" in said and f"at most {MOST_ROWS} rows" in said
    wide = [str(c) for c in range(MOST_COLUMNS + 1)]
    assert f"{MOST_COLUMNS + 1} columns" in complaint([[1.0] * len(wide)], wide)


@pytest.mark.parametrize("row", [(1.0,), (1.0, 2.0, 3.0), ()])
def test_a_row_of_another_length_is_named(row):
    said = complaint([(1.0, 2.0), (3.0, 4.0), row])
    assert said.startswith(f"Row 3 has {len(row)} numbers where 2 belong")


def test_a_batch_of_one_is_remarked_on():
    (words,) = remarks(read_table([(1.0, 2.0)], COLUMNS), COLUMNS)
    assert "batch of one" in words and "y = β" in words


def test_columns_of_equal_values_are_named():
    names = ("unit 1", "unit 2", "unit 3")
    (one,) = remarks(read_table([(0.1, 1, 2), (0.1, 2, 2.5), (0.1, 3, 2)], names), names)
    assert one.startswith("Column unit 1 has equal values")
    (two,) = remarks(read_table([(0.1, 1, 2)] * 2, names)[:, [0, 2]], ("unit 1", "unit 3"))
    assert two.startswith("Columns unit 1, unit 3 have equal values")
    assert remarks(read_table([(1, 2, 3), (4, 5, 6)], names), names) == []
