"""Seeds of named random streams: every draw has its own stream, so that no draw shifts another."""

import numpy as np

STREAMS = ("data", "weights", "biases", "batches", "dropout")


def seed_for(seed: int, stream: str, *path: int) -> int:
    """Return the 63-bit seed of a named stream; equal arguments give equal seeds."""
    entropy = [seed, STREAMS.index(stream), *path]
    low, high = np.random.SeedSequence(entropy).generate_state(2)
    return (int(high) << 32 | int(low)) >> 1


def random_state(seed: int, stream: str, *path: int) -> np.random.RandomState:
    """Return a fresh numpy generator for a named stream; the global one is never touched."""
    return np.random.RandomState(seed_for(seed, stream, *path) % 2**32)
