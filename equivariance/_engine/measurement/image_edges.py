"""Recognizes the edges of a periodic structure, and the tensors that shift the end of an edge to another cell.

`crystal_setting` calls it. Shifts are whole numbers of lattice vectors, or vectors in space that are integer
combinations of them. Their sign is read off the lengths of the edges: with the right one, edges are short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from equivariance.contracts import field_names
from equivariance.contracts.graph_fields import edges_among
from equivariance.groups.crystal import Crystal, ImageEdges
from equivariance.representations.axes import BatchAxis
from equivariance.representations.base import Representation
from equivariance.representations.crystals.lattice_vectors import EdgeShifts
from equivariance.representations.standard import NodeIndices

Leaf = tuple[str, torch.Tensor, Representation]

_CLOSE = 1e-3
"""Largest distance of a number of lattice vectors from a whole number, for shifts in float32."""

_SHORTER = 0.99
"""Largest ratio of the total lengths of the edges with both signs that tells the signs apart."""


@dataclass(frozen=True)
class RecognizedEdges:
    """The edges among the inputs.

    Attributes:
        edges: The edges; None if no input lists edges, or if their numbers do not count through all samples.
        ends: Paths of the tensors that hold the ends of the edges.
        laws: Path of a tensor of shifts -> its representation.
        obstacle: Why the shifts of edges cannot follow moves of nodes, or "".
        fixed: Why the edges of doubled cells are not known, or "".
    """

    edges: ImageEdges | None = None
    ends: frozenset[str] = frozenset()
    laws: Mapping[str, Representation] = field(default_factory=dict)
    obstacle: str = ""
    fixed: str = ""


def edges_of(found: Sequence[Leaf], positions: np.ndarray, crystal: Crystal, through: bool) -> RecognizedEdges:
    """Returns the edges among the inputs.

    Args:
        found: Path, tensor and representation of every input.
        positions: [sum of nodes, 3] float64.
        crystal: The lattice, without edges.
        through: True if nodes are numbered through all samples; False if samples have an axis of their own.
    """
    ends = _ends(found)
    if ends is None:
        named = next((path for path, tensor, _ in found if _is_named(path) and tensor.shape[-1:] == (3,)), None)
        return RecognizedEdges(obstacle=f"the edges that {named} shifts are not among the inputs" if named else "")
    source, target = (row.cpu().numpy().astype(np.int64) for row in ends)
    paths = frozenset(path for path, tensor, _ in found if _holds_end(tensor, ends))
    shifted = [leaf for leaf in found if _may_shift(leaf, len(source))]
    if not through or (len(source) and max(source.max(), target.max()) >= sum(crystal.nodes)):
        why = "edges do not count nodes through all samples"
        return RecognizedEdges(None, paths, obstacle=why if shifted else "", fixed=why)
    bare = ImageEdges(source, target, np.zeros((len(source), 3), dtype=np.int64))
    kinds = {path: _shifts_in(tensor, bare, positions, crystal) for path, tensor, _ in shifted}
    unclear = next((path for path, whole in kinds.items() if whole is None and _is_named(path)), None)
    if unclear is not None:
        why = f"the rows of {unclear} are no whole numbers of lattice vectors"
        return RecognizedEdges(None, paths, obstacle=why, fixed=why)
    known = {path: whole for path, whole in kinds.items() if whole is not None and (_is_named(path) or whole[0].any())}
    return _with_shifts(known, bare, positions, crystal, paths, {path: law.batch for path, _, law in shifted})


def _with_shifts(
    known: Mapping[str, tuple[np.ndarray, str]], bare: ImageEdges, positions: np.ndarray, crystal: Crystal,
    ends: frozenset[str], batches: Mapping[str, BatchAxis],
) -> RecognizedEdges:  # fmt: skip
    """Returns the edges with the shifts of some tensors, or with those to the nearest image if there are none."""
    if not known:
        nearest = _nearest(bare, positions, crystal)
        return RecognizedEdges(ImageEdges(bare.source, bare.target, nearest), ends)
    (first, (shifts, _)), *others = known.items()
    names = ", ".join(known)
    if any(not np.array_equal(shifts, other) for _, (other, _) in others):
        why = f"{names} disagree about the cells that edges lead to"
        return RecognizedEdges(None, ends, obstacle=why, fixed=why)
    sign = _sign(bare, shifts, positions, crystal)
    if sign is None:
        why = f"the numbers in {first} do not tell from which end of an edge they count (all zero, for example)"
        return RecognizedEdges(None, ends, obstacle=why, fixed=why)
    laws = {path: EdgeShifts(irreps, batch=batches[path]) for path, (_, irreps) in known.items()}
    return RecognizedEdges(ImageEdges(bare.source, bare.target, shifts, sign), ends, laws)


def _ends(found: Sequence[Leaf]) -> torch.Tensor | None:
    """Returns the node numbers at both ends of each edge, [2, edges]: declared, else by their names."""
    for _, tensor, law in found:
        if isinstance(law, NodeIndices) and law.edges is not None and tensor.dim() == 2 and len(tensor) == 2:
            return tensor
    return edges_among(dict(_words(found)))


def _words(found: Sequence[Leaf]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields each tensor under the last name in its path; the two ends of a graph of DGL are called src and dst."""
    for path, tensor, _ in found:
        graph = re.fullmatch(r".*\.edges\[([01])\]", path)
        yield ("src", "dst")[int(graph[1])] if graph else _word(path), tensor


