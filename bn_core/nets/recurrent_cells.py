"""Recurrent cells: one time step of a tanh RNN, a GRU and an LSTM, for K nets at once.

Each takes a_x = W_x x_t + b_x and a_h = W_h h_(t-1) + b_h, normalized or not, for all its gates
side by side in the order of torch: (K, N, G H) with G gates of H units. Nothing else is learned, so
a cell is a function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Carry = tuple[Tensor, ...]
"""What a cell hands to the next time step: h, and c behind it for an LSTM, (K, N, H) each."""

NormCell = Callable[[Tensor], Tensor]
"""Normalizes the cell state of an LSTM in front of its last tanh, or returns it as it is."""

Step = Callable[[Tensor, Tensor, Carry, NormCell], tuple[Tensor, Carry]]
"""Returns what enters the tanh of the new values, (K, N, H), and what is handed on."""


@dataclass(frozen=True)
class Cell:
    """A kind of cell: how many states it hands on, and the equations of a time step."""

    carried: int
    step: Step


def rnn_step(a_x: Tensor, a_h: Tensor, carry: Carry, norm: NormCell) -> tuple[Tensor, Carry]:
    """Return h_t = tanh(a_x + a_h), as ``torch.nn.RNN``. Elman 1990."""
    entering = a_x + a_h
    return entering, (torch.tanh(entering),)


def gru_step(a_x: Tensor, a_h: Tensor, carry: Carry, norm: NormCell) -> tuple[Tensor, Carry]:
    """Return h_t = (1 - z) n + z h_(t-1), as ``torch.nn.GRU``; the gates are r, z, n.

    r, z = sigmoid(a_x + a_h);  n = tanh(a_x + r a_h).  Cho et al. 2014 (arXiv 1406.1078), with r
    behind the matrix product, where torch has it.
    """
    units = a_x.shape[-1] // 3
    (gates_x, new_x), (gates_h, new_h) = (a.split([2 * units, units], -1) for a in (a_x, a_h))
    reset, update = torch.sigmoid(gates_x + gates_h).chunk(2, -1)
    entering = torch.addcmul(new_x, reset, new_h)
    new = torch.tanh(entering)
    return entering, (torch.lerp(new, carry[0], update),)


def lstm_step(a_x: Tensor, a_h: Tensor, carry: Carry, norm: NormCell) -> tuple[Tensor, Carry]:
    """Return h_t = o tanh(norm(c_t)) and c_t = f c_(t-1) + i g, as ``torch.nn.LSTM``.

    i, f, o = sigmoid(a_x + a_h);  g = tanh(a_x + a_h); the gates are i, f, g, o. Hochreiter &
    Schmidhuber 1997, with the forget gate of Gers et al. 2000; the norm of c is that of Cooijmans
    et al. 2016 (arXiv 1603.09025), eq. 8.
    """
    keep_in, forget, entering, out = (a_x + a_h).chunk(4, -1)
    state = torch.sigmoid(forget) * carry[1] + torch.sigmoid(keep_in) * torch.tanh(entering)
    return entering, (torch.sigmoid(out) * torch.tanh(norm(state)), state)


CELLS: Mapping[str, Cell] = {
    "rnn": Cell(1, rnn_step),
    "gru": Cell(1, gru_step),
    "lstm": Cell(2, lstm_step),
}
