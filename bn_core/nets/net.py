"""A net: layers in a row and an output layer, K replicas side by side in each tensor."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.net_shapes import EXAMPLES_OF_A_PART
from bn_core.nets.hidden_state import HiddenState
from bn_core.nets.input_norm import input_norm
from bn_core.nets.layers import Layer, Linear
from bn_core.normalization import Normalization
from bn_core.records import LayerOutline


@dataclass(frozen=True)
class ProbedLayer:
    """What a probe measures of one layer: where to listen, and which weights are its own.

    ``weights`` has the replicas first, (K, ...). ``norm`` is None where there is none;
    ``norm_feeds_activation`` says that the activation takes in what the norm puts out, unchanged.
    """

    label: str
    norm: Normalization | None
    activation: nn.Module
    weights: nn.Parameter
    norm_feeds_activation: bool = False
    state: HiddenState | None = None

    @property
    def gradient(self) -> Tensor:
        """Return what the gradient's norm is taken of, (K, ...), of the last backward pass.

        That of the mean loss by the weights; in a recurrent net, whose time steps share weights,
        that of the losses by the hidden state. Zeros before the first backward pass.
        """
        if self.state is not None:
            return self.state.gradient_of_examples
        return torch.zeros_like(self.weights) if self.weights.grad is None else self.weights.grad


class Net(nn.Module):
    """K replicas of a net: ``layers`` one after the other, then ``output``.

    Inputs are (K, N, D), with D = prod(input_shape); logits are (K, N, classes).
    """

    def __init__(
        self,
        config: Config,
        input_shape: tuple[int, ...],
        layers: Sequence[Layer],
        output: Layer,
    ) -> None:
        super().__init__()
        self.config, self.input_shape = config, input_shape
        self.input_norm = input_norm(config, input_shape)
        self.layers = nn.ModuleList(layers)
        self.output = output

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (K, N, classes), of inputs (K, N, D)."""
        if self.input_norm is not None:
            x = self.input_norm(x)
        for layer in self.layers:
            x = layer(x)
        return self.output(x)

    @property
    def hidden(self) -> list[Layer]:
        """Every layer but the output layer, first to last."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    @property
    def linears(self) -> list[Linear]:
        """Every linear map, the output layer's last."""
        return [layer.linear for layer in (*self.hidden, self.output)]

    @property
    def weights(self) -> list[nn.Parameter]:
        """The parameters that weight decay applies to: the weights of every linear map, (K, ...).

        Biases, gamma and beta are spared.
        """
        return [linear.weight for linear in self.linears]

    @property
    def norms(self) -> list[Normalization]:
        """Every normalization, first to last."""
        norms = (self.input_norm, *(layer.norm for layer in (*self.hidden, self.output)))
        return [norm for norm in norms if norm is not None]

    @property
    def probed(self) -> tuple[ProbedLayer, ...]:
        """The layers a probe measures: every hidden layer with an activation, first to last."""
        return tuple(
            ProbedLayer(
                f"layer {number}",
                layer.norm,
                layer.activation,
                layer.linear.weight,
                layer.norm_first and layer.extra is None,
            )
            for number, layer in enumerate(self.hidden, start=1)
            if layer.activation is not None
        )

    @property
    def probed_gradients(self) -> list[Tensor]:
        """What the gradient norm of each probed layer, and of the output layer, is taken of."""
        weight = self.output.weight
        of_output = torch.zeros_like(weight) if weight.grad is None else weight.grad
        return [*(layer.gradient for layer in self.probed), of_output]

    @property
    def outline(self) -> tuple[LayerOutline, ...]:
        """What each probed layer, and the output layer behind them, is made of."""
        probed = [layer for layer in self.hidden if layer.activation is not None]
        labels = [layer.label for layer in self.probed]
        first = () if self.input_norm is None else ("input_norm",)
        return tuple(
            LayerOutline(
                label,
                layer.linear.units,
                (*(first if layer is probed[0] else ()), *layer.stage_names),
                layer.positions,
            )
            for label, layer in zip((*labels, "output"), (*probed, self.output), strict=True)
        )

    def passed(self, inputs: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        """Return the weights and the outputs of each hidden layer and of the output layer.

        ``inputs`` are (K, N, D), outputs (K, N, ...).
        """
        found: list[tuple[nn.Parameter, Tensor]] = []
        inputs = inputs if self.input_norm is None else self.input_norm(inputs)
        for layer in (*self.hidden, self.output):
            inputs = layer(inputs)
            found.append((layer.weight, inputs))
        return found

    @contextmanager
    def evaluation_mode(self, *, statistics: str) -> Iterator[None]:
        """Run the net without leaving a trace in it: no dropout, no averages moved.

        ``statistics`` is "batch" or "running": which moments those normalizations use meanwhile
        that keep running averages. Afterwards every module is in the mode it was in.
        """
        modes = [(module, module.training) for module in self.modules()]
        tracked = [(norm, norm.track_statistics) for norm in self.norms]
        for module, _ in modes:
            vars(module)["training"] = False  # nn.Module takes 2 us to set an attribute
        for norm, _ in tracked:
            norm.training, norm.track_statistics = statistics == "batch", False
        try:
            yield
        finally:
            for module, mode in modes:
                vars(module)["training"] = mode
            for norm, tracks in tracked:
                norm.track_statistics = tracks

    def evaluated(self, inputs: Tensor, *, statistics: str) -> Tensor:
        """Return the logits of inputs (K, N, D) in ``evaluation_mode``, without a trace or a graph.

        Images pass in parts where averages are used that do not depend on the batch: the channels
        of all examples at once would take hundreds of megabytes.
        """
        in_parts = self.config.needs_images and statistics == "running"
        in_parts = in_parts and not self.config.evaluates_by_batch
        with torch.no_grad(), self.evaluation_mode(statistics=statistics):
            if not in_parts:
                return self(inputs)
            return torch.cat([self(part) for part in inputs.split(EXAMPLES_OF_A_PART, 1)], dim=1)

    def learn_only(self, parameters: Iterable[nn.Parameter]) -> int:
        """Freeze all other parameters; return how many numbers of one replica learn."""
        chosen = {id(parameter): parameter for parameter in parameters}
        for parameter in self.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
        return sum(one.numel() for one in chosen.values()) // self.config.replicas
