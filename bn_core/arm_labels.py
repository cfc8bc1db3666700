"""What differs in an arm, in the few words that fit a legend."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bn_core.config import SETTINGS

MOST_WORDS = 2
"""Differences that a label names; of the rest it says how many there are."""

MOST_STRETCHES = 4
"""Groups of neighbouring layers that a label names; of more it says how many layers there are."""


def label_of(label: str, changes: Mapping[str, Any], placement: str) -> str:
    """Return an arm's label, such as "BN before, batch 4", of the registered one and its changes.

    ``placement`` is where the norms stand that are not moved.
    """
    parts = [_words(name, value, placement) for name, value in changes.items()]
    more = [f"+{len(parts) - MOST_WORDS} more"] if len(parts) > MOST_WORDS else []
    return ", ".join([label, *parts[:MOST_WORDS], *more])


def quoted(label: str) -> str:
    """Return a label as a sentence holds it: between quotation marks if it has a comma."""
    return f"“{label}”" if "," in label else label


def layers_in_words(layers: Sequence[int]) -> str:
    """Return "layer 3" or "layers 1-5 and 8" of rising layer numbers; "all layers" of none."""
    if not layers:
        return "all layers"
    ends: list[list[int]] = []
    for layer in layers:
        if ends and layer == ends[-1][1] + 1:
            ends[-1][1] = layer
        else:
            ends.append([layer, layer])
    if len(ends) > MOST_STRETCHES:
        return f"{len(layers)} layers"
    *first, last = [words for low, high in ends for words in _stretch(low, high, len(ends) == 1)]
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"layer{'s' * (len(layers) > 1)} {listed}"


def _stretch(low: int, high: int, alone: bool) -> list[str]:
    """Return "1-3"; of two layers beside others both numbers."""
    if high == low + 1 and not alone:
        return [str(low), str(high)]
    return [str(low) if low == high else f"{low}-{high}"]


def _words(name: str, value: Any, placement: str) -> str:
    if name == "moved_layers":
        other = "after" if placement == "before" else "before"
        return f"{layers_in_words(value)} {other}" if value else "no layer moved"
    if name == "widths":
        return f"units {'-'.join(map(str, value))}" if value else "layers of one width"
    return _WORDS[name](value)


def _titled(name: str) -> Callable[[str], str]:
    return lambda value: SETTINGS[name].options[value]


def _first_small(words: str) -> str:
    return words[0].lower() + words[1:]


_NETS = {
    "plain": "fully connected",
    "residual": "shortcuts",
    "conv": "convolutional",
    "conv_residual": "convolutional, shortcuts",
    "inception": "Inception blocks",
    "recurrent": "recurrent",
}

_BRANCHES = {"full": "full branches", "skipinit": "SkipInit", "zero_gamma": "zero-gamma"}

_FROZEN = {"statistics": "statistics", "parameters": "gamma and beta", "both": "norms"}

_INITIAL = {
    "he": "He",
    "xavier": "Xavier",
    "torch": "PyTorch",
    "normal": "N(0, std)",
    "orthogonal": "orthogonal",
}

_INPUTS = {"standardize": "standardized inputs", "unit": "inputs 0 to 1", "none": "raw inputs"}

_WORDS: Mapping[str, Callable[[Any], str]] = {
    "normalize_inputs": lambda name: _INPUTS[name],
    "depth": lambda n: f"depth {n}",
    "width": lambda n: f"{n} units",
    "architecture": lambda name: _NETS[name],
    "channels": lambda sizes: (
        f"channels {'-'.join(map(str, sizes))}" if sizes else "usual channels"
    ),
    "dense": lambda sizes: f"dense {'-'.join(map(str, sizes))}" if sizes else "no dense layer",
    "branch_start": lambda name: _BRANCHES[name],
    "cell": lambda name: SETTINGS["cell"].options[name].removesuffix(" (tanh)"),
    "time_norm": lambda name: "one average" if name == "shared" else "averages of each step",
    "activation": _titled("activation"),
    "initialization": lambda name: f"{_INITIAL[name]} weights",
    "init_std": lambda x: f"initial std {x:g}",
    "gain": lambda x: f"gain {x:g}",
    "normalization": lambda name: _first_small(SETTINGS["normalization"].options[name]),
    "normalized_layers": layers_in_words,
    "placement": lambda place: f"{place} the activation",
    "bn_momentum": lambda x: f"momentum {x:g}",
    "bn_cumulative": lambda on: "cumulative averages" if on else "moving averages",
    "bn_epsilon": lambda x: f"epsilon {x:g}",
    "bn_scale": lambda on: "gamma" if on else "no gamma",
    "bn_shift": lambda on: "beta" if on else "no beta",
    "initial_gamma": lambda x: f"gamma from {x:g}",
    "initial_beta": lambda x: f"beta from {x:g}",
    "groups": lambda n: f"{n} group{'s' * (n > 1)}",
    "standardized_groups": lambda on: "with group norm" if on else "without group norm",
    "ghost_size": lambda n: f"ghost batch {n}",
    "renorm_rmax": lambda x: f"r up to {x:g}",
    "renorm_dmax": lambda x: f"d up to {x:g}",
    "bn_track": lambda on: "running statistics" if on else "no running statistics",
    "freeze": lambda name: "nothing frozen" if name == "none" else f"{_FROZEN[name]} frozen",
    "freeze_at": lambda n: f"from step {n:,}",
    "input_norm": lambda on: "inputs normalized" if on else "inputs as they are",
    "accumulate": lambda n: f"{n} micro-batches" if n > 1 else "whole batches",
    "evaluate_with": lambda name: f"{name} statistics",
    "optimizer": _titled("optimizer"),
    "learning_rate": lambda x: f"rate {x:g}",
    "batch_size": lambda n: f"batch {n}",
    "weight_decay": lambda x: f"weight decay {x:g}",
    "dropout": lambda x: f"dropout {x:g}",
}
