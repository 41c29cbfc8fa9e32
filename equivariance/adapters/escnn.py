"""The adapter to escnn's `GeometricTensor`, which states its representation by its field type.

The orthogonal matrix of an element of the harness is converted to the element of the field type's group that moves the
base space alike. The groups are SO(3), O(3) and their finite subgroups, and SO(2), O(2) and their finite subgroups.
Groups of the plane accept a matrix that maps the x-y plane to itself. Without a base space, the standard representation
of the group is used instead.

Called through `contracts.adapter_registry`. The module rejects elements that are not in the group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import torch
from escnn import nn as enn
from escnn.group import Group as FibreGroup
from escnn.group import GroupElement
from escnn.gspaces import GSpace

from equivariance.contracts.adapter_registry import Counts
from equivariance.contracts.assumption import Assumption
from equivariance.contracts.declared import NODE_NUMBERS
from equivariance.contracts.field_names import names_node_numbers
from equivariance.contracts.nested import UNSPECIFIED
from equivariance.errors import ArgumentError, ContractError, ForeignElementError
from equivariance.groups.elements import Transform, cube_rotations
from equivariance.groups.sampling import Elements, Group, Inversions, Rotations
from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.base import Part, Representation
from equivariance.representations.labels import labels_of
from equivariance.representations.standard import Invariant

TYPES: tuple[type[Any], ...] = (enn.GeometricTensor,)

_CLOSE = 1e-6
"""Tolerance of matrix entries. escnn stores its elements in double precision, finite groups by rounded angles."""


@dataclass(frozen=True)
class Fields(Representation):
    """Feature fields of an escnn type: channels on axis 1, then the axes of the grid, if there is one.

    Attributes:
        type: An `escnn.nn.FieldType`.
        points: True if the rows lie at points of the base space (`GeometricTensor.coords`) instead of a grid.
    """

    type: Any
    points: bool = False
    nodes: NodeAxis = field(default=None, kw_only=True)
    batch: BatchAxis = field(default=0, kw_only=True)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """Checks that there are as many channels as the type has."""
        super().check(tensor, path)
        if tensor.dim() < 2 or tensor.shape[1] != self.type.size or not tensor.is_floating_point():
            expected = f"floating-point numbers, channels on axis 1, {self.type.size} of them"
            raise ContractError(path, f"{tensor.dtype} tensor of shape {tuple(tensor.shape)}", expected)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Applies the group to the channels and, exactly, to the grid.

        Raises:
            ForeignElementError: If the element is not in the group, or does not map the grid to itself.
        """
        grid = not self.points and self.type.gspace.dimensionality > 0
        if grid and any(element.vector):
            raise ForeignElementError("element", element, "no translation: a grid is not moved by parts of its step")
        acting = acting_element(self.type.gspace, element)
        rho = torch.tensor(self.type.representation(acting), dtype=torch.float64, device=values.device)
        fibres = torch.einsum("oi,bi...->bo...", rho, values)
        return _transform_grid(fibres, self.type.gspace.basespace_action(acting)) if grid else fibres

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """Yields one part for each run of fields of one kind."""
        runs = [list(run) for _, run in groupby(self.type.representations, key=lambda rep: rep.name)]
        names = [f"{len(run)}x {run[0].name}" if len(run) > 1 else run[0].name for run in runs]
        sizes = [sum(rep.size for rep in run) for run in runs]
        for label, block in zip(labels_of(zip(names, sizes, strict=True)), values.split(sizes, dim=1), strict=True):
            yield Part(label, block)


@dataclass(frozen=True)
class Coordinates(Representation):
    """Points of a base space of 2 or 3 dimensions. The first rows of the matrix and of the translation act on them."""

    nodes: NodeAxis = field(default=0, kw_only=True)
    batch: BatchAxis = field(default=None, kw_only=True)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """Returns x R^T + t in the dimensions of the points."""
        size = values.shape[-1]
        if size == 2 and any(element.vector[2:]):
            raise ForeignElementError("element", element, "a translation within the plane")
        matrix = torch.tensor(_matrix(element, size), dtype=torch.float64, device=values.device)
        return values @ matrix.T + torch.tensor(element.vector[:size], dtype=torch.float64, device=values.device)