def _word(path: str) -> str:
    return field_names.plain(next((w for w in reversed(re.findall(r"\w+", path)) if not w.isdigit()), ""))


def _holds_end(tensor: torch.Tensor, ends: torch.Tensor) -> bool:
    """True if a tensor is one of the two rows of ends, or both."""
    if tensor.is_floating_point() or tensor.shape[-1:] != ends.shape[-1:] or tensor.dim() > 2:
        return False
    rows = tensor.reshape(-1, tensor.shape[-1])
    return all(any(torch.equal(row, end) for end in ends) for row in rows)


def _is_named(path: str) -> bool:
    return _word(path) in field_names.SHIFTS


def _may_shift(leaf: Leaf, edges: int) -> bool:
    """True if a tensor has three numbers for each edge."""
    return tuple(leaf[1].shape) == (edges, 3) and edges > 0 and leaf[1].dtype != torch.bool


def _shifts_in(
    tensor: torch.Tensor, bare: ImageEdges, positions: np.ndarray, crystal: Crystal
) -> tuple[np.ndarray, str] | None:
    """Returns whole numbers of lattice vectors and the irreps of the rows; None if the rows are no shifts.

    Rows of whole numbers may also be vectors in space. The reading that makes the edges shorter is right.
    """
    rows = tensor.detach().cpu().double().numpy()
    cells = crystal.cells[crystal.sample_of[bare.source]]
    inverse = np.linalg.pinv(crystal.cells)[crystal.sample_of[bare.source]]
    numbers = np.einsum("ex,exa->ea", rows, inverse)
    whole = np.rint(numbers)
    off = np.abs(np.einsum("ea,eax->ex", whole, cells) - rows).max() / np.abs(cells).max()
    close = max(np.abs(numbers - whole).max(), off) < _CLOSE
    found = [(rows.astype(np.int64), "3x0e")] if np.array_equal(rows, np.rint(rows)) else []
    found += [(whole.astype(np.int64), "1x1o")] if close and rows.any() else []
    return min(found, key=lambda kind: min(_lengths(bare, kind[0], positions, crystal)), default=None)


def _lengths(bare: ImageEdges, shifts: np.ndarray, positions: np.ndarray, crystal: Crystal) -> tuple[float, float]:
    """Returns the total length of the shifted edges between different nodes, for the signs 1 and -1."""
    moved = shifts.any(axis=1) & (bare.source != bare.target)
    apart = (positions[bare.target] - positions[bare.source])[moved]
    cells = crystal.cells[crystal.sample_of[bare.source[moved]]]
    across = np.einsum("ea,eax->ex", shifts[moved].astype(np.float64), cells)
    plus, minus = (float(np.linalg.norm(apart + sign * across, axis=1).sum()) for sign in (1, -1))
    return plus, minus


def _sign(bare: ImageEdges, shifts: np.ndarray, positions: np.ndarray, crystal: Crystal) -> int | None:
    """Returns the sign with which shifted edges are short; None if both signs make them as long."""
    plus, minus = _lengths(bare, shifts, positions, crystal)
    if plus == minus == 0:
        return 1 if shifts.any() else None
    if min(plus, minus) > _SHORTER * max(plus, minus):
        return None
    return 1 if plus < minus else -1


def _nearest(bare: ImageEdges, positions: np.ndarray, crystal: Crystal) -> np.ndarray:
    """Returns the shifts that lead from the source of each edge to the nearest image of its target."""
    samples = crystal.sample_of[bare.source]
    apart = positions[bare.target] - positions[bare.source]
    numbers = np.einsum("ex,exa->ea", apart, np.linalg.pinv(crystal.cells)[samples])
    return np.where(crystal.periodic[samples], -np.rint(numbers), 0).astype(np.int64)
