"""Describes the grids among a network's inputs, before any transformation.

`prepare` calls `grid_setting` to choose elements, `diagnosis.examine` calls `between_cells` for the report. Floors of
grids are measured in `grid_floors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from equivariance.contracts.contract import Contract, grids_in
from equivariance.contracts.nested import leaves
from equivariance.groups.elements import Transform, rotation
from equivariance.groups.lattice import GridSizes
from equivariance.representations.grid import Grid
from equivariance.representations.lattice import coarsest

UNRESOLVED = 0.25
"""Largest relative interpolation error of an input; above it, the input is tested by exact elements only."""


def grid_setting(arguments: Mapping[str, Any], contract: Contract, layers: Iterable[Contract]) -> GridSizes | None:
    """Returns the sizes of the grids among the inputs; None if there are no grids."""
    found = [(t, how) for _, t, how in _grids(arguments, contract)]
    if not found:
        return None
    declared = [how for c in (contract, *layers) for how in _declared_grids(c)]
    length = min(how.spacing * min(t.shape[a] for a in how.axes) for t, how in found)
    dimensions = min(len(how.axes) for _, how in found)
    labels = any(how.kind == "labels" for how in (*declared, *(how for _, how in found)))
    resolved = not labels and all(_interpolation_error(t, how, dimensions) <= UNRESOLVED for t, how in found)
    return GridSizes(dimensions, length, coarsest([how.spacing for how in declared]), resolved)


def between_cells(arguments: Mapping[str, Any], contract: Contract, setting: Any) -> list[str]:
    """Returns the lines of the report about values between the cells."""
    if setting.grid is None:
        return []
    lines = []
    if any(how.kind == "labels" for how in _declared_grids(contract)):
        return ["grid: labels are not interpolated: rotations of the lattice and shifts by whole cells are tested"]
    for path, tensor, how in _grids(arguments, contract):
        share = _interpolation_error(tensor, how, setting.grid.dimensions)
        if setting.grid.resolved:
            lines.append(f"grid: values of {path} between its cells are interpolated; the grid leaves {share:.1%} open")
        else:
            lines.append(
                f"grid: values of {path} between its cells are not told by it ({share:.0%} open): rotations of the "
                "lattice and shifts by whole cells are tested, and no others; smooth the example for those"
            )
    return lines


def _grids(arguments: Mapping[str, Any], contract: Contract) -> Iterator[tuple[str, torch.Tensor, Grid]]:
    for name, value in arguments.items():
        for path, tensor, how in leaves(value, contract.inputs.get(name), name):
            if isinstance(how, Grid):
                yield path, tensor, how


def _declared_grids(contract: Contract) -> list[Grid]:
    return [how for spec in (*contract.inputs.values(), contract.output) for how in grids_in(spec)]


def _interpolation_error(tensor: torch.Tensor, how: Grid, dimensions: int) -> float:
    """Returns the relative interpolation error under a rotation by 0.6 radians."""
    element: Transform = rotation([0, 0, 0.6] if dimensions == 2 else [0.3, 0.48, -0.2])
    values = tensor.detach().to(torch.float64)
    left = how.unresolved(values, element)
    moved = how.compared(how.act(values, element), element)
    size = float(moved.norm())
    return 0.0 if left is None or not size else float(how.compared(left, element).norm()) / size
