"""Batch norm of images: a channel's mean and variance are over examples and positions."""

import numpy as np
import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.demos.checking import read_table
from bn_core.demos.defaults import CHANNELS, HEIGHT, MOST_IMAGES, WIDTH
from bn_core.demos.folding import folded
from bn_core.demos.forward import Rows, forward, layer, result, short
from bn_core.nets.convolution import Convolution, convolution
from bn_core.normalization import BatchNorm
from bn_core.results import HeatMap, HeatMaps, Metric, Progress, Result, TaskGenerator

Array = np.ndarray

COLUMNS = tuple(
    f"channel {channel}, column {column}"
    for channel in range(1, CHANNELS + 1)
    for column in range(1, WIDTH + 1)
)
_LETTERS = "ABCDEFGHIJKLMNOP"
_APART = 5
"""Multiplies the numbers of groups, so that neighbours have colours far from each other."""


def images(rows: Rows) -> Tensor:
    """Return a table as images of one replica, (1, N, C, H, W) float64.

    Each row holds one row of pixels of every channel, and H rows are an image. Errors:
    ``ValueError`` if rows are left over, or there are too many.
    """
    numbers = read_table(rows, COLUMNS)
    if len(numbers) % HEIGHT:
        raise ValueError(
            f"An image takes {HEIGHT} rows of the table, which has {len(numbers)}. Add a row, or "
            "delete one."
        )
    if len(numbers) > MOST_IMAGES * HEIGHT:
        raise ValueError(
            f"At most {MOST_IMAGES} images can be shown, which take {MOST_IMAGES * HEIGHT} rows; "
            f"the table has {len(numbers)}. Delete some."
        )
    x = numbers.reshape(-1, HEIGHT, CHANNELS, WIDTH).transpose(0, 2, 1, 3)
    return torch.from_numpy(np.ascontiguousarray(x))[None]


def channels(rows: Rows, gamma: float, beta: float, epsilon: float) -> TaskGenerator:
    """Take images (N, C, H, W) through batch norm: as a batch of N H W rows with C units.

    mu_c = 1/m sum_nhw x_nchw, m = N H W; the variance likewise. Source: Ioffe & Szegedy 2015
    (1502.03167), 3.2.
    """
    x = images(rows)
    as_rows = x[0].permute(0, 2, 3, 1).reshape(-1, CHANNELS)
    by_rows = yield from forward(tuple(map(tuple, as_rows.tolist())), gamma, beta, epsilon)
    yield Progress(0.9, "comparing")
    ours, theirs = layer(CHANNELS, gamma, beta, epsilon), nn.BatchNorm2d(CHANNELS, epsilon)
    nn.init.constant_(theirs.weight, gamma)
    nn.init.constant_(theirs.bias, beta)
    with torch.no_grad():
        y = ours(x)[0]
        exact = theirs.double()(x[0])
    of_rows = by_rows.facts["stages"][-1].values
    reshaped = y.permute(0, 2, 3, 1).reshape(of_rows.shape).numpy()
    if not np.allclose(reshaped, of_rows, rtol=1e-9, atol=1e-9):
        raise AssertionError("The rows shown are not what the layer computes of the images.")
    count, difference = len(as_rows), float((y - exact).abs().max())
    words = f"m = N · H · W = {len(x[0])} · {HEIGHT} · {WIDTH}, values that share a mean"
    metrics = (
        Metric("m", words, np.array([float(count)]), ".0f"),
        Metric(
            "torch",
            "Largest difference from torch.nn.BatchNorm2d, 64 bits",
            np.array([difference]),
            ".1e",
            rounding=1e-9,
        ),
    )
    return Result((_who_is_averaged(len(x[0])), _before_and_after(x[0], y)), metrics, by_rows.facts)


def _who_is_averaged(examples: int) -> HeatMaps:
    channel = np.arange(CHANNELS).reshape(1, -1, 1, 1)
    pixel = np.arange(CHANNELS * HEIGHT * WIDTH).reshape(1, CHANNELS, HEIGHT, WIDTH)
    whole = (examples, CHANNELS, HEIGHT, WIDTH)
    fields = []
    for words, groups in (
        (f"By channel: m = {examples * HEIGHT * WIDTH}", channel),
        (f"If each pixel were a unit: m = {examples}", pixel),
    ):
        labels = _as_table(np.broadcast_to(groups, whole))
        letters = tuple(tuple(_LETTERS[label] for label in row) for row in labels)
        fields.append(HeatMap(words, labels * _APART % len(_LETTERS), letters))
    return HeatMaps(
        "averaged", "Which numbers share one mean and one variance", "channel and column of pixels",
        "image and row of pixels", tuple(fields), "group", signed=False, scale=False, named=True,
        wide=True, rows=_row_names(examples), columns=COLUMNS,
        help="Equal letters share a mean, a variance, gamma and beta. On the left a convolution's "
        "batch norm; on the right what batch norm of a fully connected layer would do with the "
        "same numbers.",
    )  # fmt: skip


