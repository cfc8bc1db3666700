"""From the files that a reader opens to data: told apart by what they hold, not by their names."""

import io
import zlib
from collections.abc import Sequence

from bn_core.datasets.arrays import is_gzip, is_idx, is_npz, own_data_of_idx, own_data_of_npz
from bn_core.datasets.idx import DataFileError, opened
from bn_core.datasets.own import OwnData
from bn_core.datasets.source import Source
from bn_core.datasets.tables import Table, own_data, read_table

MOST_FILE_BYTES = 5 * 2**20
MOST_FILES = 2

Found = tuple[OwnData, tuple[str, ...]]
"""Data, and what was done to the file, in sentences."""


def table_in(bodies: Sequence[bytes], header: bool | None = None) -> Table | None:
    """Return the table of text that a reader has opened; None if the files hold arrays.

    Errors: ``DataFileError``.
    """
    check_files(bodies)
    if is_npz(bodies[0]) or is_idx(bodies[0]):
        return None
    if len(bodies) > 1:
        raise DataFileError("Of tables, choose one. Only IDX files come in two.")
    return read_table(_unpacked(bodies[0]), header)


def arrays_in(bodies: Sequence[bytes], held_out: float) -> Found:
    """Return the data of files that hold arrays. Errors: ``DataFileError``."""
    check_files(bodies)
    if any(map(is_npz, bodies)):
        if len(bodies) > 1:
            raise DataFileError("Of NPZ files, choose one. Only IDX files come in two.")
        return own_data_of_npz(bodies[0], held_out)
    return own_data_of_idx(bodies, held_out)


def read_again(bodies: Sequence[bytes], source: Source, held_out: float) -> OwnData:
    """Return the data of files that were read before, found by the same choices.

    Errors: ``DataFileError``.
    """
    if source.kind != "table":
        return arrays_in(bodies, held_out)[0]
    table = table_in(bodies, source.has_header)
    if table is None or not 0 <= source.label < len(table.columns):
        raise DataFileError("This is another file: it is no such table.")
    return own_data(table, source.label, fill=source.fill, held_out=held_out)[0]


def check_files(bodies: Sequence[bytes]) -> None:
    """Refuse no files, too many, or too large ones. Errors: ``DataFileError``."""
    if not 1 <= len(bodies) <= MOST_FILES:
        raise DataFileError("Choose one file, or the two IDX files of examples and labels.")
    size = sum(map(len, bodies))
    if size > MOST_FILE_BYTES:
        raise DataFileError(
            f"That is {size / 2**20:.1f} MB; {MOST_FILE_BYTES // 2**20} MB are the most."
        )
    if not all(bodies):
        raise DataFileError("This file is empty.")


def _unpacked(body: bytes) -> bytes:
    if not is_gzip(body):
        return body
    try:
        found = opened(io.BytesIO(body)).read(MOST_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataFileError("This file is damaged: it cannot be unpacked to its end.") from error
    if len(found) > MOST_FILE_BYTES:
        raise DataFileError(
            f"Unpacked, this table is larger than {MOST_FILE_BYTES // 2**20} MB, the most here."
        )
    return found
