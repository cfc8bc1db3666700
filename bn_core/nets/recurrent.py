"""Recurrent nets: the rows of an image are read one after the other, the last state is classified.

Unrolled over time such a net has a layer for each row, and all of them share their weights. So its
probed layers are time steps, and the gradient of each is that of its hidden state.
"""

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from bn_core.config import Config, measured_time_steps
from bn_core.net_shapes import GATES
from bn_core.nets.convolutional import checked_image
from bn_core.nets.hidden_state import HiddenState
from bn_core.nets.layers import Layer, Linear, dropout, linear_map
from bn_core.nets.mlp import output_layer
from bn_core.nets.net import Net, ProbedLayer
from bn_core.nets.recurrent_cells import CELLS, Carry
from bn_core.normalization import Normalization, normalization
from bn_core.normalization.base import RunningNormalization
from bn_core.records import LayerOutline


class Recurrent(nn.Module):
    """h_t = cell(norm(W_x x_t), norm(W_h h_(t-1)), h_(t-1)) for K nets at once; returns h_T.

    x (K, N, C T W) are images (C, T, W) of T rows; x_t (K, N, C W) is row t of all channels, h_0 is
    0. W_x (K, C W, G H) and W_h (K, H, G H) hold the G gates side by side in the order of torch.
    ``norms`` are empty, or hold for each time step the norms of W_x x_t and of W_h h_(t-1), and for
    an LSTM that of c_t: in this order of columns. Without norms both maps have biases, and the net
    is ``torch.nn.RNN``, ``GRU`` or ``LSTM``. With norms that have a beta the maps have none: that
    of the first norm is the bias. Source: Cooijmans et al. 2016 (arXiv 1603.09025), eq. 6 to 8.
    """

    def __init__(
        self,
        cell: str,
        image: tuple[int, ...],
        from_inputs: Linear,
        from_hidden: Linear,
        norms: Sequence[Sequence[Normalization]],
    ) -> None:
        super().__init__()
        self.cell, self.image = CELLS[cell], image
        self.from_inputs, self.from_hidden = from_inputs, from_hidden
        self.norms = nn.ModuleList(nn.ModuleList(column) for column in norms)
        self.states = nn.ModuleList(HiddenState() for _ in range(image[1]))

    def forward(self, x: Tensor) -> Tensor:
        """Return the last hidden state, (K, N, H)."""
        return self.hidden_states(x)[-1]

    def hidden_states(self, x: Tensor) -> list[Tensor]:
        """Return the hidden state of each time step, (K, N, H) each."""
        replicas, examples, _ = x.shape
        rows = x.view(replicas, examples, *self.image).permute(0, 3, 1, 2, 4)  # (K, T, N, C, W)
        steps = self.image[1]
        mapped = self.from_inputs(rows.reshape(replicas, steps * examples, -1))
        of_inputs = mapped.view(replicas, steps, examples, -1).unbind(1)  # T of (K, N, G H)
        units = self.from_hidden.weight.shape[1]
        carry: Carry = (x.new_zeros(replicas, examples, units),) * self.cell.carried
        hidden = []
        for step, (a_x, state) in enumerate(zip(of_inputs, self.states, strict=True)):
            carry = self._step(step, a_x, carry, state)
            hidden.append(carry[0])
        return hidden

    def _step(self, step: int, a_x: Tensor, carry: Carry, state: nn.Module) -> Carry:
        a_h = self.from_hidden(carry[0])
        norms = [column[step] for column in self._columns]
        if norms:
            a_x, a_h = norms[0](a_x), norms[1](a_h)
        of_cell = norms[2] if len(norms) > 2 else _unchanged
        entering, carry = self.cell.step(a_x, a_h, carry, of_cell)
        return (state(entering, carry[0]), *carry[1:])

    @property
    def _columns(self) -> Iterator[nn.ModuleList]:
        return (column for column in self.norms if isinstance(column, nn.ModuleList))


def _unchanged(x: Tensor) -> Tensor:
    return x


