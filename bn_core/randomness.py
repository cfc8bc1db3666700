"""Torch generators of named random streams; ``streams`` gives their seeds."""

import torch

from bn_core.streams import STREAMS, seed_for

__all__ = ["STREAMS", "generator", "seed_for"]


def generator(seed: int, stream: str, *path: int) -> torch.Generator:
    """Return a fresh torch generator for a named stream; the global one is never touched."""
    return torch.Generator().manual_seed(seed_for(seed, stream, *path))
