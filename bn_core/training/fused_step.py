"""One training step of a plain MLP written out: forward and backward without a graph.

Autograd records a graph in every step and walks it backwards. Here each stage of the net has its
derivative written beside it, see ``stages``, so neither graph nor modules are needed. The net's own
``forward`` with autograd stays the reference: both agree to rounding.
"""

from torch import Tensor, nn

from bn_core.nets import Layer, Linear, Net
from bn_core.normalization import BatchNorm
from bn_core.training.stages import (
    IN_PLACE,
    ActivationStage,
    BatchNormStage,
    CrossEntropyStage,
    LinearStage,
    Stage,
)

ORDERS = (
    ["linear", "activation"],
    ["linear", "norm", "activation"],
    ["linear", "activation", "norm"],
)
"""The hidden layers that can be computed stage by stage."""


class FusedStep:
    """Forward and backward of a plain MLP with batch norm or none, stage by stage.

    Linear maps, batch norm before or after the activation, ReLU, leaky ReLU, tanh or sigmoid;
    softmax cross entropy. Parameters are read and running averages moved where they are, so they
    may be changed in place between steps.

    Errors: ``ValueError`` unless ``FusedStep.supports(net, examples)``.
    """

    def __init__(self, net: Net, examples: int) -> None:
        if not self.supports(net, examples):
            raise ValueError("This net has no fused step: train it by net(inputs) and autograd.")
        self.examples = examples
        self._stages = _stages(net, examples)
        self._loss = CrossEntropyStage(net.output.linear, examples)
        self._layers = [(layer, _parts(layer)) for layer in (*net.hidden, net.output)]
        self._norms, self._parameters = net.norms, list(net.parameters())
        self._memory = [parameter.data_ptr() for parameter in self._parameters]
        self._hooks = [hooks for module in net.modules() for hooks in _hooks(module)]

    @staticmethod
    def supports(net: Net, examples: int) -> bool:
        """Return whether every part of the net has a stage; a batch of one has no variance."""
        plain = type(net) is Net and net.input_norm is None and all(map(_has_stages, net.layers))
        return examples > 1 and plain and list(_kinds(net.output)) == ["linear"]

    @property
    def valid(self) -> bool:
        """Whether the stages still compute what the net does.

        They do not while a forward hook is set, a norm keeps its averages or uses them, a
        parameter is frozen, or when a module or a parameter's memory has been replaced.
        """
        return (
            all(_parts(layer) == parts for layer, parts in self._layers)
            and all(norm.training and norm.track_statistics for norm in self._norms)
            and all(parameter.requires_grad for parameter in self._parameters)
            and [parameter.data_ptr() for parameter in self._parameters] == self._memory
            and not any(self._hooks)
        )

    def forward(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return each example's cross entropy, (K, N): inputs (K, N, I), labels (K, N)."""
        x = inputs.transpose(0, 1)
        for stage in self._stages:
            x = stage.forward(x)
        self._logits = x
        return self._loss.forward(x, labels)

    def backward(self) -> None:
        """Set ``grad`` of each parameter to the gradient of its replica's mean loss.

        The next call overwrites the gradients' memory.
        """
        g = self._loss.backward()
        for stage in reversed(self._stages):
            g = stage.backward(g)

    @property
    def logits(self) -> Tensor:
        """The logits of the last batch, (K, N, classes); the next ``forward`` overwrites them."""
        return self._logits.transpose(0, 1)


def _stages(net: Net, examples: int) -> list[Stage]:
    stages: list[Stage] = []
    for layer in (*net.hidden, net.output):
        for module in layer.stages:
            if isinstance(module, Linear):
                ends = {"first": not stages, "last": layer is net.output}
                stages.append(LinearStage(module, examples, **ends))
            elif isinstance(module, BatchNorm):
                stages.append(BatchNormStage(module, examples))
            else:
                stages.append(ActivationStage(module))
    return stages


def _has_stages(layer: nn.Module) -> bool:
    return type(layer) is Layer and not layer.shortcut and _kinds(layer) in ORDERS


def _kinds(layer: Layer) -> list[str]:
    """Return what each module of a layer is; "other" if it has no stage."""
    return [_kind(module) for module in layer.stages]


def _kind(module: nn.Module) -> str:
    if type(module) is Linear and module.reparametrization is None:
        return "linear"
    if type(module) is BatchNorm and not module.reference and module.running_mean is not None:
        return "norm"
    if isinstance(module, nn.LeakyReLU) and module.negative_slope != nn.LeakyReLU().negative_slope:
        return "other"
    return "activation" if type(module) in IN_PLACE else "other"


def _parts(layer: nn.Module) -> list[nn.Module | None]:
    return list(layer._modules.values())


def _hooks(module: nn.Module) -> list[dict]:
    """Return the collections that hold the module's forward hooks, now and later."""
    return [module._forward_hooks, module._forward_pre_hooks]
