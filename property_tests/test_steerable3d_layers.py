"""Every layer of steerable3d: lattices exactly, components and kernels under all of SO(3) or O(3), batches."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import torch
from e3nn import o3
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from equivariance import Contract, Grid, Invariant
from equivariance._engine.instrumentation.testbed import perturb_weights
from equivariance.groups import identity, samples, translation
from equivariance.groups.elements import Transform, cube_rotations
from equivariance.representations import Irreps
from equivariance.strategies import rotations
from equivariance_zoo.steerable3d import (
    Gated,
    InvariantPool,
    LowPass,
    NetworkConfig,
    NormNonlinearity,
    Stage,
    SteerableBatchNorm,
)
from equivariance_zoo.steerable3d import SteerableConv3d as Conv
from equivariance_zoo.steerable3d.layers.basis import Shells, elements, sample_kernel
from equivariance_zoo.steerable3d.model import ResidualBlock, SteerableLayer
from property_tests.layers import error_of

IN, OUT = "2x0e + 2x1e + 1x2e", "3x0e + 2x1e + 1x2e"
ODD, ODD_OUT = "2x0e + 1x0o + 2x1o + 1x1e + 1x2e", "3x0e + 1x0o + 1x1o + 2x1e + 1x2o"
TOLERANCE = 1e-12
"""Relative error that float64 may make."""


@dataclass(frozen=True)
class Layer:
    """A layer and its claims; ``parity`` is True if it respects inversions too."""

    make: Callable[[], nn.Module]
    irreps_in: str = IN
    irreps_out: str | None = OUT
    step: int = 1
    parity: bool = False
    periodic: bool = False

    @property
    def elements(self) -> list[Transform]:
        """Of the lattice, the identity first."""
        inverted = [Transform(tuple(tuple(-v for v in row) for row in e.matrix)) for e in cube_rotations()]
        return [*cube_rotations(), *(inverted if self.parity else [])]

    def case(self, size: int, seed: int, batch: int = 2) -> tuple[nn.Module, dict[str, Any], Contract]:
        """The layer, an input of noise, and the contract."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, o3.Irreps(self.irreps_in).dim, size, size, size)
        given, made = (
            Grid(irreps=irreps, spacing=spacing, periodic=self.periodic) if irreps else Invariant(nodes=None, batch=0)
            for irreps, spacing in ((self.irreps_in, 1.0), (self.irreps_out, float(self.step)))
        )
        fields = torch.randn(shape, generator=generator, dtype=torch.float64)
        return built(self.make), {"fields": fields}, Contract({"fields": given}, made)


@cache
def built(make: Callable[[], nn.Module]) -> nn.Module:
    """With weights and statistics that are not those of the start."""
    torch.manual_seed(0)
    return perturb_weights(make().double().eval(), 0)


def network(**settings: Any) -> NetworkConfig:
    return NetworkConfig(2, (Stage("1x0e"),), **settings)


def gate_in(irreps: str, parity: bool = False) -> str:
    return str(Gated(irreps, parity).irreps_in)


CONVOLUTIONS = {
    "Conv": Layer(lambda: Conv(IN, OUT, 3)),
    "Conv, periodic": Layer(lambda: Conv(IN, OUT, 5, periodic=True), periodic=True),
    "Conv, dilated": Layer(lambda: Conv(IN, OUT, 3, dilation=2, periodic=True), periodic=True),
    "Conv, stride 2": Layer(lambda: Conv(IN, OUT, 3, stride=2), step=2),
    "Conv, stride 2, periodic": Layer(lambda: Conv(IN, OUT, 3, stride=2, periodic=True), step=2, periodic=True),
    "Conv, stride 3, periodic": Layer(lambda: Conv(IN, OUT, 4, stride=3, periodic=True), step=3, periodic=True),
    "Conv, O(3)": Layer(lambda: Conv(ODD, ODD_OUT, 5, periodic=True, parity=True), ODD, ODD_OUT, 1, True, True),
    "LowPass": Layer(lambda: LowPass(2, periodic=True), IN, IN, 2, True, True),
    "SteerableLayer": Layer(lambda: SteerableLayer(IN, OUT, 3, 2, network(periodic=True)), step=2, periodic=True),
    "ResidualBlock": Layer(lambda: ResidualBlock(IN, OUT, 3, 2, network(periodic=True)), step=2, periodic=True),
    "ResidualBlock, O(3)": Layer(
        lambda: ResidualBlock(ODD, ODD, 3, 1, network(periodic=True, parity=True)), ODD, ODD, 1, True, True
    ),
}
POINTWISE = {
    "Gated": Layer(lambda: Gated(OUT), gate_in(OUT), OUT, periodic=True),
    "Gated, O(3)": Layer(lambda: Gated(ODD, parity=True), gate_in(ODD, True), ODD, 1, True, True),
    "NormNonlinearity": Layer(lambda: NormNonlinearity(IN), IN, IN, periodic=True),
    "NormNonlinearity, O(3)": Layer(lambda: NormNonlinearity(ODD, parity=True), ODD, ODD, 1, True, True),
    "SteerableBatchNorm": Layer(lambda: SteerableBatchNorm(IN), IN, IN, periodic=True),
    "SteerableBatchNorm, O(3)": Layer(lambda: SteerableBatchNorm(ODD, parity=True), ODD, ODD, 1, True, True),
    "InvariantPool": Layer(lambda: InvariantPool(IN), IN, None, periodic=True),
    "InvariantPool, O(3)": Layer(lambda: InvariantPool(ODD, parity=True), ODD, None, 1, True, True),
}
LAYERS = CONVOLUTIONS | POINTWISE
seeds = st.integers(0, 99)


