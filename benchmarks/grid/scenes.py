"""A network on voxels with a planted layer in its middle, its contracts, and what is to be found."""

import inspect

import torch
from torch import Tensor, nn

import equivariance as eq
from benchmarks.grid import layers
from equivariance import Contract, Grid
from equivariance_zoo.steerable3d import Gated, SteerableConv3d

HIDDEN = "4x0e+2x1e+1x2e"
"""4 scalars, 2 vectors (channels 4 to 9), 1 of degree 2 (channels 10 to 14)."""

PLANTED = {
    "EvenStride": ("rotation", "discretization", "on a grid of one cell less along each axis"),
    "AsymmetricPadding": ("rotation", "discretization", r"but \(1, 0, 0\) cells away"),
    "OffCentrePooling": ("rotation", "discretization", "cells away"),
    "UnsymmetrizedKernel": ("rotation", "frame-dependent", "0 of 23 rotations of the lattice are respected"),
    "WrongGate": ("rotation", "component-mixing", "reads the same cell of the input alone"),
    "BentComponents": ("rotation", "component-mixing", "reads the same cell of the input alone"),
    "VectorBias": ("rotation", "component-mixing", "a constant is added"),
    "Coordinates": ("translation", "absolute-position", "also far from the borders"),
    "ZeroPadding": ("translation", "absolute-position", "the padding tells the position"),
}
"""Symmetry, cause and words of the evidence, on the lattice."""

BETWEEN = {"BentOddly": ("rotation", "component-mixing", "all elements of the lattice are respected")}
"""The same, for defects that the lattice respects."""

SPACING = {"EvenStride": 2.0, "BareStride": 2.0}
"""Of the cells behind a stride."""

INPUT = Grid(irreps="1x0e", periodic=True)


class Net(nn.Module):
    """Convolution and gates, then what is given, then another convolution and gates."""

    def __init__(self, middle: nn.Module) -> None:
        super().__init__()
        gates = [Gated(HIDDEN), Gated(HIDDEN)]
        self.first = SteerableConv3d("1x0e", gates[0].irreps_in, 3, periodic=True)
        self.gate = gates[0]
        self.middle = middle
        self.last = SteerableConv3d(HIDDEN, gates[1].irreps_in, 3, periodic=True)
        self.last_gate = gates[1]

    def forward(self, fields: Tensor) -> Tensor:
        return self.last_gate(self.last(self.middle(self.gate(self.first(fields)))))


def smooth(count: int, *sizes: int, width: float = 1.8) -> Tensor:
    """Sums of Gaussians near the middle, [count, 1, *sizes]."""
    generator = torch.Generator().manual_seed(0)
    axes = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in sizes]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    centres = 1.2 * torch.randn(count, 5, *[1] * len(sizes), len(sizes), generator=generator, dtype=torch.float64)
    weights = torch.randn(count, 5, *[1] * len(sizes), generator=generator, dtype=torch.float64)
    return (weights * torch.exp(-0.5 * (places - centres).square().sum(-1) / width**2)).sum(1)[:, None].float()


def hidden(spacing: float = 1.0, irreps: object = HIDDEN) -> Grid:
    """A field within the network."""
    return Grid(irreps=str(irreps), spacing=spacing, periodic=True)


def contracts(net: Net, behind: float) -> dict[str, Contract]:
    """Of every layer; cells ``behind`` the middle one are so far apart."""
    gated = [hidden(s, net.gate.irreps_in) for s in (1.0, behind)]
    return {
        "first": Contract({"fields": INPUT}, gated[0]),
        "gate": Contract({"fields": gated[0]}, hidden()),
        "middle": Contract({"fields": hidden()}, hidden(behind)),
        "last": Contract({"fields": hidden(behind)}, gated[1]),
        "last_gate": Contract({"fields": gated[1]}, hidden(behind)),
    }


def diagnosed(name: str, group: str, declared: bool = True) -> eq.Report:
    """The report on the network with one of `layers` in its middle."""
    torch.manual_seed(0)
    net = Net(getattr(layers, name)()).eval()
    behind = SPACING.get(name, 1.0)
    known = contracts(net, behind) if declared else None
    return eq.diagnose(net, smooth(1, 10, 10, 10), INPUT, hidden(behind), group=group, contracts=known, samples=3)


def planted_line(name: str) -> int:
    """The line that ends in PLANTED."""
    lines, start = inspect.getsourcelines(getattr(layers, name))
    return start + next(i for i, line in enumerate(lines) if line.endswith("# PLANTED\n"))
