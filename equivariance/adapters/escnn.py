"""escnn's `GeometricTensor`: it says itself how it transforms, by the group that its field type belongs to.

An element of the harness, an orthogonal matrix, becomes the element of that group which moves the base space alike:
of SO(3), O(3) and their finite subgroups; of SO(2), O(2) and theirs, which move the x-y plane, if the matrix does so
too. Without a base space, the group's standard representation stands for it. What the group has not is refused.
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

from equivariance.contracts.assumptions import Assumption
from equivariance.contracts.declared import NODE_NUMBERS
from equivariance.contracts.field_names import numbers_nodes
from equivariance.contracts.nested import UNSPECIFIED
from equivariance.errors import ArgumentError, ContractError, ForeignElementError
from equivariance.groups.elements import Transform, cube_rotations
from equivariance.groups.sampling import Elements, Group, Inversions, Rotations
from equivariance.representations.axes import BatchAxis, NodeAxis
from equivariance.representations.base import Part, Representation, labels_of
from equivariance.representations.standard import Invariant

TYPES = (enn.GeometricTensor,)

_CLOSE = 1e-6
"""escnn parametrizes its elements in double precision, its finite groups by rounded angles."""


@dataclass(frozen=True)
class Fields(Representation):
    """Feature fields of an escnn type: channels on axis 1, then the axes of a grid, where there is one.

    Attributes:
        type: An `escnn.nn.FieldType`
        points: Whether the rows lie at points of the base space (`GeometricTensor.coords`), on no grid
    """

    type: Any
    points: bool = False
    nodes: NodeAxis = field(default=None, kw_only=True)
    batch: BatchAxis = field(default=0, kw_only=True)

    def check(self, tensor: torch.Tensor, path: str) -> None:
        """As many channels as the type has."""
        super().check(tensor, path)
        if tensor.dim() < 2 or tensor.shape[1] != self.type.size or not tensor.is_floating_point():
            expected = f"floating-point numbers, channels on axis 1, {self.type.size} of them"
            raise ContractError(path, f"{tensor.dtype} tensor of shape {tuple(tensor.shape)}", expected)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """The group acts on the channels and, exactly, on the grid.

        Raises:
            ForeignElementError: An element that the group has not, or one that does not map the grid to itself
        """
        grid = not self.points and self.type.gspace.dimensionality > 0
        if grid and any(element.vector):
            raise ForeignElementError("element", element, "no translation: a grid is not moved by parts of its step")
        acting = acting_element(self.type.gspace, element)
        rho = torch.tensor(self.type.representation(acting), dtype=torch.float64, device=values.device)
        fibres = torch.einsum("oi,bi...->bo...", rho, values)
        return _grid_moved(fibres, self.type.gspace.basespace_action(acting)) if grid else fibres

    def parts(self, values: torch.Tensor) -> Iterator[Part]:
        """One part per run of fields of one kind."""
        runs = [list(run) for _, run in groupby(self.type.representations, key=lambda rep: rep.name)]
        names = [f"{len(run)}x {run[0].name}" if len(run) > 1 else run[0].name for run in runs]
        sizes = [sum(rep.size for rep in run) for run in runs]
        for label, block in zip(labels_of(zip(names, sizes, strict=True)), values.split(sizes, dim=1), strict=True):
            yield Part(label, block)


@dataclass(frozen=True)
class Coordinates(Representation):
    """Points of a base space of 2 or 3 dimensions: moved by the first rows of the matrix and the vector."""

    nodes: NodeAxis = field(default=0, kw_only=True)
    batch: BatchAxis = field(default=None, kw_only=True)

    def act(self, values: torch.Tensor, element: Transform) -> torch.Tensor:
        """x R^T + t in as many dimensions as the points have."""
        size = values.shape[-1]
        if size == 2 and any(element.vector[2:]):
            raise ForeignElementError("element", element, "a translation within the plane")
        matrix = torch.tensor(_matrix(element, size), dtype=torch.float64, device=values.device)
        return values @ matrix.T + torch.tensor(element.vector[:size], dtype=torch.float64, device=values.device)


class GeometricTensorAdapter:
    """Looks into geometric tensors; nothing needs to be declared for them."""

    takes = "nothing, or Fields of its own type"

    def fits(self, spec: object) -> bool:
        """Its own type, or nothing."""
        return isinstance(spec, (Fields, Invariant))

    def walk(
        self, value: enn.GeometricTensor, spec: Any, path: str, visit: Callable[..., torch.Tensor]
    ) -> enn.GeometricTensor:
        """Visit the tensor and, where there are any, the coordinates."""
        if isinstance(spec, Fields) and spec.type != value.type:
            raise ContractError(path, str(value.type), f"fields of {spec.type}")
        free, points = spec is UNSPECIFIED, value.coords is not None
        law = Fields(value.type, points, nodes=0 if points else None, batch=None if points else 0)
        bare = Invariant(nodes=None, batch=None)
        tensor = visit(value.tensor, bare if free else law, f"{path}.tensor")
        coords = visit(value.coords, bare if free else Coordinates(), f"{path}.coords") if points else None
        return enn.GeometricTensor(tensor, value.type, coords)

    def transform(self, value: enn.GeometricTensor, spec: Any, element: Transform) -> enn.GeometricTensor:
        """The element applied to the tensor and to the coordinates."""
        return self.walk(value, spec, "tensor", lambda t, r, _: r.transform(t, element))

    def sizes(self, value: enn.GeometricTensor) -> tuple[int, int]:
        """Points and one sample, or as many samples as the first axis is long."""
        return len(value.tensor), 1 if value.coords is not None else len(value.tensor)

    def assume(self, value: enn.GeometricTensor, path: tuple[str | int, ...]) -> Iterator[Assumption]:
        """Nothing: its type says everything."""
        yield from ()

    def group(self, value: enn.GeometricTensor) -> list[Group]:
        """The fibre group of its space; on a grid in space only what maps the grid to itself."""
        space = value.type.gspace
        if space.dimensionality < 3 or value.coords is not None or not space.fibergroup.continuous:
            return group_of(space)
        turns = Elements(cube_rotations()[1:], "rotation")
        return [turns, Inversions()] if space.fibergroup.name == "O(3)" else [turns]


ADAPTER = GeometricTensorAdapter()


def acting_element(gspace: GSpace, element: Transform) -> GroupElement:
    """The element of the space's group that moves the space as `element` does.

    Raises:
        ForeignElementError: The group has none
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
    """The groups to test fields on a space with: `eq.diagnose(module, x, group=group_of(gspace))`.

    SO(3) and O(3) without a base space, or on points, are drawn from; of finite groups every element is tested, and of
    SO(2) and O(2) `angles` rotations (quarter turns by default, which map a grid to itself) and as many reflections.
    """
    group, action = gspace.fibergroup, _action(gspace)
    if group.continuous and action.size == 3:
        return [Rotations(), Inversions()] if group.name == "O(3)" else [Rotations()]
    listed = list(group.grid(type="regular", N=angles)) if group.continuous else list(group.elements)
    matrices = [_embedded(np.asarray(action(g), dtype=np.float64)) for g in listed]
    elements = [Transform(tuple(map(tuple, m.tolist()))) for m in matrices if not np.allclose(m, np.eye(3))]
    proper = tuple(e for e in elements if e.determinant > 0)
    improper = tuple(e for e in elements if e.determinant < 0)
    return [Elements(found, s) for found, s in ((proper, "rotation"), (improper, "inversion")) if found]