@pytest.mark.parametrize("name", LAYERS)
@given(data=st.data(), seed=seeds)
def test_rotations_of_the_lattice(name, data, seed):
    """Even and odd grids; all 48 where inversions count."""
    layer = LAYERS[name]
    sizes = [6, 6 + layer.step] if layer.periodic else [6, 7]
    case = layer.case(data.draw(st.sampled_from(sizes), "size"), seed)
    assert error_of(case, data.draw(st.sampled_from(layer.elements), "element")) <= TOLERANCE


@pytest.mark.parametrize("name", [name for name, layer in LAYERS.items() if layer.periodic])
@given(data=st.data(), seed=seeds)
def test_shifts_by_whole_cells(name, data, seed):
    layer = LAYERS[name]
    cells = data.draw(st.tuples(*[st.integers(-6, 6)] * 3), "cells")
    assert error_of(layer.case(6, seed), translation([layer.step * c for c in cells])) <= TOLERANCE


@pytest.mark.parametrize("name", LAYERS)
@given(chosen=st.lists(st.integers(0, 2), min_size=1, max_size=3), seed=seeds)
def test_samples(name, chosen, seed):
    assert error_of(LAYERS[name].case(6, seed, batch=3), samples(chosen, of=3)) <= TOLERANCE


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", POINTWISE)
@given(element=rotations(), invert=st.booleans(), seed=seeds)
def test_components_under_any_rotation(name, mode, element, invert, seed):
    """Layers that act within each cell commute with all of SO(3), and with O(3) if they have parity."""
    layer = POINTWISE[name]
    if invert and layer.parity:
        element = element @ layer.elements[24]
    module, arguments, _ = layer.case(3, seed)
    fields = arguments["fields"].flatten(2).movedim(1, -1)
    made, moved = (run(module, f, mode) for f in (fields, Irreps(layer.irreps_in).act(fields, element)))
    expected = Irreps(layer.irreps_out).act(made, element) if layer.irreps_out else made
    assert (moved - expected).norm() <= TOLERANCE * made.norm()


def run(module: nn.Module, fields: Tensor, mode: str) -> Tensor:
    """On fields [batch, cells, components]; statistics stay as they were."""
    made = copy.deepcopy(module).train(mode == "train")(fields.movedim(-1, 1))
    return made.movedim(1, -1) if made.dim() == 3 else made


@given(
    degrees=st.tuples(st.integers(0, 3), st.integers(0, 3)), size=st.integers(3, 7), parity=st.sampled_from([1, -1]),
    element=rotations(), seed=seeds,
)  # fmt: skip
def test_kernels_under_o3(degrees, size, parity, element, seed):
    """kappa(r x) = D_j(r) kappa(x) D_l(r)^-1 at any place, for rotations and, with the parity's sign, inversions."""
    (degree_in, degree_out), shells = degrees, Shells(size)
    positions = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    moved = positions @ torch.tensor(element.matrix, dtype=torch.float64).T
    for chosen in elements(shells, degree_in, degree_out, parity):
        here, there, across = (sample_kernel(shells, chosen, *degrees, x) for x in (positions, moved, -positions))
        turned = Irreps(f"1x{degree_in}e").act(here.movedim(1, -1), element).movedim(-1, 1)
        turned = Irreps(f"1x{degree_out}e").act(turned.movedim(0, -1), element).movedim(-1, 0)
        assert (there - turned).abs().max() <= TOLERANCE
        assert (across - parity * here).abs().max() <= TOLERANCE


def test_broken_layers_would_be_seen():
    contract = Contract({"fields": Grid(irreps=IN, periodic=True)}, Grid(irreps=IN, periodic=True))
    module, arguments, _ = LAYERS["NormNonlinearity"].case(6, 0)
    assert error_of((module, arguments, contract), identity()) == 0

    def broken(fields: Tensor) -> Tensor:
        return torch.relu(fields)

    case = (broken, arguments, contract)
    assert error_of(case, cube_rotations()[5]) > 0.1
