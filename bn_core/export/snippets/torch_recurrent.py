"""Recurrent layers with a norm inside, in plain PyTorch."""

import torch
from torch import nn


class Recurrent(nn.Module):
    """The rows of an image are read one after the other; the last hidden state comes out.

    h_t = cell(W x_t, W h_(t-1)): without norms what nn.RNN, nn.GRU or nn.LSTM compute. ``norms``
    make the norm of W x_t, that of W h_(t-1), and for an LSTM that of its cell state (Cooijmans et
    al. 2016). All time steps share gamma and beta, and each has running averages of its own; with
    ``shared`` one norm is called at every time step.
    """

    def __init__(self, cell, image, units, bias=True, norms=(), shared=False):
        super().__init__()
        self.cell, self.image = cell, image
        channels, self.steps, width = image
        gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell] * units
        self.from_inputs = nn.Linear(channels * width, gates, bias=bias)
        self.from_hidden = nn.Linear(units, gates, bias=bias)
        self.norms = nn.ModuleList(self.over_time(make, shared) for make in norms)
        if norms and hasattr(self.norms[1][0], "bias"):  # beta of the first norm is enough
            nn.init.zeros_(self.norms[1][0].bias).requires_grad_(False)

    def over_time(self, make, shared):
        first = make()
        others = [first if shared else make() for _ in range(self.steps - 1)]
        for norm in others:
            norm.weight = first.weight
            if hasattr(first, "bias"):
                norm.bias = first.bias
        return nn.ModuleList([first, *others])

    def forward(self, x):
        rows = x.unflatten(1, self.image).transpose(1, 2).flatten(2)
        h = c = x.new_zeros(len(x), self.from_hidden.in_features)
        for step, row in enumerate(rows.unbind(1)):
            a_x, a_h = self.from_inputs(row), self.from_hidden(h)
            norms = [column[step] for column in self.norms]
            if norms:
                a_x, a_h = norms[0](a_x), norms[1](a_h)
            if self.cell == "rnn":
                h = torch.tanh(a_x + a_h)
            elif self.cell == "gru":
                (r_x, z_x, n_x), (r_h, z_h, n_h) = a_x.chunk(3, 1), a_h.chunk(3, 1)
                new = torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h)
                h = torch.lerp(new, h, torch.sigmoid(z_x + z_h))
            else:
                i, f, g, o = (a_x + a_h).chunk(4, 1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(norms[2](c) if norms else c)
        return h