def step_norms(config: Config, units: int, steps: int, *, shift: bool) -> list[Normalization]:
    """Return the norm of each time step of one product of ``units`` values; none: an empty list.

    All steps share gamma and beta. Norms with running averages keep those of each step apart, or,
    where the config's ``time_norm`` is "shared", one norm is called at every step: its averages
    move T times in each forward pass.
    """
    own = config.changed({"bn_shift": config.bn_shift and shift})
    first = normalization(own, units)
    if first is None:
        return []
    if config.time_norm == "shared" or not isinstance(first, RunningNormalization):
        return [first] * steps
    others = [norm for _ in range(steps - 1) if (norm := normalization(own, units)) is not None]
    for norm in others:
        norm.flat_gamma, norm.flat_beta = first.flat_gamma, first.flat_beta
    return [first, *others]


class RecurrentNet(Net):
    """A recurrent layer, dropout, and an output layer; its probed layers are time steps."""

    def __init__(
        self, config: Config, image: tuple[int, ...], recurrent: Recurrent, output: Layer
    ) -> None:
        super().__init__(config, image, [], output)
        self.recurrent = recurrent
        self.register_module("dropout", dropout(config, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (K, N, classes), of inputs (K, N, D)."""
        return self.output(self._last(self.recurrent(x)))

    @property
    def linears(self) -> list[Linear]:
        """The maps of inputs and of hidden states, and the output layer's."""
        return [self.recurrent.from_inputs, self.recurrent.from_hidden, self.output.linear]

    @property
    def norms(self) -> list[Normalization]:
        """Every normalization once, though time steps may share it."""
        return [module for module in self.modules() if isinstance(module, Normalization)]

    @property
    def probed(self) -> tuple[ProbedLayer, ...]:
        """The time steps that are measured, first to last, each with the weights of all."""
        norms = self.norms
        return tuple(
            ProbedLayer(
                f"t = {step}",
                norms[0] if norms else None,
                state,
                self.recurrent.from_hidden.weight,
                norm_feeds_activation=bool(norms),
                state=state,
            )
            for step, state in self._shown_states
        )

    @property
    def outline(self) -> tuple[LayerOutline, ...]:
        """What each probed time step, and the output layer behind them, is made of."""
        norm = ("norm",) if self.norms else ()
        stages = ("linear", *norm, "activation")
        units = self.recurrent.from_hidden.weight.shape[1]
        labels = [layer.label for layer in self.probed]
        dropped = ("dropout",) if self.config.dropout else ()
        hidden = [LayerOutline(label, units, stages) for label in labels]
        hidden[-1] = LayerOutline(labels[-1], units, (*stages, *dropped))
        return (*hidden, LayerOutline("output", self.output.linear.units, ("linear",)))

    def passed(self, inputs: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        """Return the weights and the outputs of each probed time step and of the output layer."""
        carried = self.recurrent.hidden_states(inputs)
        weight = self.recurrent.from_hidden.weight
        shown = [carried[step - 1] for step, _ in self._shown_states]
        return [
            *((weight, hidden) for hidden in shown),
            (self.output.weight, self.output(self._last(carried[-1]))),
        ]

    @property
    def _shown_states(self) -> list[tuple[int, HiddenState]]:
        """The time steps that are measured, counted from 1, with their states."""
        states = [state for state in self.recurrent.states if isinstance(state, HiddenState)]
        return [(step, states[step - 1]) for step in measured_time_steps(len(states))]

    def _last(self, hidden: Tensor) -> Tensor:
        dropped = self._modules["dropout"]
        return hidden if dropped is None else dropped(hidden)


def recurrent(config: Config, input_shape: tuple[int, ...], classes: int) -> RecurrentNet:
    """Return the config's recurrent net for images (C, H, W), read row by row.

    Errors: ``ValueError`` if examples are no images.
    """
    channels, steps, width = checked_image(input_shape, "recurrent")
    units, gates = config.width, GATES[config.cell] * config.width
    bias = not config.has_beta
    columns = [step_norms(config, gates, steps, shift=shift) for shift in (True, False)]
    if config.cell == "lstm":
        columns.append(step_norms(config, units, steps, shift=True))
    layer = Recurrent(
        config.cell,
        input_shape,
        linear_map(config, 0, channels * width, gates, bias=bias),
        linear_map(config, 1, units, gates, bias=bias),
        [column for column in columns if column],
    )
    return RecurrentNet(config, input_shape, layer, output_layer(config, 2, units, classes))
