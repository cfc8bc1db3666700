"""Reading what passes through the modules of a net: the one place that sets forward hooks."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

Receive = Callable[[Tensor, Tensor], None]
"""Called with what entered a module and what it put out, both detached, (K, N, C, ...)."""


@contextmanager
def capture(*receivers: tuple[nn.Module, Receive]) -> Iterator[None]:
    """Call each ``receive(input, output)`` whenever its module has run, while the block runs.

    A receiver is to reduce what it gets to numbers at once: a tensor it keeps stays in memory.
    The hooks are removed when the block ends, by an error too.
    """
    hooks = [module.register_forward_hook(_hook(receive)) for module, receive in receivers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def captured_inputs(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what enters one module while the block runs, a tensor for each forward pass."""
    found: list[Tensor] = []
    with capture((module, lambda entered, _: found.append(entered))):
        yield found


@contextmanager
def captured_outputs(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what one module puts out while the block runs, a tensor for each forward pass."""
    found: list[Tensor] = []
    with capture((module, lambda _, left: found.append(left))):
        yield found


@contextmanager
def captured_each(
    modules: Iterable[nn.Module], reduce: Callable[[Tensor], Tensor]
) -> Iterator[list[list[Tensor]]]:
    """Collect ``reduce`` of what enters each module, in the order of the modules.

    One list for each module, with an entry for each forward pass.
    """
    chosen = list(modules)
    found: list[list[Tensor]] = [[] for _ in chosen]

    def receiver(index: int) -> Receive:
        return lambda entered, _: found[index].append(reduce(entered))

    with capture(*((module, receiver(index)) for index, module in enumerate(chosen))):
        yield found


def _hook(receive: Receive) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        receive(inputs[0].detach(), output.detach())

    return hook
