"""Declares the representations of every layer of the networks: the contracts that the harness checks.

`subjects` and the trainings call it; `published.contracts` builds on it. It checks nothing itself.

Level 0 lists the nodes in the order of the input, so that permutations reorder them. Coarser levels list them in the
order of sampling, which no permutation of the input changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

from equivariance import (
    CartesianPoints,
    Concatenated,
    Contract,
    Invariant,
    Irreps,
    NodeIndices,
    Representation,
    Transform,
)
from equivariance.representations.base import Part
from equivariance.representations.wigner import wigner_d
from se3unet.geometry.edges import EdgeGeometry
from se3unet.geometry.frames import aligning_frames, frame_of
from se3unet.geometry.graph import KNNGraph
from se3unet.geometry.sampling import FarthestPointSampling
from se3unet.layers.attention import MultiHeadAttention, TFNConvolution
from se3unet.layers.block import ResidualBlock, SE3Transformer
from se3unet.layers.dense.basis import KernelBasis
from se3unet.layers.dense.kernel import RelativePositions, TFNLinear
from se3unet.layers.fibers import channels_by_degree
from se3unet.layers.head import Embed, InvariantHead
from se3unet.layers.interaction import AttentiveSelfInteraction, ConcatenateSkip, SelfInteraction, SumSkip
from se3unet.layers.norms import NormBias, NormNonlinearity
from se3unet.layers.pool import Aggregate, Pool
from se3unet.layers.upsample import Upsample
from se3unet.model import SE3Unet


@dataclass(frozen=True)
class KernelMatrix(Representation):
    """Equivariant kernels [..., 2o+1, 2i+1, F]: K -> D_o K D_i^T for each of the F frequencies."""

    degree_in: int
    degree_out: int

    def act(self, values: Tensor, element: Transform) -> Tensor:
        """Returns D_o K D_i^T."""
        left = wigner_d(self.degree_out, 1, element).to(values.device)
        right = wigner_d(self.degree_in, 1, element).to(values.device)
        return torch.einsum("ab,...bcf,dc->...adf", left, values, right)


@dataclass(frozen=True)
class EdgeFrames(Representation):
    """Packed frames of edges [rows, ...], which transform to the frames of the turned edges.

    A frame is arbitrary up to a turn about its edge, which no layer may depend on. An element therefore computes new
    frames of the turned edges, and only the rows along the edges are compared.
    """

    max_degree: int

    def act(self, values: Tensor, element: Transform) -> Tensor:
        """Returns frames of the turned directions."""
        directions = torch.einsum("ab,b...->a...", wigner_d(1, 1, element).to(values.device), frame_of(values, 1)[1])
        return aligning_frames(directions, self.max_degree)

    def parts(self, values: Tensor) -> Iterator[Part]:
        """Yields the row along the edge of each degree."""
        for degree in range(1, self.max_degree + 1):
            yield Part(f"1x{degree}e", frame_of(values, degree)[degree])


@dataclass(frozen=True)
class Level:
    """The axes that list the nodes and the samples at one level of the network."""

    nodes: int | None
    batch: int | Concatenated | None

    def points(self) -> Representation:
        """Returns the representation of positions."""
        return CartesianPoints(nodes=self.nodes, batch=self.batch)

    def scalars(self) -> Representation:
        """Returns the representation of invariants, of nodes or of edges."""
        return Invariant(nodes=self.nodes, batch=self.batch)

    def vectors(self) -> Representation:
        """Returns the representation of vectors on the last axis, of nodes or of edges."""
        return Irreps("1x1e", nodes=self.nodes, batch=self.batch)

    def fibers(self, irreps: o3.Irreps | str) -> dict[int, Representation]:
        """Returns the representations of fibers, of nodes or of edges."""
        degrees = channels_by_degree(irreps)
        return {degree: Irreps(f"1x{degree}e", nodes=self.nodes, batch=self.batch) for degree in degrees}

    def basis(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Representation]:
        """Returns the representations of the angular basis on edges."""
        return {(i, o): KernelMatrix(i, o, nodes=self.nodes, batch=self.batch) for i, o in pairs}

    def graph(self) -> dict[str, Representation]:
        """Returns the representations of a `se3unet.geometry.graph.Graph`."""
        numbers = NodeIndices(nodes=self.nodes, batch=self.batch, permuted=self.nodes is not None)
        return {
            "positions": self.points(),
            "neighbours": numbers,
            "vectors": self.vectors(),
            "distances": self.scalars(),
            "reach": self.scalars(),
            "presence": self.scalars(),
            "envelope": self.scalars(),
        }

    def edges(self, max_degree: int) -> dict[str, object]:
        """Returns the representations of a `se3unet.geometry.edges.Edges`."""
        rows_first = Level(_shift(self.nodes), _shift(self.batch))
        frames = EdgeFrames(max_degree, nodes=rows_first.nodes, batch=rows_first.batch)
        return {"graph": self.graph(), "frames": frames, "radial": rows_first.scalars(), "along": self.scalars()}


def _shift(axis: Any) -> Any:
    """Returns the axis of a tensor with one more axis in front."""
    return axis + 1 if isinstance(axis, int) else axis


def layer_contract(layer: nn.Module, at: Level, max_degree: int) -> Contract | None:
    """Returns the contract of a layer that stays on one level; None for a container."""
    rule = _RULES.get(type(layer))
    return None if rule is None else rule(layer, at, max_degree)


def unet_contracts(model: SE3Unet) -> dict[str, Contract]:
    """Returns the contract of every layer of a network, by path."""
    found: dict[str, Contract] = {}
    for name, layer in model.named_modules():
        fine, coarse = _levels(name)
        contract = _crossing(layer, fine, coarse) or layer_contract(layer, fine, model.config.max_degree)
        if name and contract is not None:
            found[name] = contract
    return found


def training_monitor(model: nn.Module, positions: Tensor, every: int, stop: bool) -> Any:
    """Returns the harness's callback for a training: the errors of the layers under rotations and translations.

    Args:
        model: The network, which the LightningModule holds as `model`.
        positions: Clouds of shape [B, N, 3] to examine it on; the time grows with their size.
        every: Epochs from one examination to the next.
        stop: If True, a finding ends the training; if False, it is a warning.
    """
    from equivariance.lightning import EquivarianceMonitor

    whole = Contract({"positions": CartesianPoints(nodes=1, batch=0)}, Invariant(nodes=1, batch=0))
    layers = unet_contracts(model) if isinstance(model, SE3Unet) else {}
    return EquivarianceMonitor(
        {"": whole, **layers}, positions, "se3", every=every, module="model", stop=stop, samples=1
    )


def _levels(name: str) -> tuple[Level, Level]:
    """Returns the level of a layer's path, and the next coarser level."""
    stage, _, rest = name.partition(".")
    number, _, inside = rest.partition(".")
    depth = int(number) if number.isdecimal() else 0
    if stage == "bottleneck" or (stage == "pool" and inside == "graph"):
        depth += 1
    fine, coarse = Level(nodes=1, batch=0), Level(nodes=None, batch=0)
    return (fine if depth == 0 else coarse), coarse


