"""Recurrent layers with a norm inside, in Keras 3."""

import keras
from keras import ops


class Recurrent(keras.layers.Layer):
    """The rows of an image are read one after the other; the last hidden state comes out.

    h_t = cell(W x_t + b, W h_(t-1) + b), as PyTorch has it: with two biases, and the reset gate of
    a GRU behind the matrix product. ``norms`` make the norm of W x_t, that of W h_(t-1), and for an
    LSTM that of its cell state (Cooijmans et al. 2016). All time steps share gamma and beta, and
    each has running averages of its own; with ``shared`` one norm is called at every time step.
    """

    def __init__(self, cell, linear, image, units, use_bias=True, norms=(), shared=False):
        super().__init__()
        self.cell, self.image, self.units = cell, image, units
        channels, steps, width = image
        self.gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
        self.from_inputs = linear(1, channels * width, self.gates * units, use_bias)
        self.from_hidden = linear(2, units, self.gates * units, use_bias)
        self.norms = [[make() for _ in range(1 if shared else steps)] for make in norms]

    def build(self, shape):
        channels, _, width = self.image
        self.from_inputs.build((None, channels * width))
        self.from_hidden.build((None, self.units))
        sizes = self.gates * self.units, self.gates * self.units, self.units
        for column, size in zip(self.norms, sizes, strict=False):
            for norm in column:
                if norm is not column[0]:
                    norm.gamma, norm.beta = column[0].gamma, column[0].beta
                norm.build((None, size))

    def call(self, x, training=False):
        channels, steps, width = self.image
        images = ops.reshape(x, (-1, channels, steps, width))
        rows = ops.reshape(ops.transpose(images, (2, 0, 1, 3)), (steps, -1, channels * width))
        h = c = ops.zeros_like(ops.repeat(x[:, :1], self.units, axis=1))
        for step in range(steps):
            norms = [column[min(step, len(column) - 1)] for column in self.norms]
            h, c = self.next(rows[step], h, c, norms)
        return h

    def next(self, row, h, c, norms):
        a_x, a_h = self.from_inputs(row), self.from_hidden(h)
        if norms:
            a_x, a_h = norms[0](a_x), norms[1](a_h)
        if self.cell == "rnn":
            return ops.tanh(a_x + a_h), c
        if self.cell == "gru":
            (r_x, z_x, n_x), (r_h, z_h, n_h) = (ops.split(a, 3, axis=1) for a in (a_x, a_h))
            new = ops.tanh(n_x + ops.sigmoid(r_x + r_h) * n_h)
            update = ops.sigmoid(z_x + z_h)
            return (1 - update) * new + update * h, c
        i, f, g, o = ops.split(a_x + a_h, 4, axis=1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(norms[2](c) if norms else c), c
