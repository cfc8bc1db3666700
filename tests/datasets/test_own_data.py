"""A reader's own files: read as they are meant, or refused with a sentence; never beyond limits."""

import gzip
import io
import pickle
import random
import tracemalloc
import zipfile

import numpy as np
import pytest

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets import own
from bn_core.datasets.dataset import scaled
from bn_core.datasets.idx import DataFileError
from bn_core.datasets.own import OwnData, from_body
from bn_core.datasets.reading import MOST_FILE_BYTES, Found, arrays_in, table_in
from bn_core.datasets.spec import Sampling
from bn_core.datasets.tables import own_data
from bn_core.datasets.thumbnails import own_thumbnail
from bn_core.export.settings_table import settings_rows
from bn_core.figures.settings_words import settings_line
from tests.datasets.idx_files import idx_bytes, images_and_labels

MEGABYTE = 2**20


def rows(count: int = 40, columns: int = 3, separator: str = ",", classes: int = 2) -> list[str]:
    draw = np.random.RandomState(1)
    numbers = np.round(draw.normal(size=(count, columns)), 3)
    return [
        separator.join([*map(str, row.tolist()), "abcdefghij"[number % classes]])
        for number, row in enumerate(numbers)
    ]


def csv(lines: list[str], first: str = "") -> bytes:
    return "\n".join([first, *lines] if first else lines).encode()


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def read(*bodies: bytes, label: int | None = None, fill: bool = False) -> Found:
    """Read files as the page does with its usual choices."""
    table = table_in(bodies)
    if table is None:
        return arrays_in(bodies, 0.25)
    chosen = table.usual_label if label is None else label
    return own_data(table, chosen, fill=fill, held_out=0.25)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("decimal", [".", ","])
def test_separators_names_and_decimal_commas_are_found(separator, named, decimal):
    if separator == decimal:
        pytest.skip("cells could not be told apart")
    lines = [line.replace(".", decimal) for line in rows(separator=separator)]
    body = csv(lines, separator.join(["u", "v", "w", "kind"]) if named else "")
    table = table_in([body])
    assert table is not None
    expected = ["u", "v", "w", "kind"] if named else [f"column {n}" for n in (1, 2, 3, 4)]
    assert [column.name for column in table.columns] == expected
    data, said = own_data(table, table.usual_label, fill=False, held_out=0.25)
    assert (data.inputs.shape, data.classes, said) == ((40, 3), ("a", "b"), ())
    plain, _ = read(csv(rows()))
    assert np.array_equal(data.inputs, plain.inputs) and data.name == plain.name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends_are_those_of_spreadsheets(encoding, end):
    body = end.join(["größe,v,w,class", *rows()]).encode(encoding)
    table = table_in([body])
    assert table is not None and table.columns[0].name == "größe" and table.rows == 40


def test_quoted_cells_hold_separators_and_packed_tables_are_read():
    lines = [f'{line[:-1]}"class, {line[-1]}"' for line in rows()]
    assert read(gzip.compress(csv(lines)))[0].classes == ("class, a", "class, b")


def test_the_column_of_classes_is_the_one_named_so_or_the_last_or_the_chosen_one():
    lines = [f"{line[-1]},{line}" for line in rows()]
    table = table_in([csv(lines, "species,u,v,w,other")])
    assert table is not None and table.usual_label == 0
    data, said = read(csv(lines, "species,u,v,w,other"), label=4)
    assert data.shape == (3,) and "species" in said[0]


def test_number_classes_are_in_the_order_of_numbers():
    lines = [f"{line[:-2]},{10 * (n % 3)}" for n, line in enumerate(rows())]
    assert read(csv(lines))[0].classes == ("0", "10", "20")


def test_rows_with_missing_numbers_are_left_out_or_filled_with_the_training_mean():
    lines = rows()
    for place, token in ((3, ""), (7, "NA"), (11, "?"), (15, "inf"), (19, "1e99"), (23, "nan")):
        lines[place] = f"{token},{lines[place].split(',', 1)[1]}"
    dropped, said = read(csv(lines))
    assert len(dropped.inputs) == 34 and said == ("6 rows with missing numbers are left out.",)
    filled, said = read(csv(lines), fill=True)
    assert len(filled.inputs) == 40 and said[0].startswith("6 missing numbers are filled")
    split, order = filled.split(Sampling(3)), np.isnan(filled.inputs[:, 0])
    known = split.train_inputs[:, 0]
    mean = np.mean([v for v in known if v in filled.inputs[~order, 0]], dtype=np.float64)
    both = np.concatenate([known, split.validation_inputs[:, 0]])
    assert np.isclose(both, mean, atol=1e-6).sum() == 6 and np.isfinite(both).all()


