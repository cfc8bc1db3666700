"""What the scripts of all libraries share: the header, the data, and the settings of each arm."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from bn_core.comparison import Arm, Comparison
from bn_core.config import Config
from bn_core.export.data_code import DataCode
from bn_core.export.plan import parameter_count
from bn_core.export.request import ExportError, ExportRequest
from bn_core.export.source import imports_source, plain_words, safe_link
from bn_core.figures.smoothing import window_of


def trainable(request: ExportRequest) -> Comparison:
    """Return the comparison. Errors: ``ExportError`` if it cannot be trained."""
    if request.comparison.problem():
        raise ExportError(request.comparison.problem())
    return request.comparison


def header(
    request: ExportRequest, library: str, packages: str, words: str, remarks: str = ""
) -> str:
    """Return the docstring of a script: what it is, what it needs, and in what it may differ.

    ``words`` say what it has to be started with, if anything.
    """
    packages += " scikit-learn" * (request.comparison.base.data == "digits")
    link = f"\nLink: {safe_link(request.link)}" if request.link else ""
    words = f"\n\n{words}" if words else ""
    return (
        f"Nets of the Batch Norm Lab in plain {library}: trained, validated, in a table.\n\n"
        f"Needs: pip install {packages}{link}{words}\n\n"
        "Data and split, nets, the distribution of their initial weights, optimizers, learning\n"
        "rates, batch sizes and the number of seeds are those of the Lab. The random draws are\n"
        "not: initial weights, the order of the batches and dropout come from other generators.\n"
        "So single numbers differ from the Lab's, while medians and ranges agree within the\n"
        f"spread of the seeds. Losses are in nats.{remarks}"
    )


def constants(comparison: Comparison) -> str:
    """Return the constants of a script: steps, seeds, and the window of the train loss."""
    base = comparison.base
    return "\n".join(
        [
            f"STEPS = {base.steps}",
            f"WINDOW = {min(window_of(base.steps), base.steps)}"
            "  # the train loss is the mean over so many last steps",
            f"SEEDS = range({base.seed}, {base.seed + base.replicas})"
            "  # each net is trained once with each",
        ]
    )


def standard_imports(data: DataCode, modules: Iterable[str]) -> str:
    """Return the imports of Python's own modules: those named, and those of the data."""
    froms = ["from collections.abc import Callable", "from dataclasses import dataclass"]
    if data.needs_paths:
        froms.append("from pathlib import Path")
    return imports_source([*modules, *data.modules], *froms)


def imports_of_data(config: Config) -> str:
    """Return the import that the data need beside numpy, as a line of its own; or nothing."""
    return "from sklearn.datasets import load_digits\n" if config.data == "digits" else ""


def rates(config: Config) -> dict[int, float]:
    """Return the learning rate from each step on, counted from 0."""
    changes = {step: rate for step, rate in config.rate_changes if step < config.steps}
    return {0: config.learning_rate, **changes}


def needs_single(config: Config) -> bool:
    """Return whether batch norm meets a batch of one, which torch and Keras do not take."""
    ghost = config.normalization == "ghost" and config.ghost_size == 1
    return smallest_batch(config) == 1 or ghost


def smallest_batch(config: Config) -> int:
    """Return how many examples the smallest part of a batch has that passes a net at once."""
    return config.batch_size // min(config.accumulate, config.batch_size)


_DRAWS = {name: name for name in ("he", "xavier", "normal", "orthogonal")}
_DRAWS |= {"torch": "torch_default"}
"""The functions of the snippets that draw initial weights."""


def draws(configs: Iterable[Config]) -> set[str]:
    """Return the names of the functions that draw the initial weights of some configs."""
    return {_DRAWS[config.initialization] for config in configs}


def freezing(configs: Iterable[Config]) -> set[str]:
    """Return the names of the functions of the snippets that freeze norms of some configs."""
    found = {name for config in configs if (name := _freeze(config))}
    if "freeze_both" in found:
        found |= {"freeze_statistics", "freeze_parameters"}
    return found | ({"hidden_norms"} if found else set())


def _freeze(config: Config) -> str:
    if not (config.freezes_statistics or config.freezes_parameters):
        return ""
    return f"freeze_{config.freeze}"


def optimizers(configs: Iterable[Config]) -> set[str]:
    """Return the names of the functions that make the optimizers of some configs."""
    return {config.optimizer for config in configs}


def named_nets(
    comparison: Comparison,
    body: Callable[[Config], str],
    name_of: Callable[[str, Collection[str]], str],
) -> dict[str, tuple[str, Arm, Config]]:
    """Return name, first arm and its config of each net that differs, by its source."""
    found: dict[str, tuple[str, Arm, Config]] = {}
    for arm, config in zip(comparison.arms, comparison.configs, strict=True):
        source = body(config)
        if source not in found:
            name = name_of(f"{arm.label} net", [name for name, *_ in found.values()])
            found[source] = (name, arm, config)
    return found


def net_words(arm: Arm, config: Config) -> str:
    """Return the docstring of a net."""
    return f"{plain_words(arm.label)}: {parameter_count(config):,} parameters."


def arms_source(comparison: Comparison, names: Sequence[str], data: DataCode) -> str:
    """Return the tuple of all arms; ``names`` are those of what makes their nets."""
    lines = ["ARMS = ("]
    for arm, config, name in zip(comparison.arms, comparison.configs, names, strict=True):
        lines += ["    Arm(", *(f"        {line}," for line in _arm(arm, config, name))]
        lines += [f'        inputs="{config.scaling}",'] * data.by_scaling + ["    ),"]
    return "\n".join([*lines, ")"])


def _arm(arm: Arm, config: Config, name: str) -> Iterator[str]:
    draw = _DRAWS[config.initialization]
    yield f'"{plain_words(arm.label)}"'
    yield name
    yield f"draw={draw}({config.init_std!r})" if draw == "normal" else f"draw={draw}"
    yield f"gain={config.gain!r}"
    yield f"optimizer={config.optimizer}"
    yield f"rates={rates(config)!r}"
    yield f"batch_size={config.batch_size}"
    yield f"weight_decay={config.weight_decay!r}"
    if config.evaluate_with == "batch":
        yield "batch_statistics=True"
    if config.accumulate > 1:
        yield f"micro_batches={min(config.accumulate, config.batch_size)}"
    if _freeze(config):
        yield f"freeze={_freeze(config)}"
        yield f"freeze_at={config.freeze_at}"


def main_source(lines: Iterable[str]) -> str:
    """Return the lines that run when the script is started."""
    return 'if __name__ == "__main__":\n' + "\n".join(f"    {line}".rstrip() for line in lines)
