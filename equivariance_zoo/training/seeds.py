"""Draws weights from a seed, without a change of the global random number generators. All networks call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds the generators of PyTorch within the block; afterwards they are as before.

    Args:
        seed: The seed.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