def test_rows_without_a_class_are_left_out_and_said():
    lines = rows()
    lines[4] = lines[4][:-1]
    data, said = read(csv(lines))
    assert len(data.inputs) == 39 and said == ("1 rows without a class are left out.",)


def test_columns_of_text_are_left_out_and_said():
    lines = [f"Oslo,{line}" for line in rows()]
    data, said = read(csv(lines, "city,u,v,w,kind"))
    assert data.shape == (3,) and said == ("Left out, as they hold text: city (“Oslo”).",)


def test_arrays_of_an_npz_file_are_found_by_name_and_shape():
    images, labels = images_and_labels(60)
    data, said = read(npz(x_train=images, y_train=labels, x_test=images[:5], y_test=labels[:5]))
    assert data.shape == (1, 28, 28) and data.inputs.dtype == np.uint8
    assert "x_test" in said[1] and data.spec.kind == "image" and data.spec.pixel_max == 255
    assert np.array_equal(data.inputs, images.reshape(60, -1))
    colour = np.zeros((60, 8, 8, 3), np.float32)
    colour[:, :, :, 2] = 1
    data, _ = read(npz(data=colour, labels=np.array(["no", "yes"])[labels % 2]))
    assert (data.shape, data.classes) == ((3, 8, 8), ("no", "yes"))
    assert data.inputs[0, -64:].tolist() == [1] * 64
    data, _ = read(npz(a=np.asfortranarray(np.arange(120.0).reshape(40, 3)), b=np.arange(40) % 2))
    assert data.inputs[1].tolist() == [3, 4, 5]


def test_two_idx_files_are_taken_in_either_order():
    images, labels = images_and_labels(60)
    files = [idx_bytes(images), gzip.compress(idx_bytes(labels))]
    assert read(*files)[0].name == read(*reversed(files))[0].name
    assert read(*files)[0].classes == tuple("0123456789")


def test_the_name_says_the_content_and_the_choices():
    data, _ = read(csv(rows()))
    assert own.is_name(data.name) and from_body(data.body).name == data.name
    other, _ = read(csv(rows(columns=4)))
    longer = OwnData(data.inputs, data.labels, data.classes, data.shape, held_out=0.5)
    assert len({data.name, other.name, longer.name}) == 3


def test_a_split_is_fair_repeats_and_trains_on_nothing_that_is_held_out():
    data, _ = read(csv(rows(count=200, classes=4)))
    split, again = data.split(Sampling(1)), data.split(Sampling(1))
    assert np.array_equal(split.train_inputs, again.train_inputs)
    assert not np.array_equal(split.train_inputs, data.split(Sampling(2)).train_inputs)
    assert np.bincount(split.validation_labels).max() - np.bincount(
        split.validation_labels
    ).min() in (0, 1)
    assert (len(split.train_labels), len(split.validation_labels)) == (150, 50)
    assert not set(map(tuple, split.train_inputs)) & set(map(tuple, split.validation_inputs))
    standard = scaled(data.spec, split).train_inputs
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(0, correction=0), 1, rtol=1e-5)


@pytest.mark.parametrize(
    "text",
    ["<b>bold</b>", "<a href='//a.example'>x</a>", "$x^2$", "[a](//a.example)", "\x1b\u202e"],
)
def test_names_of_classes_are_no_markup(text):
    lines = [f"{line[:-1]}{text if n % 2 else 'other'}" for n, line in enumerate(rows())]
    (name,) = [one for one in read(csv(lines))[0].classes if one != "other"]
    assert not set(name) & set("<>&$[]*_`:'\"\x1b\u202e\\") and len(name) <= 30


class Trap:
    def __reduce__(self):
        return (print, ("code of an upload ran",))