def _action(gspace: GSpace) -> Any:
    """How the group moves the base space; without one, its standard representation."""
    if gspace.dimensionality > 0:
        return gspace.basespace_action
    standard = getattr(gspace.fibergroup, "standard_representation", None)
    if standard is None:
        raise ArgumentError("gspace", gspace, "a group that moves a space, or one that has a standard representation")
    return standard() if callable(getattr(standard, "__func__", None)) else standard


def _matrix(element: Transform, size: int) -> np.ndarray:
    matrix = element.array
    if size == 2 and not np.allclose(np.abs(matrix[2]), (0, 0, 1), atol=_CLOSE):
        raise ForeignElementError("element", element, "one that moves the x-y plane within itself")
    return matrix[:size, :size]


def _candidates(group: FibreGroup, matrix: np.ndarray) -> list[GroupElement]:
    """Elements of a continuous group that a matrix may stand for."""
    sign = 1 if np.linalg.det(matrix) > 0 else -1
    if len(matrix) == 3:
        return [group.element(matrix, "MAT")] if group.name == "SO(3)" else [
            group.element((int(sign < 0), matrix * sign), "MAT")
        ]  # fmt: skip
    angle = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
    return [group.element(angle, "radians")] if group.name == "SO(2)" else [
        group.element((flip, a), "radians") for flip in (0, 1) for a in (angle, -angle)
    ]  # fmt: skip


def _embedded(matrix: np.ndarray) -> np.ndarray:
    """A matrix of the plane in space, with entries that are whole numbers exact; determinants stay."""
    result = np.eye(3)
    result[: len(matrix), : len(matrix)] = matrix
    left, _, right = np.linalg.svd(result)
    result = left @ right
    rounded = np.rint(result)
    return rounded if np.allclose(result, rounded, atol=_CLOSE) else result


def _grid_moved(values: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    """f'(x) = f(g^-1 x) on a grid whose last axis is x, the one before -y, the one before that -z.

    Raises:
        ForeignElementError: A matrix that is no signed permutation: a grid would have to be interpolated
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
    edges = {p: NODE_NUMBERS for p in parameters if numbers_nodes(p)}
    return {**edges, **dict(zip(parameters, specs, strict=False))}, Fields(output)
