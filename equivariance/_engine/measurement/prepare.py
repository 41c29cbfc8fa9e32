"""From the arguments of an examination to what it runs on: the bench, the sizes, the groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._engine.instrumentation.testbed import Bench
from equivariance._engine.measurement.grid_setting import grid_setting
from equivariance.contracts.axes_by_length import known_axes, with_axes_by_length
from equivariance.contracts.contract import Contract, call_contract
from equivariance.contracts.nested import leaves, sizes_of_graphs, walk
from equivariance.groups.elements import Transform, permutation, samples
from equivariance.groups.named import groups_of
from equivariance.groups.sampling import Group, InputSizes
from equivariance.representations.axes import Assumed
from equivariance.representations.base import Representation
from equivariance.representations.standard import CartesianPoints
from equivariance.settings import Settings

_SNAP_BITS = {torch.float64: 36}


@dataclass(frozen=True)
class Prepared:
    """What an examination runs on.

    Attributes:
        bench: Copies of the module, and the arguments
        setting: The sizes that elements are drawn for
        groups: What is tested
        arguments, contract: Of the call, by parameter name
    """

    bench: Bench
    setting: InputSizes
    groups: tuple[Group, ...]
    arguments: Mapping[str, Any]
    contract: Contract

    @property
    def inputs(self) -> list[tuple[str, torch.Tensor, Representation]]:
        """Every tensor of the arguments with its path and representation."""
        return list(_leaves(self.arguments, self.contract))

    @property
    def declares_axes(self) -> bool:
        """Whether an input says which axis lists nodes or samples: then other axes are told by their lengths."""
        return _declares_axes(self.arguments, self.contract)


def prepared(
    module: torch.nn.Module, args: object, irreps_in: object, irreps_out: object, kwargs: Mapping[str, Any] | None,
    group: object, contracts: Mapping[str, Contract], settings: Settings,
) -> Prepared:  # fmt: skip
    """Bind the arguments, measure their sizes, and set the module up."""
    asked = groups_of(group, settings.max_translation)
    arguments, contract = call_contract(module.forward, args, kwargs, irreps_in, irreps_out)
    setting = _setting(arguments, contract, contracts.values())
    groups = _measurable(asked, setting, settings.claims)
    dtype = settings.dtype or _dtype_of(module, arguments, contract)
    known = known_axes(_leaves(arguments, contract))
    layers = {name: with_axes_by_length(c, known) for name, c in contracts.items()}
    layers[""] = with_axes_by_length(contract, known, inputs=False) if _declares_axes(arguments, contract) else contract
    bench = Bench(
        module, _snapped(arguments, contract, setting, dtype), layers, dtype, settings.seed, _reorderings(setting),
        MemoryBudget(settings.memory),
    )  # fmt: skip
    return Prepared(bench, setting, groups, arguments, contract)


def _measurable(groups: tuple[Group, ...], setting: InputSizes, claims: tuple[str, ...] | None) -> tuple[Group, ...]:
    """Without the groups that are not claimed and have no axis to act on."""
    without = {"permutation"} if setting.nodes is None else set()
    without |= {"batch"} if setting.samples is None else set()
    found = tuple(g for g in groups if claims is None or g.symmetry in claims or g.symmetry not in without)
    return found or groups


def _setting(arguments: Mapping[str, Any], contract: Contract, layers: Iterable[Contract]) -> InputSizes:
    """Sizes that elements are drawn for: declared axes first, then graphs, then assumed axes."""
    found = list(_leaves(arguments, contract))
    extent = max((_extent(t) for _, t, r in found if isinstance(r, CartesianPoints) and t.numel()), default=0.0)
    declared = [(t, r) for _, t, r in found if r.concatenated is None]
    nodes = [t.shape[r.nodes] for t, r in declared if isinstance(r.nodes, int)]
    batch = [t.shape[r.batch] for t, r in declared if isinstance(r.batch, int)]
    for value in arguments.values():
        for size, count in sizes_of_graphs(value):
            nodes, batch = [*nodes, size], [*batch, count]
    sizes = [
        r.concatenated.sizes for _, _, r in found if r.concatenated and r.concatenated.sizes and r.nodes is not None
    ]
    nodes, batch = [*nodes, *(s[0] for s in sizes if len(set(s)) == 1)], [*batch, *map(len, sizes)]
    nodes += [t.shape[0] for t, r in declared if isinstance(r.nodes, Assumed) and t.dim()]
    batch += [t.shape[0] for t, r in declared if isinstance(r.batch, Assumed) and t.dim()]
    grid = grid_setting(arguments, contract, layers)
    extent = extent or (grid.length / 2 if grid else 1.0)
    return InputSizes(nodes[0] if nodes else None, batch[0] if batch else None, extent, grid)


def _leaves(arguments: Mapping[str, Any], contract: Contract) -> Iterator[tuple[str, torch.Tensor, Representation]]:
    for name, value in arguments.items():
        yield from leaves(value, contract.inputs.get(name), name)


def _extent(points: torch.Tensor) -> float:
    flat = points.detach().double().reshape(-1, 3)
    return float((flat - flat.mean(0)).norm(dim=1).max())


def _dtype_of(module: torch.nn.Module, arguments: Mapping[str, Any], contract: Contract) -> torch.dtype:
    """The dtype in use: of the parameters, else of the inputs."""
    for tensor in [*module.parameters(), *(t for _, t, _ in _leaves(arguments, contract))]:
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.get_default_dtype()


def _snapped(
    arguments: Mapping[str, Any], contract: Contract, setting: InputSizes, dtype: torch.dtype
) -> dict[str, Any]:
    """Positions on a dyadic grid of about float32's resolution, where adding a dyadic vector is exact in float64."""
    step = 2.0 ** (math.ceil(math.log2(setting.extent)) - _SNAP_BITS.get(dtype, 23))

    def snap(tensor: torch.Tensor, representation: Representation, path: str) -> torch.Tensor:
        if isinstance(representation, CartesianPoints) and tensor.is_floating_point():
            return ((tensor.detach().double() / step).round() * step).to(tensor.dtype)
        return tensor

    return {name: walk(value, contract.inputs.get(name), name, snap) for name, value in arguments.items()}


def _declares_axes(arguments: Mapping[str, Any], contract: Contract) -> bool:
    return any(not isinstance(axis, Assumed) for _, t, r in _leaves(arguments, contract) for axis in (r.nodes, r.batch))


def _reorderings(setting: InputSizes) -> list[Transform]:
    """Orders of nodes and of samples that change nothing."""
    orders = [] if setting.nodes is None else [permutation(range(setting.nodes))]
    return orders if setting.samples is None else [*orders, samples(range(setting.samples), of=setting.samples)]
