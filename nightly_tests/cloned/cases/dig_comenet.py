"""divelab/DIG: ComENet on a `Batch` of molecules."""

from __future__ import annotations

import math

import numpy as np
import torch

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.graphs import NODES, POSITIONS, SAMPLE_OF, batch_of, positions, sizes
from nightly_tests.cloned.importing import bare

np.math = math  # NumPy had it until 1.25
bare("dig", "dig.threedgraph", "dig.threedgraph.method")

from dig.threedgraph.method.comenet import ComENet  # noqa: E402


def network() -> Example:
    """Three molecules of 7, 5 and 6 atoms."""
    module = ComENet(num_layers=2, hidden_channels=16, middle_channels=8)
    tensors = {"z": torch.randint(1, 9, (18,)), "pos": positions(18), "batch": sizes(7, 5, 6)}
    return Example(
        module, tensors, {"z": NODES, "pos": POSITIONS, "batch": SAMPLE_OF},
        pack=lambda t: (batch_of(t, ("z", "pos")),), unpack=lambda out: (out,), results=(Law(samples=0),),
    )  # fmt: skip


CASES = {"ComENet": network}
