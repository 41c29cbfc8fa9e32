"""Every layer of the SE(3)-Unet on a cloud, with inputs and the contract that it is held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from equivariance._engine.instrumentation.testbed import perturb_weights
from equivariance._engine.measurement.relative_error import compare, worst
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import transform
from equivariance.groups.elements import Transform
from se3unet.contracts import Level, layer_contract, unet_contracts
from se3unet.geometry.edges import EdgeGeometry, Edges
from se3unet.geometry.graph import Graph, KNNGraph, gather
from se3unet.geometry.sampling import FarthestPointSampling
from se3unet.geometry.ties import priorities
from se3unet.layers.attention import MultiHeadAttention, TFNConvolution
from se3unet.layers.block import BlockSettings, ResidualBlock, SE3Transformer
from se3unet.layers.dense.basis import KernelBasis
from se3unet.layers.dense.kernel import Basis, RelativePositions, TFNLinear
from se3unet.layers.fibers import Fibers, channels_by_degree
from se3unet.layers.head import Embed, InvariantHead
from se3unet.layers.interaction import AttentiveSelfInteraction, ConcatenateSkip, SelfInteraction, SumSkip
from se3unet.layers.norms import NormBias, NormNonlinearity
from se3unet.layers.pool import POOLINGS, Aggregate
from se3unet.model import SE3Unet, SE3UnetConfig

NEIGHBOURS = 3
MAX_DEGREE = 2
RATIO = 0.35
IRREPS, OTHER = "2x0e+2x1e+2x2e", "4x0e+2x1e"
TOLERANCE = 1e-11
"""Relative error that float64 may make; seen were 6e-14 at a thousand sizes of the cloud, and 3e-14 elsewhere."""

FINE = Level(nodes=1, batch=0)


def fibers(irreps: str, seed: int, *leading: int) -> Fibers:
    generator = torch.Generator().manual_seed(seed)
    return {
        degree: torch.randn(*leading, count, 2 * degree + 1, generator=generator, dtype=torch.float64)
        for degree, count in channels_by_degree(irreps).items()
    }


@dataclass(frozen=True)
class Scene:
    """A batch of clouds [B, N, 3] and what layers read of it."""

    positions: Tensor
    seed: int = 0

    @property
    def graph(self) -> Graph:
        return KNNGraph(NEIGHBOURS)(self.positions)

    def on_nodes(self, irreps: str, more: int = 0) -> Fibers:
        return fibers(irreps, self.seed + more, *self.positions.shape[:2])

    def on_edges(self, irreps: str) -> Fibers:
        return fibers(irreps, self.seed, *self.positions.shape[:2], NEIGHBOURS)

    @property
    def edges(self) -> Edges:
        return EdgeGeometry(MAX_DEGREE)(self.graph)

    @property
    def basis(self) -> Basis:
        """The angular basis on the edges, damped where directions are rounding noise."""
        share = self.edges.along / (self.graph.distances + (self.graph.distances == 0))
        kernels = KernelBasis(MAX_DEGREE)(self.graph.vectors)
        return {pair: kernel * share[..., None, None, None] ** 4 for pair, kernel in kernels.items()}


Case = tuple[nn.Module, dict[str, Any], Contract]
"""A layer, its arguments by name, and how they and its output transform."""


def on_one_level(make: Callable[[], nn.Module], inputs: Callable[[Scene], dict[str, Any]]) -> Callable[[Scene], Case]:
    """A layer whose contract is that of its type, with weights that are not those of its initialization."""

    @cache
    def layer() -> nn.Module:
        torch.manual_seed(0)
        return perturb_weights(make().double().eval(), 0)

    def case(scene: Scene) -> Case:
        contract = layer_contract(layer(), FINE, MAX_DEGREE)
        assert contract is not None
        return layer(), inputs(scene), contract

    return case


def from_network(path: str, inputs: Callable[[Scene], dict[str, Any]], **settings: Any) -> Callable[[Scene], Case]:
    """A layer between two levels: that of a network at ``path``."""

    @cache
    def network() -> tuple[SE3Unet, dict[str, Contract]]:
        torch.manual_seed(0)
        model = SE3Unet(small(**settings)).double().eval()
        return perturb_weights(model, 0), unet_contracts(model)

    def case(scene: Scene) -> Case:
        model, contracts = network()
        return model.get_submodule(path), inputs(scene), contracts[path]

    return case


def small(**settings: Any) -> SE3UnetConfig:
    """A configuration of few channels and neighbours."""
    common = {"channels": 2, "neighbours": NEIGHBOURS, "pool_ratio": RATIO, "landmarks": 3, "head_width": 4}
    return SE3UnetConfig(**{**common, **settings})


def block(**settings: Any) -> BlockSettings:
    return BlockSettings(
        **{"messages": "attention", "heads": 1, "relative_positions": "concatenate", "skip": "concatenate", **settings}
    )


def nodes(irreps: str = IRREPS) -> Callable[[Scene], dict[str, Any]]:
    return lambda scene: {"features": scene.on_nodes(irreps)}


def two(first: str, second: str) -> Callable[[Scene], dict[str, Any]]:
    return lambda scene: {"outputs": scene.on_nodes(first), "inputs": scene.on_nodes(second, 1)}


def message(scene: Scene) -> dict[str, Any]:
    return {"fibers": scene.on_nodes(IRREPS), "edges": scene.edges}


def pooling(scene: Scene) -> dict[str, Any]:
    return {"fibers": scene.on_nodes(IRREPS), "graph": scene.graph}


def upsampling(scene: Scene) -> dict[str, Any]:
    sample = FarthestPointSampling(RATIO)(scene.positions)
    coarse = KNNGraph(NEIGHBOURS)(gather(scene.positions, sample.picks), sample.presence)
    return {"fibers": fibers(IRREPS, scene.seed, *sample.picks.shape), "coarse": coarse, "fine": scene.graph}


LAYERS: dict[str, Callable[[Scene], Case]] = {
    "KNNGraph": on_one_level(lambda: KNNGraph(NEIGHBOURS), lambda s: {"positions": s.positions}),
    "EdgeGeometry": on_one_level(lambda: EdgeGeometry(MAX_DEGREE), lambda s: {"graph": s.graph}),
    "KernelBasis": on_one_level(lambda: KernelBasis(MAX_DEGREE), lambda s: {"vectors": s.graph.vectors}),
    "TFNLinear": on_one_level(
        lambda: TFNLinear(IRREPS, OTHER),
        lambda s: {"features": s.on_edges(IRREPS), "invariants": s.graph.distances.unsqueeze(-1), "basis": s.basis},
    ),
    **{
        f"RelativePositions, {mode}": on_one_level(
            lambda mode=mode: RelativePositions(IRREPS, mode),
            lambda s: {"features": s.on_edges(IRREPS), "vectors": s.graph.vectors},
        )
        for mode in ("concatenate", "add")
    },
    "Embed": on_one_level(Embed, lambda s: {"positions": s.positions}),
    "SelfInteraction": on_one_level(lambda: SelfInteraction(IRREPS, OTHER), nodes()),
    "AttentiveSelfInteraction": on_one_level(lambda: AttentiveSelfInteraction(IRREPS, OTHER), nodes()),
    "ConcatenateSkip": on_one_level(lambda: ConcatenateSkip(IRREPS, OTHER), two(IRREPS, OTHER)),
    "SumSkip": on_one_level(lambda: SumSkip(IRREPS, OTHER), two(IRREPS, OTHER)),
    "NormBias": on_one_level(lambda: NormBias(IRREPS), nodes()),
    "NormBias, softened": on_one_level(lambda: NormBias(IRREPS, 0.1), nodes()),
    "NormNonlinearity": on_one_level(lambda: NormNonlinearity(IRREPS, 0.1), nodes()),
    "MultiHeadAttention": on_one_level(lambda: MultiHeadAttention(IRREPS, IRREPS, 1, "concatenate"), message),
    "MultiHeadAttention, two heads": on_one_level(lambda: MultiHeadAttention(IRREPS, OTHER, 2, "add"), message),
    "TFNConvolution": on_one_level(lambda: TFNConvolution(IRREPS, OTHER, "concatenate"), message),
    "ResidualBlock": on_one_level(lambda: ResidualBlock(IRREPS, OTHER, block(), "1x1"), message),
    "ResidualBlock, sum": on_one_level(
        lambda: ResidualBlock(IRREPS, OTHER, block(messages="convolution", skip="sum"), "attentive"), message
    ),
    "SE3Transformer": on_one_level(lambda: SE3Transformer(IRREPS, IRREPS, block(), "1x1", "attentive"), message),
    "InvariantHead": on_one_level(lambda: InvariantHead(IRREPS, 3, 4), lambda s: {"fibers": s.on_nodes(IRREPS)}),
    **{f"Aggregate, {mode}": on_one_level(lambda mode=mode: Aggregate(mode), pooling) for mode in POOLINGS},
    **{f"Pool, {mode}": from_network("pool.0", pooling, pooling=mode) for mode in POOLINGS},
    "FarthestPointSampling": from_network("pool.0.sample", lambda s: {"positions": s.positions}),
    **{f"Upsample, power {p}": from_network("upsample.0", upsampling, power=p) for p in (1.0, 2.0, 7.5)},
}

TIED = {"KNNGraph", "FarthestPointSampling", *(f"Pool, {mode}" for mode in POOLINGS)}
"""Layers that choose among points: those that a symmetry of the cloud swaps are told apart by node number alone."""


def tells_apart(positions: Tensor) -> bool:
    """True if no symmetry of the clouds swaps points: their order then does not depend on that of the nodes."""
    flipped = priorities(positions.flip(1)).flip(1)
    return torch.equal(priorities(positions), flipped)


def well_placed(positions: Tensor) -> bool:
    """True if rounding leaves the cloud intact: its size is at least a thousandth of its coordinates."""
    size = (positions - positions.mean(1, keepdim=True)).abs().amax((1, 2))
    return bool((size >= positions.abs().amax((1, 2)) / 1000).all())


def error_of(case: Case, element: Transform) -> float:
    """||f(g x) - g f(x)|| / ||f(x)|| of the worst leaf and irrep."""
    layer, arguments, contract = case
    output = layer(**arguments)
    moved = {name: transform(value, contract.inputs.get(name), element) for name, value in arguments.items()}
    expected = transform(output, contract.output, element)
    return worst(compare(layer(**moved), expected, contract.output, element))[1].relative