class GeometricTensorAdapter:
    """Walks and transforms geometric tensors; no representation needs to be declared."""

    takes = "nothing, or Fields of its own type"

    def fits(self, spec: object) -> bool:
        """True for `Fields` and `Invariant`."""
        return isinstance(spec, (Fields, Invariant))

    def walk(
        self, value: enn.GeometricTensor, spec: Any, path: str, visit: Callable[..., torch.Tensor]
    ) -> enn.GeometricTensor:
        """Visits the tensor and the coordinates, if there are any."""
        if isinstance(spec, Fields) and spec.type != value.type:
            raise ContractError(path, str(value.type), f"fields of {spec.type}")
        free, points = spec is UNSPECIFIED, value.coords is not None
        law = Fields(value.type, points, nodes=0 if points else None, batch=None if points else 0)
        bare = Invariant(nodes=None, batch=None)
        tensor = visit(value.tensor, bare if free else law, f"{path}.tensor")
        coords = visit(value.coords, bare if free else Coordinates(), f"{path}.coords") if points else None
        return enn.GeometricTensor(tensor, value.type, coords)

    def transform(self, value: enn.GeometricTensor, spec: Any, element: Transform) -> enn.GeometricTensor:
        """Applies the element to the tensor and to the coordinates."""
        return self.walk(value, spec, "tensor", lambda t, r, _: r.transform(t, element))

    def sizes(self, value: enn.GeometricTensor) -> tuple[Counts, None]:
        """Returns the nodes of each sample: all points in one sample, or one row in each."""
        rows = len(value.tensor)
        return (rows,) if value.coords is not None else (1,) * rows, None

    def assume(self, value: enn.GeometricTensor, path: tuple[str | int, ...]) -> Iterator[Assumption]:
        """Yields no assumption: the field type states the representation."""
        yield from ()

    def group(self, value: enn.GeometricTensor) -> list[Group]:
        """Returns the groups of the space; on a grid of three dimensions only elements that map the grid to itself."""
        space = value.type.gspace
        if space.dimensionality < 3 or value.coords is not None or not space.fibergroup.continuous:
            return group_of(space)
        turns = Elements(cube_rotations()[1:], "rotation")
        return [turns, Inversions()] if space.fibergroup.name == "O(3)" else [turns]


ADAPTER = GeometricTensorAdapter()


def acting_element(gspace: GSpace, element: Transform) -> GroupElement:
    """Returns the element of the space's group that moves the space as `element` does.

    Args:
        gspace: The space.
        element: The element of the harness.

    Raises:
        ForeignElementError: If the group does not contain it.
    """
    group = gspace.fibergroup
    action = _action(gspace)
    wanted = _matrix(element, action.size)
    for candidate in group.elements if not group.continuous else _candidates(group, wanted):
        if np.allclose(action(candidate), wanted, atol=_CLOSE):
            return candidate
    expected = f"an element of {group}, see equivariance.adapters.escnn.group_of"
    raise ForeignElementError("element", element, expected)


def group_of(gspace: GSpace, angles: int = 4) -> list[Group]:
    """Returns the groups with which to test fields on a space: `eq.diagnose(module, x, group=group_of(gspace))`.

    In three dimensions, SO(3) and O(3) give groups that are sampled. Finite groups give all their elements.

    Args:
        gspace: The space.
        angles: Number of rotations of SO(2) and O(2), and of reflections of O(2). The default gives quarter turns,
            which map a grid to itself.
    """
    group, action = gspace.fibergroup, _action(gspace)
    if group.continuous and action.size == 3:
        return [Rotations(), Inversions()] if group.name == "O(3)" else [Rotations()]
    listed = list(group.grid(type="regular", N=angles)) if group.continuous else list(group.elements)
    matrices = [_embed_in_space(np.asarray(action(g), dtype=np.float64)) for g in listed]
    elements = [Transform(tuple(map(tuple, m.tolist()))) for m in matrices if not np.allclose(m, np.eye(3))]
    proper = tuple(e for e in elements if e.determinant > 0)
    improper = tuple(e for e in elements if e.determinant < 0)
    return [Elements(found, s) for found, s in ((proper, "rotation"), (improper, "inversion")) if found]


