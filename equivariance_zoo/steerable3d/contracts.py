"""Declares the representations of every layer of the networks: the contracts that the harness checks."""

from __future__ import annotations

from e3nn import o3
from torch import nn

from equivariance import Contract, Grid, Invariant
from equivariance_zoo.steerable3d.layers.batchnorm import SteerableBatchNorm
from equivariance_zoo.steerable3d.layers.conv import SteerableConv3d
from equivariance_zoo.steerable3d.layers.nonlinearity import Gated
from equivariance_zoo.steerable3d.model import ResidualBlock, SteerableClassifier, SteerableLayer


def network_contracts(model: SteerableClassifier) -> dict[str, Contract]:
    """Returns the contract of every layer of a network, by path."""
    found: dict[str, Contract] = {}
    spacing, periodic = 1.0, model.config.periodic
    for index, layer in enumerate(model.layers):
        coarse = spacing * _stride(layer)
        for name, module in layer.named_modules(prefix=f"layers.{index}"):
            contract = _contract(module, name, spacing, coarse, periodic)
            if contract is not None:
                found[name] = contract
        spacing = coarse
    pooled = Invariant(nodes=None, batch=0)
    found["pool"] = Contract({"fields": field(model.pool.irreps_in, spacing, periodic)}, pooled)
    found["head"] = Contract({"input": pooled}, pooled)
    return found


def field(irreps: o3.Irreps | str, spacing: float = 1.0, periodic: bool = False) -> Grid:
    """Returns the representation of a field [batch, channels, x, y, z] with cells of `spacing` input voxels."""
    return Grid(irreps=str(irreps), spacing=spacing, periodic=periodic)


def _contract(module: nn.Module, name: str, fine: float, coarse: float, periodic: bool) -> Contract | None:
    """Returns the contract of a layer. Convolutions and blocks may map the fine to the coarse grid, others do not."""
    if not isinstance(module, SteerableLayer | ResidualBlock | SteerableConv3d | Gated | SteerableBatchNorm):
        return None
    within = isinstance(module, Gated | SteerableBatchNorm) or ".second" in name
    spacings = (coarse if within else fine, coarse)
    given, made = (field(i, s, periodic) for i, s in zip((module.irreps_in, module.irreps_out), spacings, strict=True))
    return Contract({"fields": given}, made)


def _stride(layer: nn.Module) -> int:
    first = layer.first if isinstance(layer, ResidualBlock) else layer
    assert isinstance(first, SteerableLayer)
    return first.conv.stride
