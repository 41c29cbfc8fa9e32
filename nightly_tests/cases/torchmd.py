"""TorchMD-Net: the equivariant transformer, TensorNet and the graph network, energies and forces."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmdnet.models.model import create_model

import equivariance as eq
from nightly_tests.cases.clouds import cloud, numbers
from nightly_tests.torchmd_settings import SETTINGS

ENERGIES = [None]
FORCES = [None, "1x1o"]


class Potential(nn.Module):
    """Energies of molecules, and forces where they are asked for."""

    def __init__(self, model: str, forces: bool, leak: bool) -> None:
        """``leak``: a break to be found, the height of the atoms is added to their features."""
        super().__init__()
        self.model, self.leak = create_model({**SETTINGS, "model": model, "derivative": forces}), leak

    def forward(self, z: Tensor, pos: Tensor, batch: Tensor) -> list[Tensor]:
        """[B, 1], and [N, 3]."""
        found = self.model(z, pos, batch)
        energies = [t for t in found if t is not None and t.numel()]
        if self.leak:
            energies[0] = energies[0] + pos[:, 2].amax()
        return energies


def report(model: str, forces: bool = False, leak: bool = False) -> eq.Report:
    """Nine atoms."""
    arguments = numbers(9, 9) + 1, cloud(9), torch.zeros(9, dtype=torch.long)
    law = FORCES if forces else ENERGIES
    return eq.diagnose(Potential(model, forces, leak).eval(), arguments, irreps_out=law, group=["e3"], samples=4)


CASES = {
    "equivariant transformer": lambda: report("equivariant-transformer"),
    "equivariant transformer and forces": lambda: report("equivariant-transformer", forces=True),
    "TensorNet": lambda: report("tensornet"),
    "TensorNet and forces": lambda: report("tensornet", forces=True),
    "graph network": lambda: report("graph-network"),
    "planted: a height": lambda: report("equivariant-transformer", leak=True),
}
