"""Measures the sizes of a network's inputs, for which elements are drawn.

`prepare` calls it for every call that it binds. The module draws no elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from equivariance._engine.measurement.crystal_setting import crystal_setting
from equivariance._engine.measurement.grid_setting import grid_setting
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import leaves, sample_lists, sizes_of_graphs
from equivariance.groups.elements import Transform, edge_permutation, permutation, samples
from equivariance.groups.sampling import InputSizes
from equivariance.representations.axes import Assumed, Concatenated, position
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.images.grid_points import GridPoints
from equivariance.representations.standard import CartesianPoints

Leaves = Sequence[tuple[torch.Tensor, Representation]]


@dataclass
class _Found:
    """The numbers of nodes, samples and edges that the inputs state, in order of precedence.

    Attributes:
        nodes: Nodes of one sample, or of each sample.
        samples: Numbers of samples.
        edges: Edges of each sample.
    """

    nodes: list[int | tuple[int, ...]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    edges: list[tuple[int, ...]] = field(default_factory=list)

    def add_samples(self, sizes: tuple[int, ...]) -> None:
        """Adds the numbers of nodes of each sample."""
        self.nodes.append(sizes if len(set(sizes)) > 1 else sizes[0])
        self.samples.append(len(sizes))

    def add_list(self, samples: Sequence[Sequence[tuple[str, torch.Tensor, Representation]]]) -> None:
        """Adds the samples of a list, given the tensors of each entry."""
        axes = [[(t, position(law.nodes, t)) for _, t, law in found] for found in samples]
        nodes = [next((t.shape[axis] for t, axis in found if axis is not None), None) for found in axes]
        if None in nodes:
            self.samples.append(len(samples))
        else:
            self.add_samples(tuple(n for n in nodes if n is not None))

    @property
    def common_edges(self) -> tuple[int, ...] | None:
        """The edges of each sample; None if there are no two edges, or if inputs list different numbers of edges."""
        alike = len({sum(sizes) for sizes in self.edges}) == 1
        return self.edges[0] if alike and sum(self.edges[0]) > 1 else None


def input_sizes(arguments: Mapping[str, Any], contract: Contract, layers: Iterable[Contract]) -> InputSizes:
    """Returns the sizes of the arguments: from declared axes first, then graphs, then assumed axes.

    Args:
        arguments: The values by parameter name.
        contract: Their representations.
        layers: The contracts of inner layers, which may declare grids.
    """
    layers = list(layers)
    given = (leaves(value, contract.inputs.get(name), name) for name, value in arguments.items())
    inputs = [pair for found in given for _, tensor, law in found for pair in law.acted_on(tensor)]
    extent = max((_extent(r.rows(t)) for t, r in inputs if isinstance(r, CartesianPoints) and t.numel()), default=0.0)
    lists = [found for name, value in arguments.items() for found in sample_lists(value, contract.inputs.get(name))]
    inside = {id(t) for entries, spec in lists for entry in entries for _, t, _ in leaves(entry, spec.each)}
    inputs = [(t, r) for t, r in inputs if id(t) not in inside]
    found = _stated_sizes(inputs)
    for entries, spec in lists:
        found.add_list([leaves(entry, spec.each) for entry in entries])
    for value in arguments.values():
        for sizes, edges in sizes_of_graphs(value):
            found.add_samples(sizes)
            found.edges += [] if edges is None else [edges]
    for _, law in inputs:
        if law.concatenated and law.concatenated.sizes and law.nodes is not None:
            found.add_samples(law.concatenated.sizes)
    _add_assumed(found, inputs)
    grid = grid_setting(arguments, contract, layers)
    lattice = crystal_setting(arguments, contract)
    nodes = found.nodes[0] if found.nodes else None
    mask = next((law.mask for _, law in inputs if law.mask is not None), None)
    padded = None if mask is None or all(map(all, mask.rows)) else mask
    if padded is not None and padded.batched:
        nodes = (padded.length,) * len(padded.rows)
    return InputSizes(
        nodes=sum(nodes) if isinstance(nodes, tuple) else nodes,
        samples=found.samples[0] if found.samples else None,
        extent=extent or (grid.length / 2 if grid else 1.0),
        grid=grid,
        segments=nodes if isinstance(nodes, tuple) else None,
        edges=found.common_edges if _follow_edges(layers) else None,
        mask=None if padded is None else tuple(valid for row in padded.rows for valid in row),
        padded=mask is not None and all(_may_grow(t, law) for t, law in inputs),
        crystal=None if lattice is None else lattice.crystal,
        planar=_are_planar(inputs),
    )


def _are_planar(inputs: Leaves) -> bool:
    """True if the inputs have positions or vectors, all in a plane."""
    found = {law.dimensions for _, law in inputs if isinstance(law, (CartesianPoints, CartesianTensor))}
    found |= {len(law.axes) for _, law in inputs if isinstance(law, GridPoints)}
    return found == {2}


def _follow_edges(layers: Iterable[Contract]) -> bool:
    """True if edges may be reordered: contracts of layers that were declared by hand say which tensors list edges."""
    declared = [contract for contract in layers if not contract.stated]
    return not declared or any(_lists_edges({**c.inputs, "": c.output}) for c in declared)


def _lists_edges(spec: object) -> bool:
    """True if a representation in a specification has an axis that lists edges."""
    if isinstance(spec, Mapping):
        return any(map(_lists_edges, spec.values()))
    if isinstance(spec, (list, tuple)):
        return any(map(_lists_edges, spec))
    return isinstance(spec, Representation) and spec.edges is not None


def _stated_sizes(inputs: Leaves) -> _Found:
    """Returns the sizes of declared axes."""
    found = _Found()
    for tensor, law in inputs:
        if law.concatenated is None and isinstance(law.nodes, int):
            found.nodes.append(tensor.shape[law.nodes])
        if law.concatenated is None and isinstance(law.batch, int):
            found.samples.append(tensor.shape[law.batch])
        if law.edges is not None:
            found.edges.append(_edges_of(tensor.shape[law.edges], law))
    return found


def _may_grow(tensor: torch.Tensor, law: Representation) -> bool:
    """True if padded rows may be appended: no axis that lists no nodes is as long as the node axis."""
    axis = position(law.nodes, tensor) if law.mask is not None else None
    others = [a for a in range((axis or 0) + 1, tensor.dim() - law.component_axes) if a != law.pairs]
    return axis is None or tensor.shape[axis] not in [tensor.shape[a] for a in others]


def _edges_of(count: int, law: Representation) -> tuple[int, ...]:
    """Returns the number of edges of each sample, if samples lie one after the other."""
    return law.batch.sizes or (count,) if isinstance(law.batch, Concatenated) else (count,)


def _add_assumed(found: _Found, inputs: Leaves) -> None:
    """Adds the sizes of assumed axes."""
    for tensor, law in inputs:
        if law.concatenated is None and tensor.dim():
            found.nodes += [tensor.shape[0]] if isinstance(law.nodes, Assumed) else []
            found.samples += [tensor.shape[0]] if isinstance(law.batch, Assumed) else []


def _extent(points: torch.Tensor) -> float:
    """Returns the largest distance of a point from the centroid."""
    flat = points.detach().double()
    return float((flat - flat.mean(0)).norm(dim=1).max())


def identity_reorderings(sizes: InputSizes) -> list[Transform]:
    """Returns the reorderings of nodes, edges and samples that change nothing."""
    found = [] if sizes.nodes is None else [permutation(range(sizes.nodes), sizes=sizes.segments)]
    found += [] if sizes.edges is None else [edge_permutation(range(sum(sizes.edges)))]
    return found if sizes.samples is None else [*found, samples(range(sizes.samples), of=sizes.samples)]
