"""An independent check, without the harness: f(g x) against g f(x), in the dtype of the inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from e3nn import o3
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.defects.case import Example
from equivariance import CartesianPoints, NodeIndices

SYMMETRIES = {
    "se3": ("translation", "rotation"),
    "e3": ("translation", "rotation", "inversion"),
    "permutation": ("permutation",),
    "batch": ("batch",),
    "o3": ("rotation", "inversion"),
}


@dataclass(frozen=True)
class Move:
    """x -> x R^T + t, then another order of the nodes, then some of the samples."""

    matrix: Tensor
    shift: Tensor
    order: Tensor | None = None
    chosen: Tensor | None = None


def moves(symmetry: str, seed: int, nodes: int) -> list[Move]:
    """Three elements of one symmetry."""
    generator = torch.Generator().manual_seed(seed)
    one, none = torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    if symmetry == "translation":
        return [Move(one, 3 * torch.randn(3, generator=generator, dtype=torch.float64)) for _ in range(3)]
    if symmetry == "rotation":
        return [Move(torch.from_numpy(r), none) for r in Rotation.random(3, rng=seed).as_matrix()]
    if symmetry == "inversion":
        return [Move(-one, none)]
    if symmetry == "permutation":
        return [Move(one, none, order=torch.randperm(nodes, generator=generator)) for _ in range(3)]
    return [Move(one, none, chosen=torch.tensor(c)) for c in ([0], [1, 0])]


def act(value: Any, spec: Any, move: Move) -> Any:
    """The element applied to tensors, dicts and lists; indices are renumbered."""
    if isinstance(spec, dict):
        return {k: act(value[k], s, move) for k, s in spec.items()}
    if isinstance(spec, (list, tuple)):
        return type(value)(act(v, s, move) for v, s in zip(value, spec, strict=True))
    value = _rotated(value, spec, move)
    nodes, batch = (getattr(spec, name, None) for name in ("nodes", "batch"))
    if spec is None or isinstance(spec, (str, o3.Irreps)):
        nodes, batch = 0, None
    if move.order is not None and isinstance(nodes, int) and value.dim() > nodes:
        value = value.index_select(nodes, move.order)
    if move.order is not None and isinstance(spec, NodeIndices):
        value = move.order.argsort()[value]
    if move.chosen is not None and isinstance(batch, int):
        value = value.index_select(batch, move.chosen)
    return value


def _rotated(value: Tensor, spec: Any, move: Move) -> Tensor:
    if spec == "cartesian_points" or isinstance(spec, CartesianPoints):
        return value @ move.matrix.to(value).T + move.shift.to(value)
    irreps = getattr(spec, "irreps", spec)
    if isinstance(irreps, (str, o3.Irreps)):
        return value @ _matrix(str(irreps), move.matrix).to(value).T
    return value


def _matrix(irreps: str, matrix: Tensor) -> Tensor:
    """e3nn works out Wigner matrices in the default dtype."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return o3.Irreps(irreps).D_from_matrix(matrix)
    finally:
        torch.set_default_dtype(default)


def flat(value: Any) -> list[Tensor]:
    """All tensors of nested containers."""
    if isinstance(value, dict):
        return [t for v in value.values() for t in flat(v)]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in flat(v)]
    return [value]


def error(function: Callable[..., Any], example: Example, symmetry: str, seed: int = 0) -> float:
    """The largest relative difference between f(g x) and g f(x), over three elements and the leaves of the output."""
    largest = 0.0
    for move in moves(symmetry, seed, nodes_of(example)):
        moved = [act(a, s, move) for a, s in zip(example.args, example.irreps_in, strict=True)]
        got, want = flat(function(*moved)), flat(act(function(*example.args), example.irreps_out, move))
        for left, right in zip(got, want, strict=True):
            largest = max(largest, float((left - right).detach().norm() / right.detach().norm()))
    return largest


def nodes_of(example: Example) -> int:
    """The length of the axis that lists the nodes, of the first input that has one."""
    first, spec = flat(list(example.args))[0], example.irreps_in[0]
    declared = getattr(spec, "nodes", 0)
    return first.shape[declared if isinstance(declared, int) else 0]