def _before_and_after(x: Tensor, y: Tensor) -> HeatMaps:
    fields = []
    for label, values in (("x", x), ("y", y)):
        shown = _as_table(values.numpy())
        fields.append(HeatMap(label, shown, _written(shown, ".2f")))
    return HeatMaps(
        "images", "The images before and after", "channel and column of pixels",
        "image and row of pixels", tuple(fields), "value", wide=True,
        rows=_row_names(len(x)), columns=COLUMNS,
        help="Every pixel of a channel is shifted and scaled by the same two numbers, so what the "
        "channel shows, and where, stays.",
    )  # fmt: skip


def _row_names(examples: int) -> tuple[str, ...]:
    return tuple(f"image {n + 1}, row {h + 1}" for n in range(examples) for h in range(HEIGHT))


def _as_table(values: Array) -> Array:
    """Return values (N, C, H, W) as the reader's table has them: (N H, C W)."""
    examples, units, height, width = values.shape
    return values.transpose(0, 2, 1, 3).reshape(examples * height, units * width)


def _written(values: Array, form: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(format(value, form) for value in row) for row in values)


@torch.no_grad()
def folding_of_channels(rows: Rows, gamma: float, beta: float, epsilon: float) -> TaskGenerator:
    """Fold the batch norm behind a 3x3 convolution of the images into it, and compare.

    W'_oikl = a_o W_oikl, b'_o = (b_o - mu_o) a_o + beta_o, a_o = gamma_o / sqrt(var_o + epsilon),
    with the running mean and variance of one batch.
    """
    yield Progress(0.0, "folding")
    x = images(rows)
    drawn = Config(replicas=1, initialization="torch")
    made, norm = (
        convolution(drawn, 0, CHANNELS, CHANNELS).double(),
        layer(CHANNELS, gamma, beta, epsilon),
    )
    norm.momentum = 1.0  # the running averages are then those of the batch
    norm(made(x))
    norm.eval()
    weight, bias = folded(made, norm)
    differences = [
        _difference(t, made, norm, weight, bias, x) for t in (torch.float32, torch.float64)
    ]
    metrics = (
        Metric("32", "Largest difference of an output, 32 bits", differences[0], ".1e"),
        Metric("64", "Largest difference of an output, 64 bits", differences[1], ".1e"),
    )
    lines = [_line(made, norm, channel, bias) for channel in range(CHANNELS)]
    return Result((_kernels(made.weight[0], weight[0]),), metrics, {"lines": lines})


def _difference(
    dtype: torch.dtype,
    made: Convolution,
    norm: BatchNorm,
    weight: Tensor,
    bias: Tensor,
    x: Tensor,
) -> Array:
    """Return the largest difference between convolution and norm, and the folded convolution."""
    assert made.bias is not None and norm.gamma is not None and norm.beta is not None

    def cast(values: Tensor) -> Tensor:
        return values[0].to(dtype)

    gamma, beta, (mean, variance) = cast(norm.gamma), cast(norm.beta), map(cast, norm.averages)
    first = nn.functional.conv2d(cast(x), cast(made.weight), cast(made.bias)[0], padding=1)
    usual = nn.functional.batch_norm(first, mean, variance, gamma, beta, eps=norm.epsilon)
    once = nn.functional.conv2d(cast(x), cast(weight), cast(bias)[0], padding=1)
    return np.array([float((usual - once).abs().max())])


def _line(made: Convolution, norm: BatchNorm, channel: int, bias: Tensor) -> str:
    assert made.bias is not None and norm.gamma is not None and norm.beta is not None
    mean, variance = (float(one[0, channel]) for one in norm.averages)
    gamma, beta = float(norm.gamma[0, channel]), float(norm.beta[0, channel])
    scale = gamma / (variance + norm.epsilon) ** 0.5
    first = float(made.bias[0, 0, channel])
    return (
        f"channel {channel + 1}: a = {short(gamma)} / √({short(variance)} + {norm.epsilon:g}) = "
        f"{result(scale)}, b' = ({short(first)} - {short(mean)}) · {short(scale)} + {short(beta)}"
        f" = {result(float(bias[0, 0, channel]))}"
    )


def _kernels(before: Tensor, after: Tensor) -> HeatMaps:
    fields = []
    for label, weight in (("W", before), ("W', folded", after)):
        shown = _as_table(weight.numpy())
        fields.append(HeatMap(label, shown, _written(shown, ".2f")))
    names = [
        [f"{kind} {c + 1}" for c in range(CHANNELS)] for kind in ("from channel", "to channel")
    ]
    columns, rows = (
        tuple(f"{name}, {place} {k + 1}" for name in group for k in range(3))
        for group, place in zip(names, ("column", "row"), strict=True)
    )
    return HeatMaps(
        "kernels", "The 3 x 3 weights, before and after folding", "channel that enters",
        "channel put out", tuple(fields), "weight", wide=True, rows=rows, columns=columns,
        help="All weights into one channel are multiplied by one number, a.",
    )  # fmt: skip