def _action(gspace: GSpace) -> Any:
    """Returns the representation by which the group moves the base space; without one, its standard representation."""
    if gspace.dimensionality > 0:
        return gspace.basespace_action
    standard = getattr(gspace.fibergroup, "standard_representation", None)
    if standard is None:
        raise ArgumentError("gspace", gspace, "a group that moves a space, or one that has a standard representation")
    return standard() if callable(getattr(standard, "__func__", None)) else standard


def _matrix(element: Transform, size: int) -> np.ndarray:
    """Returns the leading [size, size] block of the matrix."""
    matrix = element.array
    if size == 2 and not np.allclose(np.abs(matrix[2]), (0, 0, 1), atol=_CLOSE):
        raise ForeignElementError("element", element, "one that moves the x-y plane within itself")
    return matrix[:size, :size]


def _candidates(group: FibreGroup, matrix: np.ndarray) -> list[GroupElement]:
    """Returns elements of a continuous group that a matrix may represent."""
    sign = 1 if np.linalg.det(matrix) > 0 else -1
    if len(matrix) == 3:
        return [group.element(matrix, "MAT")] if group.name == "SO(3)" else [
            group.element((int(sign < 0), matrix * sign), "MAT")
        ]  # fmt: skip
    angle = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    return [group.element(angle, "radians")] if group.name == "SO(2)" else [
        group.element((flip, a), "radians") for flip in (0, 1) for a in (angle, -angle)
    ]  # fmt: skip


def _embed_in_space(matrix: np.ndarray) -> np.ndarray:
    """Embeds a matrix of the plane in space; entries close to whole numbers become exact, the determinant is kept."""
    result = np.eye(3)
    result[: len(matrix), : len(matrix)] = matrix
    left, _, right = np.linalg.svd(result)
    result = left @ right
    rounded = np.rint(result)
    return rounded if np.allclose(result, rounded, atol=_CLOSE) else result


def _transform_grid(values: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    """Returns f'(x) = f(g^-1 x) on a grid whose last axes are (-z,) -y, x.

    Raises:
        ForeignElementError: If the matrix is no signed permutation, because the grid would be interpolated.
    """
    size = len(matrix)
    whole = np.rint(matrix).astype(int)
    if not np.allclose(matrix, whole, atol=_CLOSE):
        expected = "rotations by quarter turns: others interpolate, and that breaks equivariance by itself"
        raise ForeignElementError("element", matrix.tolist(), expected)
    signs = np.array([1, -1, -1][:size])
    on_axes = (signs[:, None] * whole * signs)[::-1, ::-1]  # in the order of the axes
    source = np.abs(on_axes).argmax(axis=1)  # new axis i runs along old axis source[i]
    moved = values.permute(0, 1, *(2 + int(axis) for axis in source))
    flipped = [2 + i for i in range(size) if on_axes[i, source[i]] < 0]
    return torch.flip(moved, flipped)


def contract_of(module: torch.nn.Module, parameters: tuple[str, ...]) -> tuple[Mapping[str, object], object] | None:
    """Returns (inputs by parameter name, output) that the module states, or None if it states nothing."""
    stated = vars(module)
    if "in_type" not in stated or "out_type" not in stated:
        return None
    given, output = module.in_type, module.out_type
    specs = [Fields(t) for t in given] if isinstance(given, tuple) else [Fields(given)]
    if len(parameters) < len(specs):
        return None
    edges = {p: NODE_NUMBERS for p in parameters if names_node_numbers(p)}
    return {**edges, **dict(zip(parameters, specs, strict=False))}, Fields(output)
