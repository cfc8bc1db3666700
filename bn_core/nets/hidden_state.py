"""The hidden state of a recurrent net at one time step, as a module of its own."""

import math
from typing import Any

import torch
from torch import Tensor, nn


class HiddenState(nn.Module):
    """The hidden state of one time step, passed on as it is: a place where it can be measured.

    It keeps dl/dh_t of the last backward pass, of the mean loss l.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gradient: Tensor | None = None

    def forward(self, entering: Tensor, hidden: Tensor) -> Tensor:
        """Return ``hidden``, (K, N, H); ``entering`` is what entered the tanh of its new values."""
        return _Identity.apply(hidden, self) if hidden.requires_grad else hidden

    @property
    def gradient_of_examples(self) -> Tensor:
        """Return sqrt(N) dl/dh_t, (K, N, H); zeros, (1, 1, 1), before the first backward pass.

        Its norm is the root mean square over examples of the norm of dl_n/dh_t, whatever N is.
        """
        if self.gradient is None:
            return torch.zeros(1, 1, 1)
        return self.gradient * math.sqrt(self.gradient.shape[1])


class _Identity(torch.autograd.Function):
    """y = x; the state is told dl/dy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, state: HiddenState) -> Tensor:
        ctx.state = state
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        ctx.state.gradient = gradients[0]
        return gradients[0], None
