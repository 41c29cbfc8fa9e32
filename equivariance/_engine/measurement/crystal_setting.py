"""Finds the lattice of a periodic structure among the inputs: cells, periodic axes, edges and their shifts.

`input_sizes` and `prepare` call it. Lattice vectors are declared (`LatticeVectors`), or an argument has such a name and
turns as three vectors. The module draws no elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from equivariance._engine.measurement.image_edges import RecognizedEdges, edges_of
from equivariance.contracts import field_names
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import GraphFields, children, leaves, sample_lists
from equivariance.groups.crystal import Crystal
from equivariance.representations.axes import position
from equivariance.representations.base import Representation
from equivariance.representations.crystals.lattice_vectors import LatticeVectors
from equivariance.representations.irreps import Irreps
from equivariance.representations.sizes import SampleStarts
from equivariance.representations.standard import CartesianPoints, NodeIndices

Leaf = tuple[str, torch.Tensor, Representation]


@dataclass(frozen=True)
class CrystalSetting:
    """The lattice of the inputs.

    Attributes:
        crystal: The lattice.
        laws: Path of a tensor -> its representation, for lattice vectors and shifts of edges.
    """

    crystal: Crystal
    laws: Mapping[str, Representation]


def crystal_setting(arguments: Mapping[str, Any], contract: Contract) -> CrystalSetting | None:
    """Returns the lattice of the arguments, or None if there are no lattice vectors beside positions.

    Args:
        arguments: The values by parameter name.
        contract: Their representations.
    """
    found = [leaf for name, value in arguments.items() for leaf in leaves(value, contract.inputs.get(name), name)]
    cell = next((leaf for leaf in found if isinstance(leaf[2], LatticeVectors)), None)
    declared, cell = cell is not None, cell or next(filter(_is_cell, found), None)
    points = next(filter(_are_placed, found), None)
    if cell is None or points is None:
        return None
    nodes, alone = _rows_of(points), points[2].sample_axis(points[1]) is None
    stated = _periodic_axes(found, arguments)
    cells = cell[1].detach().cpu().double().reshape(-1, 3, 3).numpy()
    periodic = np.ones((1, 3), dtype=bool) if stated is None else stated
    obstacle = _obstacle(arguments, contract, len(cells), len(periodic), len(nodes))
    cells, periodic = (np.resize(a, (len(nodes), *a.shape[1:])) for a in (cells, periodic))
    periodic &= (cells != 0).any(axis=-1)
    edges = edges_of(found, _positions(points), Crystal(cells, periodic, nodes, _real_rows(points, nodes)), alone)
    place = f"{cell[0]} {list(cell[1].shape)}"
    laws = {cell[0]: LatticeVectors(batch=cell[2].batch), **edges.laws}
    crystal = Crystal(
        cells, periodic, nodes, _real_rows(points, nodes), edges.edges,
        claimed=(declared or stated is not None) and bool(periodic.any()),
        doubts=() if declared or stated is not None else (f"{place} is periodic along all axes",),
        obstacle=obstacle or edges.obstacle or ("" if periodic.any() else "no lattice vector is periodic"),
    )  # fmt: skip
    return CrystalSetting(replace(crystal, fixed=_why_fixed(arguments, found, crystal, edges, laws)), laws)


def with_lattice_laws(contract: Contract, arguments: Mapping[str, Any]) -> Contract:
    """Returns the contract with the laws of lattice vectors and of shifts of edges in place of plain vectors."""
    found = crystal_setting(arguments, contract)
    if found is None:
        return contract
    inputs = {k: with_laws(arguments[k], s, k, found.laws) if k in arguments else s for k, s in contract.inputs.items()}
    return replace(contract, inputs=inputs)


def with_laws(value: Any, spec: Any, path: str, laws: Mapping[str, Representation]) -> Any:
    """Returns a specification with other representations at some paths.

    Args:
        value: The value that the specification describes.
        spec: The specification.
        path: The path of the value. Paths are spelled as in `contracts.nested`.
        laws: Path -> representation.
    """
    if isinstance(value, torch.Tensor):
        return laws.get(path, spec)
    if isinstance(spec, GraphFields):
        found = {k: laws.get(f"{path}.edata[{k!r}]", own) for k, own in spec.edata.items()}
        return replace(spec, edata=found)
    if isinstance(spec, Mapping) and is_dataclass(value):
        names = {entry.name for entry in fields(value)}
        return {k: with_laws(getattr(value, k), s, f"{path}.{k}", laws) if k in names else s for k, s in spec.items()}
    if isinstance(spec, Mapping):
        return {
            k: with_laws(value[k], s, f"{path}[{k!r}]", laws) if isinstance(value, Mapping) and k in value
            else laws.get(f"{path}[{k!r}]", s)
            for k, s in spec.items()
        }  # fmt: skip
    if isinstance(spec, list):
        return [with_laws(v, s, f"{path}[{i}]", laws) for i, (v, s) in enumerate(zip(value, spec, strict=True))]
    return spec


def word_of(path: str) -> str:
    """Returns the last name in a path, in the spelling of `field_names`; numbers are no names."""
    return field_names.plain(next((w for w in reversed(re.findall(r"\w+", path)) if not w.isdigit()), ""))


def _is_cell(leaf: Leaf) -> bool:
    """True if a tensor has the name of lattice vectors, and turns as three vectors."""
    path, tensor, law = leaf
    vectors = isinstance(law, Irreps) and law.irreps == "1x1o" and tensor.shape[-2:] == (3, 3)
    inverse = {"inv", "inverse", "reciprocal", "recip"} & set(word_of(path).split("_"))
    return vectors and field_names.names_cells(word_of(path)) and not inverse


def _are_placed(leaf: Leaf) -> bool:
    return isinstance(leaf[2], CartesianPoints) and position(leaf[2].nodes, leaf[1]) is not None


def _rows_of(points: Leaf) -> tuple[int, ...]:
    """Returns the number of rows of each sample."""
    _, tensor, law = points
    nodes, samples = position(law.nodes, tensor) or 0, law.sample_axis(tensor)
    if samples is not None:
        return (tensor.shape[nodes],) * tensor.shape[samples]
    layout = law.concatenated
    return (tensor.shape[nodes],) if layout is None or layout.sizes is None else layout.sizes


def _real_rows(points: Leaf, nodes: tuple[int, ...]) -> np.ndarray:
    """Returns which rows of all samples are no padding."""
    mask = points[2].mask
    rows = np.ones(sum(nodes), dtype=bool)
    if mask is not None:
        rows = np.resize(np.concatenate([np.array(row, dtype=bool) for row in mask.rows]), sum(nodes))
    return rows


def _positions(points: Leaf) -> np.ndarray:
    """Returns the positions of all samples, [rows, 3] float64."""
    assert isinstance(points[2], CartesianPoints)
    rows: np.ndarray = points[2].rows(points[1].detach().cpu().double()).numpy()
    return rows


def _periodic_axes(found: Sequence[Leaf], arguments: Mapping[str, Any]) -> np.ndarray | None:
    """Returns which lattice vectors are periodic, [samples or 1, 3] booleans, from a value of such a name."""
    tensors = (t.detach().cpu().numpy() for path, t, _ in found if word_of(path) in field_names.PERIODIC)
    for flags in (*tensors, *_python_flags(arguments, "")):
        if flags.size == 1:
            return np.full((1, 3), bool(flags))
        if flags.size and flags.size % 3 == 0:
            return flags.astype(bool).reshape(-1, 3)
    return None


def _python_flags(value: Any, name: str) -> Iterator[np.ndarray]:
    """Yields booleans of Python whose name says that they are about periodicity."""
    if isinstance(value, torch.Tensor):
        return
    entries = list(children(value))
    if field_names.plain(name) in field_names.PERIODIC and all(isinstance(v, (bool, np.bool_)) for _, v in entries):
        yield from () if value is None else (np.array(value, dtype=bool),)
        return
    for key, entry in entries:
        yield from _python_flags(entry, str(key))


def _obstacle(arguments: Mapping[str, Any], contract: Contract, cells: int, flags: int, samples: int) -> str:
    """Returns why nodes cannot be moved by the lattice vectors of their sample, or ""."""
    if any(any(sample_lists(value, contract.inputs.get(name))) for name, value in arguments.items()):
        return "positions are a list of samples, whose cells are not followed"
    if cells not in (1, samples):
        return f"the inputs have {cells} cells and {samples} samples"
    return "" if flags in (1, samples) else f"the inputs say for {flags} samples which axes are periodic, not {samples}"


def _why_fixed(
    arguments: Mapping[str, Any], found: Sequence[Leaf], crystal: Crystal, edges: RecognizedEdges,
    laws: Mapping[str, Representation],
) -> str:  # fmt: skip
    """Returns why cells cannot be doubled: an input of which it is not known what a doubled cell makes of it; or ""."""
    if not crystal.real.all():
        return "the inputs have padded rows"
    if not crystal.axes:
        return "no lattice vector is periodic in all samples"
    counts = {sum(crystal.nodes), *crystal.nodes, *([] if edges.edges is None else [len(edges.edges.source)])}
    for name, value in _numbers(arguments):
        if value in counts:
            return f"{name}={value} may be a number of nodes or edges"
    unknown = (f"{path} {list(t.shape)}" for path, t, law in found if not _is_known(path, t, law, crystal, edges, laws))
    first = next(unknown, None)
    return edges.fixed or (
        ""
        if first is None
        else f"it is not known what a doubled cell makes of {first}; declare it, for example as "
        "eq.Invariant(nodes=None, extensive=True)"
    )


def _is_known(
    path: str, tensor: torch.Tensor, law: Representation, crystal: Crystal, edges: RecognizedEdges,
    laws: Mapping[str, Representation],
) -> bool:  # fmt: skip
    """True if it is known what a doubled cell makes of an input."""
    if path in laws or law.extensive is not None or word_of(path) in field_names.PERIODIC:
        return True
    if isinstance(law, NodeIndices):
        return path in edges.ends or not law.permuted
    axis = position(law.nodes, tensor)
    size = crystal.nodes[0] if law.sample_axis(tensor) is not None else sum(crystal.nodes)
    if axis is not None and tensor.shape[axis] == size:
        return size not in tensor.shape[axis + 1 : tensor.dim() - law.component_axes]
    return law.edges is not None or isinstance(law, SampleStarts)


def _numbers(value: Any, path: str = "") -> list[tuple[str, int]]:
    """Returns the whole numbers of Python in nested containers, with their names."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [(path, value)]
    return [] if isinstance(value, torch.Tensor) else [n for k, v in children(value) for n in _numbers(v, str(k))]
