"""IDX files: read as they were written, refused with a sentence, and never larger than allowed."""

import gzip
import io
import random
import struct
import tracemalloc

import numpy as np
import pytest

from bn_core.datasets.idx import DataFileError, read_idx
from tests.datasets.idx_files import TYPES, idx_bytes

MEGABYTE = 2**20


def read(body: bytes, most: int = MEGABYTE, **options) -> np.ndarray:
    return read_idx(io.BytesIO(body), most, **options)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4), (2, 1, 3, 4), (0, 3)])
def test_what_is_written_is_read(kind, shape, packed):
    values = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    body = idx_bytes(values)
    found = read(gzip.compress(body) if packed else body)
    assert found.shape == shape and np.array_equal(found, values)


def test_the_first_items_alone_can_be_read():
    values = np.arange(60, dtype="u1").reshape(10, 6)
    assert np.array_equal(read(gzip.compress(idx_bytes(values)), 18, first=3), values[:3])


GOOD = idx_bytes(np.arange(24, dtype="u1").reshape(4, 6))

REFUSED = {
    "nothing": (b"", "shorter"),
    "wrong magic": (b"\x01" + GOOD[1:], "no IDX file"),
    "unknown type": (GOOD[:2] + b"\x42" + GOOD[3:], "no IDX file"),
    "no dimensions": (GOOD[:3] + b"\x00" + GOOD[4:], "dimensions"),
    "many dimensions": (GOOD[:3] + b"\xff" + GOOD[4:], "dimensions"),
    "too short": (GOOD[:-1], "shorter"),
    "too long": (GOOD + b"\x00", "longer"),
    "a billion rows": (struct.pack(">BBBBII", 0, 0, 8, 2, 10**9, 6), "speaks of"),
    "more than any number": (struct.pack(">BBBB4I", 0, 0, 14, 4, *[2**32 - 1] * 4), "speaks of"),
    "half a gzip": (gzip.compress(GOOD)[:-12], "damaged"),
    "gzip of nonsense": (b"\x1f\x8b" + b"\x00" * 40, "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_idx_file_is_refused_with_a_sentence(name):
    body, words = REFUSED[name]
    with pytest.raises(DataFileError, match=words) as refused:
        read(body)
    assert str(refused.value).endswith(".")


def test_a_zip_bomb_takes_no_memory():
    bomb = gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, 100) + bytes(200 * MEGABYTE), 1)
    tracemalloc.start()
    with pytest.raises(DataFileError, match="longer"):
        read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MEGABYTE


def test_thousands_of_damaged_files_end_in_an_array_or_a_sentence():
    draw, packed = random.Random(4), gzip.compress(GOOD)
    for _ in range(4000):
        body = bytearray(draw.choice([GOOD, packed]))
        for _ in range(draw.randint(1, 6)):
            body[draw.randrange(len(body))] = draw.randrange(256)
        del body[draw.choice([len(body), draw.randrange(len(body) + 1)]) :]
        try:
            assert read(bytes(body)).nbytes <= MEGABYTE
        except DataFileError as error:
            assert str(error).endswith(".")