def with_header(shape: str, kind: str = "<f8", body: bytes = b"") -> bytes:
    """Return an NPZ file whose array of examples says what it is, and is ``body``."""
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    part = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + body
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", part)
        archive.writestr("y.npy", io.BytesIO(npy(np.arange(40) % 2)).getvalue())
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(entries: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return file.getvalue()


LABELS = np.arange(40) % 2
NUMBERS = np.random.RandomState(0).normal(size=(40, 3))

REFUSED = {
    "nothing": ([b""], "empty"),
    "spaces": ([b" \n \n"], "empty"),
    "too large": ([b"1,2\n" * (MOST_FILE_BYTES // 4 + 1)], "MB are the most"),
    "bytes": ([bytes(range(256)) * 4], "neither a table"),
    "a pickle": ([pickle.dumps(Trap())], "neither a table"),
    "one column": ([b"1\n2\n3\n"], "one column"),
    "one row": ([b"1,2,a"], "fewest"),
    "one class": ([csv([f"{line[:-1]}a" for line in rows()])], "single class"),
    "a class of one": ([csv([*rows(), "1,2,3,z"])], "has 1 examples"),
    "too many rows": ([b"1,a\n2,b\n" * 10_001], "20,000 rows"),
    "too many columns": ([b",".join([b"1"] * 1026)], "columns"),
    "rows of two lengths": ([csv([*rows(), "1,2"])], "Row 41"),
    "an open quote": ([csv(rows()) + b'\n"' + b"x" * 200_000], "quote"),
    "text alone": ([csv([f"p{n},q{n},{'ab'[n % 2]}" for n in range(40)])], "no input"),
    "regression": ([csv([f"{n},{n / 7}" for n in range(40)])], "regression"),
    "a number for each row": ([csv([f"1,{n}" for n in range(200)])], "regression"),
    "a text for each row": ([csv([f"1,t{n}" for n in range(200)])], "different texts"),
    "all missing": ([csv([f"NA,{'ab'[n % 2]}" for n in range(40)])], "missing number"),
    "two tables": ([csv(rows()), csv(rows())], "choose one"),
    "three files": ([b"1"] * 3, "one file"),
    "a bomb": ([gzip.compress(b"1,a\n" * 12 * MEGABYTE)], "larger than"),
    "half a gzip": ([gzip.compress(csv(rows()))[:-20]], "damaged"),
    "one IDX file": ([idx_bytes(LABELS.astype("u1"))], "both files"),
    "two files of labels": ([idx_bytes(LABELS.astype("u1"))] * 2, "one holds labels"),
    "no arrays": ([zipped({"a.txt": b"x"})], "needs an array"),
    "no labels": ([npz(x=NUMBERS)], "needs an array"),
    "labels of another length": ([npz(x=NUMBERS, y=LABELS[:20])], "needs an array"),
    "objects": ([npz(x=NUMBERS, y=np.array([Trap()] * 40, object))], "Python objects"),
    "records": ([npz(x=NUMBERS, y=np.zeros(40, [("a", int)]))], "neither numbers"),
    "dates": ([npz(x=NUMBERS, y=np.zeros(40, "M8[s]"))], "neither numbers"),
    "fractions for labels": ([npz(x=NUMBERS, y=NUMBERS[:, 0])], "regression"),
    "missing labels": ([npz(x=NUMBERS, y=np.full(40, np.nan))], "regression"),
    "too many classes": ([npz(x=np.zeros((300, 2)), y=np.arange(300))], "100 classes"),
    "numbers beyond": ([npz(x=NUMBERS * 1e35, y=LABELS)], "too large"),
    "nothing finite": ([npz(x=NUMBERS * np.nan, y=LABELS)], "examples"),
    "large images": ([npz(x=np.zeros((40, 64, 64)), y=LABELS)], "gray"),
    "a billion rows": ([with_header("(1000000000, 3)")], "needs an array"),
    "a million wide": ([with_header("(40, 100000000)")], "are the most"),
    "a negative side": ([with_header("(40, -3)")], "neither numbers"),
    "no shape": ([with_header("(" * 300 + ")" * 300)], "no array"),
    "a short array": ([with_header("(40, 3)")], "damaged"),
    "lzma": ([zipped({"x.npy": npy(NUMBERS)}, zipfile.ZIP_LZMA)], "packed"),
    "many parts": ([zipped({f"{n}.npy": npy(LABELS) for n in range(30)})], "parts"),
    "half a zip": ([npz(x=NUMBERS, y=LABELS)[:-30]], "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_with_a_sentence(name, capsys):
    bodies, words = REFUSED[name]
    with pytest.raises(DataFileError, match=words) as refused:
        read(*bodies)
    assert str(refused.value).endswith(".") and len(str(refused.value)) < 400
    assert capsys.readouterr().out == ""


def zip_bomb() -> bytes:
    return zipped({"x.npy": with_size(10**6, 100), "y.npy": npy(LABELS)})


def with_size(count: int, columns: int) -> bytes:
    return npy(np.zeros((count, columns), np.uint8))


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(bytes(100 * MEGABYTE), 1),
        zip_bomb(),
        with_header("(20000, 1000000)"),
        b"1," * 2_000_000,
        b"1," + b"9" * 5_000_000,
        b'"' * 5_000_000,
        b"\n" * 5_000_000,
        b"a" * 5_000_000,
    ],
)
def test_what_claims_or_unpacks_to_much_takes_no_memory_beyond_the_limit(body):
    tracemalloc.start()
    with pytest.raises(DataFileError):
        read(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120 * MEGABYTE


SEEDS = [
    csv(rows(24), "u,v,w,class"),
    csv(rows(24, separator=";")),
    npz(x=NUMBERS[:24], y=LABELS[:24]),
    zipped({"x.npy": npy(NUMBERS[:24]), "y.npy": npy(LABELS[:24])}, zipfile.ZIP_STORED),
    gzip.compress(csv(rows(24))),
    idx_bytes(NUMBERS[:24].astype("f4")),
]
TOKENS = [b"\xff", b"\x00", b",", b";", b'"', b"\n", b"nan", b"-1e999", b"9" * 400, b"PK\x03\x04"]


def mutated(draw: random.Random) -> bytes:
    body = bytearray(draw.choice(SEEDS))
    for _ in range(draw.randint(1, 8)):
        place = draw.randrange(len(body) + 1)
        if draw.random() < 0.5:
            body[place : place + draw.choice([0, 1, 40])] = draw.choice(TOKENS)
        elif place < len(body):
            body[place] = draw.randrange(256)
    return bytes(body) or b"\0"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_thousands_of_damaged_files_end_in_data_within_the_limits_or_in_a_sentence():
    draw, read_well = random.Random(7), 0
    labels = idx_bytes(LABELS[:24].astype("u1"))
    for _ in range(4000):
        body = mutated(draw)
        bodies = [body, labels] if body[:2] == b"\0\0" else [body]
        try:
            data, _ = read(*bodies, fill=draw.random() < 0.5)
        except DataFileError as error:
            assert str(error).endswith(".") and len(str(error)) < 600
            continue
        read_well += 1
        assert len(data.inputs) <= own.MOST_EXAMPLES and data.inputs.shape[1] <= own.MOST_NUMBERS
        split = data.split(Sampling(0))
        assert np.isfinite(split.train_inputs).all() and np.isfinite(split.validation_inputs).all()
    assert read_well > 200  # else the mutations would be too coarse to reach what lies deeper


def test_bytes_that_no_data_stand_for_are_refused():
    body, draw = read(csv(rows()))[0].body, random.Random(2)
    with pytest.raises(DataFileError):
        from_body(body[:-1])
    for _ in range(500):
        broken = bytearray(body)
        broken[draw.randrange(200)] ^= 1 << draw.randrange(8)
        try:
            assert from_body(bytes(broken)).body == bytes(broken)
        except DataFileError as error:
            assert str(error).endswith(".")


def test_the_thumbnail_of_a_wide_table_shows_the_directions_that_vary_most():
    draw = np.random.RandomState(0)
    classes = np.arange(90) % 3
    noise = draw.normal(size=(90, 2))
    alike = 3 * classes[:, None] + draw.normal(size=(90, 4)) / 5  # four columns tell the classes
    lines = [f"{','.join(map(str, row))},{'abc'[c]}" for row, c in
             zip(np.hstack([noise, alike]).tolist(), classes, strict=True)]  # fmt: skip
    drawn = own_thumbnail(read(csv(lines))[0])
    across = [drawn.points[drawn.labels == label, 0] for label in range(3)]
    first, middle, last = sorted(across, key=np.mean)
    assert first.max() < middle.min() and middle.max() < last.min()
    assert np.abs(drawn.points).max() <= 1


def test_own_data_are_called_what_their_visitor_calls_them():
    data, _ = read(csv(rows()))
    assert own.words_of(data.name) == f"Your own data ({data.name[:12]}…)"
    assert own.words_of(data.name, "my <b>.csv") == f"my ·b·.csv ({data.name[:12]}…)"
    own.hold(data)
    comparison = Comparison(Config(data=data.name, batch_size=8))
    shown = dict(settings_rows(comparison, "mine.csv"))
    assert shown["Data set"].startswith("mine.csv (own-")
    assert "Data set: mine.csv (own-" in settings_line(comparison, "mine.csv")
    assert data.name not in settings_line(comparison)
    own.let_go(data.name)
