"""The harness on the fast network in every precision, eager and compiled."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

import equivariance as eq
from equivariance_zoo import faces
from se3unet import SE3Unet, SE3UnetConfig

POINTS, SAMPLES = 256, 4
CLAIMS = ("se3", "permutation", "batch")


class Lowered(nn.Module):
    """A network under bfloat16 autocast."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, positions: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.network(positions).float()


@dataclass(frozen=True)
class Row:
    """The worst of all symmetries: relative error and rounding floor; and what the harness found."""

    name: str
    error: float
    floor: float
    found: str


def rows() -> list[Row]:
    """Examine the network on two faces of 256 points."""
    positions = faces.sample(2).positions[:, :: 1024 // POINTS]
    torch.manual_seed(0)
    network = SE3Unet(SE3UnetConfig()).eval()
    networks = {
        "float64": (network, positions.double()),
        "float32": (network, positions),
        "bfloat16 autocast": (Lowered(network), positions),
        "float32, compiled": (torch.compile(network), positions),
    }
    return [_row(name, *pair) for name, pair in networks.items()]


def _row(name: str, network: nn.Module, positions: Tensor) -> Row:
    network = network.double() if positions.dtype == torch.float64 else network.float()
    cloud, invariant = eq.CartesianPoints(nodes=1, batch=0), eq.Invariant(nodes=1, batch=0)
    report = eq.check(network, positions, cloud, invariant, group=list(CLAIMS), samples=SAMPLES)
    worst = max(report.layers, key=lambda row: row.working)
    found = (
        ", ".join(sorted({symmetry for finding in report.findings for symmetry in finding.symmetries})) or "no finding"
    )
    return Row(name, worst.working, worst.noise_floor, found)