def _crossing(layer: nn.Module, fine: Level, coarse: Level) -> Contract | None:
    """Returns the contract of a layer between two levels."""
    if isinstance(layer, FarthestPointSampling):
        return Contract({"positions": fine.points()}, {"picks": _picks(fine, coarse), "presence": coarse.scalars()})
    if isinstance(layer, Pool):
        fibers = _any_fibers(fine), _any_fibers(coarse)
        output: dict[str, object] = {"fibers": fibers[1], "graph": coarse.graph(), "picks": _picks(fine, coarse)}
        chosen = {name: output[name] for name in ("graph", "picks")}
        return Contract({"fibers": fibers[0], "graph": fine.graph(), "coarse": chosen}, output)
    if isinstance(layer, Upsample):
        inputs = {"fibers": _any_fibers(coarse), "coarse": coarse.graph(), "fine": fine.graph()}
        return Contract(inputs, _any_fibers(fine))
    return None


def _picks(fine: Level, coarse: Level) -> Representation:
    return NodeIndices(nodes=None, batch=coarse.batch, permuted=fine.nodes is not None)


def _any_fibers(at: Level) -> dict[int, Representation]:
    return {degree: Irreps(f"1x{degree}e", nodes=at.nodes, batch=at.batch) for degree in range(7)}


def _same_fibers(layer: Any, at: Level, max_degree: int) -> Contract:
    return Contract({"features": at.fibers(layer.irreps_in)}, at.fibers(layer.irreps_out))


def _on_edges(layer: Any, at: Level, max_degree: int) -> Contract:
    inputs = {"fibers": at.fibers(layer.irreps_in), "edges": at.edges(max_degree)}
    return Contract(inputs, at.fibers(layer.irreps_out))


def _skip(layer: Any, at: Level, max_degree: int) -> Contract:
    inputs = {"outputs": at.fibers(layer.irreps_in[0]), "inputs": at.fibers(layer.irreps_in[1])}
    return Contract(inputs, at.fibers(layer.irreps_out))


def _linear(layer: Any, at: Level, max_degree: int) -> Contract:
    pairs = ((i, o) for i in layer.channels_in for o in layer.channels_out)
    every = ((i, o) for i in range(max_degree + 1) for o in range(max_degree + 1))
    basis = {**at.basis(pairs), **at.basis(every)}
    inputs = {"features": at.fibers(layer.irreps_in), "invariants": at.scalars(), "basis": basis}
    return Contract(inputs, at.fibers(layer.irreps_out))


def _basis(layer: Any, at: Level, max_degree: int) -> Contract:
    degrees = range(max_degree + 1)
    return Contract({"vectors": at.vectors()}, at.basis((i, o) for i in degrees for o in degrees))


def _relative(layer: Any, at: Level, max_degree: int) -> Contract:
    return Contract({"features": at.fibers(layer.irreps_in), "vectors": at.vectors()}, at.fibers(layer.irreps_out))


def _knn(layer: Any, at: Level, max_degree: int) -> Contract:
    return Contract({"positions": at.points(), "presence": at.scalars()}, at.graph())


def _aggregate(layer: Any, at: Level, max_degree: int) -> Contract:
    return Contract({"fibers": _any_fibers(at), "graph": at.graph()}, _any_fibers(at))


_RULES: dict[type[nn.Module], Callable[[Any, Level, int], Contract]] = {
    KNNGraph: _knn,
    EdgeGeometry: lambda layer, at, degree: Contract({"graph": at.graph()}, at.edges(degree)),
    KernelBasis: _basis,
    Embed: lambda layer, at, _: Contract({"positions": at.points()}, at.fibers(layer.irreps_out)),
    InvariantHead: lambda layer, at, _: Contract({"fibers": at.fibers(layer.irreps_in)}, at.scalars()),
    SelfInteraction: _same_fibers,
    AttentiveSelfInteraction: _same_fibers,
    NormBias: _same_fibers,
    NormNonlinearity: _same_fibers,
    ConcatenateSkip: _skip,
    SumSkip: _skip,
    TFNLinear: _linear,
    RelativePositions: _relative,
    MultiHeadAttention: _on_edges,
    TFNConvolution: _on_edges,
    ResidualBlock: _on_edges,
    SE3Transformer: _on_edges,
    Aggregate: _aggregate,
}
