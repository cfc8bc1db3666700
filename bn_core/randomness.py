"""Random numbers by name: every draw has its own stream, so that no draw shifts another."""

import numpy as np
import torch

STREAMS = ("data", "weights", "biases", "batches", "dropout")


def seed_for(seed: int, stream: str, *path: int) -> int:
    """Return the 63-bit seed of a named stream; equal arguments give equal seeds."""
    entropy = [seed, STREAMS.index(stream), *path]
    low, high = np.random.SeedSequence(entropy).generate_state(2)
    return (int(high) << 32 | int(low)) >> 1


def generator(seed: int, stream: str, *path: int) -> torch.Generator:
    """Return a fresh torch generator for a named stream; the global one is never touched."""
    return torch.Generator().manual_seed(seed_for(seed, stream, *path))
