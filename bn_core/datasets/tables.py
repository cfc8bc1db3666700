"""Tables of text, as spreadsheets write them: separators and names sniffed, numbers read, bounded.

The page's process reads them, so nothing takes more time or memory than the limits allow.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bn_core.datasets.idx import DataFileError
from bn_core.datasets.own import (
    FEWEST_EXAMPLES,
    MOST_CLASSES,
    MOST_EXAMPLES,
    MOST_NUMBERS,
    OwnData,
    class_name,
)
from bn_core.datasets.source import Source
from bn_core.datasets.spec import Array

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-", "inf", "-inf", "+inf"})
"""What stands for a missing number, in lower case; what is not finite counts as missing."""
LABEL_NAMES = ("label", "class", "target", "species", "y", "diagnosis", "category", "outcome")

_SNIFFED, _SNIFFED_CHARACTERS = 40, 100_000
_ROWS_AT_A_TIME = 500
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Column:
    """One column: its numbers, NaN where there is none; those of a column of text are not read."""

    name: str
    numbers: Array  # (N,) float32
    has_text: bool
    example: str
    """The first text that is no number."""


@dataclass(frozen=True)
class Table:
    """A table as it was read; the lines are kept to read the classes from."""

    columns: tuple[Column, ...]
    lines: str
    separator: str
    has_header: bool
    rows: int

    @property
    def usual_label(self) -> int:
        """The column that most likely holds the classes: one named so, else the last."""
        names = [column.name.strip().lower() for column in self.columns]
        return next((names.index(n) for n in LABEL_NAMES if n in names), len(names) - 1)

    def texts_of(self, index: int) -> list[str]:
        """Return the cells of one column as text."""
        rows = _rows(self.lines, self.separator)
        return [row[index].strip() for number, row in enumerate(rows) if number >= self.has_header]

    def preview(self, count: int = 8) -> list[list[str]]:
        """Return the first rows, their cells cut short."""
        found = []
        for number, row in enumerate(_rows(self.lines, self.separator)):
            if number >= self.has_header:
                found.append([cell.strip()[:_LONGEST_NAME] for cell in row])
            if len(found) == count:
                break
        return found


def read_table(body: bytes, header: bool | None = None) -> Table:
    """Read a table; whether its first line holds names is sniffed unless ``header`` says it.

    Errors: ``DataFileError``.
    """
    lines = _decoded(body)
    separator = _sniffed_separator(lines)
    first = next(_rows(lines, separator), [])
    if len(first) < 2:
        raise DataFileError(
            "This table has one column. It needs columns of numbers and one of classes, separated "
            "by commas, semicolons, tabs, bars or spaces."
        )
    if len(first) > MOST_NUMBERS + 1:
        raise DataFileError(
            f"This table has {len(first):,} columns; {MOST_NUMBERS:,} numbers and a class are the "
            "most."
        )
    has_header = _sniffed_header(lines, separator) if header is None else header
    names = _names(first, has_header)
    columns, rows = _columns(names, lines, separator, has_header)
    return Table(columns, lines, separator, has_header, rows)


def own_data(
    table: Table, label: int, *, fill: bool, held_out: float
) -> tuple[OwnData, tuple[str, ...]]:
    """Return the data of a table with the classes of one column, and what was done, in sentences.

    Rows with missing numbers are dropped, or with ``fill`` get the mean of the training part.
    Errors: ``DataFileError``.
    """
    said = []
    texts = table.texts_of(label)
    known = np.fromiter((text.lower() not in MISSING for text in texts), bool, len(texts))
    if not known.all():
        said.append(f"{int((~known).sum()):,} rows without a class are left out.")
    classes = _classes([t for t, k in zip(texts, known, strict=True) if k], table.columns[label])
    columns = tuple(i for i, c in enumerate(table.columns) if i != label and not c.has_text)
    used = [table.columns[i] for i in columns]
    left = [c for i, c in enumerate(table.columns) if i != label and c.has_text]
    if left:
        said.append(f"Left out, as they hold text: {_listed(left)}.")
    if not used:
        raise DataFileError("No column but the classes holds only numbers, so there is no input.")
    inputs = np.stack([column.numbers for column in used], axis=1)
    gaps = np.asarray(np.isnan(inputs).any(axis=1))
    if fill and gaps[known].any():
        said.append(
            f"{int(np.isnan(inputs[known]).sum()):,} missing numbers are filled with their "
            "column's mean over the training part."
        )
    elif gaps[known].any():
        said.append(f"{int((gaps & known).sum()):,} rows with missing numbers are left out.")
        known = np.logical_and(known, ~gaps)
    index = {name: number for number, name in enumerate(classes)}
    present = [texts[row] for row in np.flatnonzero(known)]
    if len(set(present)) < len(classes):
        raise DataFileError("Of some classes every row has a missing number. Fill in the mean.")
    labels = np.array([index[text] for text in present], np.int64)
    short = tuple(map(class_name, classes))
    source = Source("table", table.separator, table.has_header, label, columns, fill)
    return OwnData(inputs[known], labels, short, (len(used),), held_out, source), tuple(said)


def _decoded(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = body.decode("utf-16", errors="replace")
    else:
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = body.decode("latin-1")
    if "\x00" in text:
        raise DataFileError(
            "This is neither a table of text nor an NPZ or IDX file: nothing here can read it."
        )
    if not text.strip():
        raise DataFileError("This file is empty.")
    return text


def _rows(lines: str, separator: str) -> Iterator[list[str]]:
    """Yield the cells of each line that is not empty. Errors: ``DataFileError``."""
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=separator,
                        skipinitialspace=True)  # fmt: skip
    try:
        for row in reader:
            if separator == " ":
                row = [cell for cell in row if cell]
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error as error:
        raise DataFileError(
            f"Line {reader.line_num} of this table cannot be read: a cell is too long, or a quote "
            "is not closed."
        ) from error


def _sniffed_separator(lines: str) -> str:
    """Return the separator that makes most columns, equally many in each line, and most numbers."""
    start = "\n".join(lines[:_SNIFFED_CHARACTERS].splitlines()[:_SNIFFED])
    best, most = ",", (False, 1, 0)
    for separator in SEPARATORS:
        try:
            rows = list(_rows(start, separator))
        except DataFileError:
            continue
        rows = rows[:-1] or rows  # the last may be cut off
        counts = {len(row) for row in rows}
        numbers = sum(_number(cell) is not None for row in rows for cell in row)
        if rows and max(counts) > 1 and (len(counts) == 1, len(rows[0]), numbers) > most:
            best, most = separator, (len(counts) == 1, len(rows[0]), numbers)
    return best


def _sniffed_header(lines: str, separator: str) -> bool:
    """Return whether the first line has text where the second has a number, or text alone."""
    rows = _rows(lines, separator)
    first, second = next(rows, []), next(rows, [])
    text = [not _is_number(cell) for cell in first]
    named = any(t and _is_number(cell) for t, cell in zip(text, second, strict=False))
    return named or (all(text) and len(set(first)) == len(first) and len(second) == len(first))


def _is_number(cell: str) -> bool:
    return cell.strip().lower() in MISSING or _number(cell) is not None


def _number(cell: str) -> float | None:
    """Return the number that a cell holds, with a point or a comma; None if it holds none."""
    text = cell.strip()
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return None


def _names(first: Sequence[str], has_header: bool) -> list[str]:
    names = [
        (cell.strip() if has_header else "")[:_LONGEST_NAME] or f"column {number}"
        for number, cell in enumerate(first, start=1)
    ]
    return [
        f"{name} ({number})" if names.count(name) > 1 else name
        for number, name in enumerate(names, start=1)
    ]


def _columns(
    names: Sequence[str], lines: str, separator: str, has_header: bool
) -> tuple[tuple[Column, ...], int]:
    """Read all numbers, some rows at a time: as text they take ten times the memory."""
    blocks: list[Array] = []
    texts, examples = np.zeros(len(names), int), [""] * len(names)
    waiting: list[list[str]] = []
    count = 0
    for number, row in enumerate(_rows(lines, separator)):
        if number < has_header:
            continue
        count += 1
        if count > MOST_EXAMPLES:
            raise DataFileError(f"This table has more than {MOST_EXAMPLES:,} rows, the most here.")
        if len(row) != len(names):
            raise DataFileError(
                f"Row {count:,} has {len(row):,} of the {len(names):,} cells of the first line. "
                "Check its separators and quotes."
            )
        waiting.append(row)
        if len(waiting) == _ROWS_AT_A_TIME:
            blocks.append(_block(waiting, texts, examples))
            waiting = []
    if waiting:
        blocks.append(_block(waiting, texts, examples))
    if count < FEWEST_EXAMPLES:
        raise DataFileError(f"This table has {count} rows; {FEWEST_EXAMPLES} are the fewest.")
    numbers = np.concatenate(blocks)
    columns = (
        Column(name, numbers[:, i], bool(texts[i]), examples[i]) for i, name in enumerate(names)
    )
    return tuple(columns), count


def _block(rows: Sequence[Sequence[str]], texts: Array, examples: list[str]) -> Array:
    """Return the numbers of some rows; note the texts among them."""
    found = np.full((len(rows), len(rows[0])), np.nan, np.float32)
    for index, cells in enumerate(zip(*rows, strict=True)):
        if texts[index]:
            continue  # it is no column of numbers, and reading text as numbers takes long
        with np.errstate(over="ignore"):
            found[:, index] = _numbers(cells, index, texts, examples)
    return found


def _numbers(cells: Sequence[str], index: int, texts: Array, examples: list[str]) -> Array:
    try:
        # Longer cells are no numbers, and an array of texts is as wide as the longest.
        short = max(map(len, cells)) <= _LONGEST_NAME
        values = np.array(cells if short else ["text"]).astype(np.float64)
    except ValueError:
        values = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            number = _number(cell)
            if number is not None:
                values[row] = number
            elif cell.strip().lower() not in MISSING:
                texts[index] += 1
                examples[index] = examples[index] or cell.strip()[:_LONGEST_NAME]
    return np.where(np.abs(values) < 1e30, values, np.nan)


def _classes(texts: Sequence[str], column: Column) -> list[str]:
    """Return the classes in order. Errors: ``DataFileError`` for what is no column of classes."""
    found = set(texts)
    values = {text: _number(text) for text in found}
    numeric = all(value is not None for value in values.values())
    fractions = numeric and not all((value or 0.0).is_integer() for value in values.values())
    if fractions or (numeric and len(found) > MOST_CLASSES):
        raise DataFileError(
            f"“{column.name}” holds {len(found):,} different numbers: to predict a number is "
            "regression, and the nets here learn classes. Choose a column that names a class in "
            f"each row, {MOST_CLASSES} classes at most, or put the numbers into classes first."
        )
    if len(found) > MOST_CLASSES:
        raise DataFileError(
            f"“{column.name}” holds {len(found):,} different texts; {MOST_CLASSES} classes are "
            "the most. Choose another column of classes."
        )
    if len(found) < 2:
        raise DataFileError(
            f"“{column.name}” holds a single class, so there is nothing to tell apart. Choose "
            "another column of classes."
        )
    return sorted(found, key=lambda text: (values[text] or 0.0 if numeric else 0.0, text))


def _listed(columns: Sequence[Column]) -> str:
    shown = [f"{column.name} (“{column.example}”)" for column in columns[:4]]
    more = f" and {len(columns) - 4} more" if len(columns) > 4 else ""
    return ", ".join(shown) + more
