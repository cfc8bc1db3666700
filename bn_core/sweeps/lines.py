"""The work of one line of a map: its nets are trained and what became of them is returned."""

import math
from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.nets import Net
from bn_core.results import Progress, TaskGenerator
from bn_core.sweeps.measuring import LossHistory
from bn_core.sweeps.replicas import CellSettings, ReplicaTrainer
from bn_core.sweeps.stability_map import FIELDS, NOT_LEARNED, LineResult, nothing
from bn_core.sweeps.sweep import PER_REPLICA_SETTINGS, Cell, Line
from bn_core.sweeps.two_layers import two_layer_line
from bn_core.training import prepare_process

Array = np.ndarray
_STEPS_A_TURN = 10
_FULLY_CONNECTED = ("plain", "residual")
"""Architectures whose initial weights are all multiplied by the gain."""
_SAME = 1e-6
"""Outputs that differ less than this between examples, relative to their size, are the same."""


def level_of(classes: int) -> float:
    """Return the loss below which a net counts as having learned, in nats: log10(classes).

    It is 1 for ten classes, whose guessing costs 2.30; and the same share, 43 %, for others.
    """
    return math.log10(classes)


def line_task(line: Line) -> TaskGenerator:
    """Train the nets of a line; yield progress, return its ``LineResult``.

    Errors: ``ValueError`` if a cell cannot be trained.
    """
    if line.sweep.two_layers:
        return (yield from two_layer_line(line))
    groups = _groups(line)
    result, done = nothing(line), 0
    for places, config, settings in groups:
        found = yield from _trained(line, config, settings, done)
        for name in FIELDS:
            values = found[name].reshape(settings.cells, config.replicas)
            getattr(result, name)[places] = values
        done += settings.cells
    return result


def computed(line: Line) -> LineResult:
    """Return the result of a line, in a process or thread of any executor. Errors: ``ValueError``.

    Threads and the treatment of tiny numbers, which torch keeps for each thread, are set first:
    both change the last bits.
    """
    prepare_process()
    task = line_task(line)
    while True:
        try:
            next(task)
        except StopIteration as stop:
            return stop.value


def _groups(line: Line) -> list[tuple[list[int], Config, CellSettings]]:
    """Return which cells are trained as one batch: those alike but for ``PER_REPLICA_SETTINGS``."""
    sweep, arm = line.sweep, line.sweep.arms[line.arm]
    along = sweep.x if sweep.along_x else sweep.y
    first = _config(line, line.cells[0])
    if not _varies_by_replica(along.name, first):
        configs = [_config(line, cell) for cell in line.cells]
        return [
            ([place], config, _cell_settings(config, 1)) for place, config in enumerate(configs)
        ]
    settings = vars(_cell_settings(first, len(line.cells)))
    if along.name not in dict(arm.changes):  # an arm with a rate of its own keeps it
        values, index = (sweep.x_values, 0) if sweep.along_x else (sweep.y_values, 1)
        settings = settings | {along.name: tuple(values[cell[index]] for cell in line.cells)}
    return [(list(range(len(line.cells))), first, CellSettings(**settings))]


def _varies_by_replica(name: str, config: Config) -> bool:
    """Return whether cells that differ in a setting are trained as one batch."""
    return name in PER_REPLICA_SETTINGS and (
        name != "gain" or config.architecture in _FULLY_CONNECTED
    )


def _config(line: Line, cell: Cell) -> Config:
    return line.sweep.comparison(cell).configs[line.arm]


def _cell_settings(config: Config, cells: int) -> CellSettings:
    return CellSettings(**{name: (getattr(config, name),) * cells for name in PER_REPLICA_SETTINGS})


def _trained(
    line: Line, config: Config, settings: CellSettings, before: int
) -> Generator[Progress, None, dict[str, Array]]:
    """Train the nets of some cells; return each field of a ``LineResult``, (K,)."""
    trainer = ReplicaTrainer(config, settings, double=line.sweep.double)
    history = LossHistory(trainer.replicas, level_of(len(trainer.dataset.classes)))
    sick = np.zeros(trainer.replicas, np.int16)
    batch = None
    for step in range(1, config.steps + 1):
        batch = trainer.next_batch()
        losses = trainer.forward(batch)
        broken = history.note(losses.numpy())
        if broken.any():
            sick[broken] = _first_not_finite(trainer.net, batch[0])[broken]
            if not history.finite.any():
                break
        trainer.descend()
        if step % _STEPS_A_TURN == 0:
            share = (before + settings.cells * step / config.steps) / len(line.cells)
            yield Progress(share, line.label)
    assert batch is not None, "a run has at least one step"
    return _measured(trainer, history, sick, batch[0])


def _measured(
    trainer: ReplicaTrainer, history: LossHistory, sick: Array, inputs: Tensor
) -> dict[str, Array]:
    accuracy = np.where(history.finite, trainer.validation_accuracy().numpy(), np.nan)
    fate = history.fate()
    stuck = fate == NOT_LEARNED
    if stuck.any():
        sick[stuck] = _first_constant(trainer.net, inputs)[stuck]
    return {
        "fate": fate,
        "learned_at": history.learned_at,
        "diverged_at": history.diverged_at,
        "loss": history.final_loss(),
        "accuracy": accuracy,
        "sick_layer": sick,
    }


@torch.no_grad()
def _first_not_finite(net: Net, inputs: Tensor) -> Array:
    """Return the first layer, from 1, whose weights or outputs are not finite, (K,).

    If every layer is finite it is the loss itself, said of the output layer.
    """
    with net.evaluation_mode(statistics="batch"):
        passed = net.passed(inputs)
    bad = [
        ~(_each(weight).isfinite().all(dim=1) & _each(output).isfinite().all(dim=1))
        for weight, output in passed
    ]
    return _first(bad, otherwise=len(passed))


@torch.no_grad()
def _first_constant(net: Net, inputs: Tensor) -> Array:
    """Return the first layer, from 1, that puts out the same for all examples; 0: none, (K,)."""
    with net.evaluation_mode(statistics="batch"):
        passed = net.passed(inputs)
    same = []
    for _, output in passed:
        apart = _each(output - output[:, :1]).abs().amax(dim=1)
        same.append(apart <= _SAME * _each(output).abs().amax(dim=1))
    return _first(same, otherwise=0)


def _each(values: Tensor) -> Tensor:
    return values.flatten(1)


def _first(bad: list[Tensor], otherwise: int) -> Array:
    table = torch.stack(bad).numpy()  # (layers, K)
    return np.where(table.any(axis=0), table.argmax(axis=0) + 1, otherwise)
