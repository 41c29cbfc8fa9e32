"""Lists the laws that an output may obey, by its shape, by the laws that layers state, and by its values.

`outputs` calls it, and chooses among the candidates. This module decides nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from equivariance._engine.inference.irreps_from_values import nearest_irreps
from equivariance._engine.inference.output_runs import Fit, Leaf, elsewhere
from equivariance._engine.measurement.prepare import BoundCall, Prepared
from equivariance.contracts.declared import declared_contract
from equivariance.groups.named import Symmetry
from equivariance.representations.axes import Assumed, BatchAxis, Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.irreps import Irreps
from equivariance.representations.mask import Mask
from equivariance.representations.sizes import Axes
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_NEAR = 0.05
"""Error below which a law counts as the intended one, with a violation."""

_LONGEST = 64
_EXACT = 1e-5
"""Longest axis on which a basis is searched, and the largest relative residual of a linear map that is rounding."""

_MOST_AXES = 3


def plain_laws(example: Tensor) -> list[Representation]:
    """Returns the plain laws: invariant, vectors, positions, pseudovectors."""
    found: list[Representation] = [Invariant()]
    if not example.is_floating_point() or example.shape[-1:] != (3,):
        return found
    return [*found, Irreps("1x1o"), CartesianPoints(), Irreps("1x1e")]


def law_of_like_input(example: Tensor, laws: Iterable[Representation], call: BoundCall) -> Representation | None:
    """Returns the law, among some, of an argument that has the shape of an output and holds positions; else None."""
    alike = any(isinstance(how, CartesianPoints) and given.shape == example.shape for _, given, how in call.inputs)
    return next((law for law in laws if isinstance(law, CartesianPoints)), None) if alike else None


def stated_laws(leaf: Leaf, call: BoundCall) -> list[Representation]:
    """Returns the irreps that inputs or layers state, if they fit the shape."""
    stated = [law for _, _, law in call.inputs]
    declared = map(declared_contract, call.module.modules())
    stated += [c.output for c in declared if c and isinstance(c.output, Representation)]
    irreps = dict.fromkeys(Irreps(law.irreps) for law in stated if isinstance(law, Irreps))
    fitting = (law for law in irreps if leaf.example.shape[-1:] == (law.dim,) and leaf.example.is_floating_point())
    return [law for law in fitting if law not in plain_laws(leaf.example)]


def special_laws(leaf: Leaf) -> Iterator[Representation]:
    """Yields pseudoscalars, irreps that the values show, and vectors and positions on other axes."""
    example = leaf.example
    if not example.is_floating_point():
        return
    yield CartesianTensor((), pseudo=True)
    read = nearest_irreps(leaf)
    if read is not None:
        yield read
    shapes = {tuple(v.shape) for course in leaf.courses for _, _, v in course.under if v is not None}
    threes = [a for a in range(example.dim()) if all(shape[a : a + 1] == (3,) for shape in (example.shape, *shapes))]
    for count in range(1, min(_MOST_AXES, len(threes)) + 1):
        for axes in itertools.combinations(threes, count):
            if axes != (example.dim() - 1,):
                yield from (CartesianTensor(axes, pseudo) for pseudo in (False, True))
                yield from (CartesianPoints(axis) for axis in axes if count == 1)


def laws_with_axes(
    example: Tensor, law: Representation, call: BoundCall, tested: Collection[str]
) -> Iterator[Representation]:
    """Yields the law with each choice of node and sample axes that the lengths allow, the likeliest first."""
    laws = [law]
    if not example.is_floating_point() and example.dtype != torch.bool:
        per_sample = {law.concatenated.sizes: None for _, _, law in call.inputs if law.concatenated}
        laws += [NodeIndices(), *(NodeIndices(per_sample=sizes) for sizes in per_sample if sizes)]
    for tried in laws if tested else ():
        for axes in _axes_of(example, tried, call):
            placed, batch = replace(tried, **axes._asdict()), axes.batch
            if "permutation" not in tested and not call.declares_axes:
                placed = replace(placed, nodes=Assumed.FIRST)
            if "batch" not in tested and not call.declares_axes and not isinstance(batch, Concatenated):
                placed = replace(placed, batch=Assumed.FIRST)
            yield placed


def _axes_of(example: Tensor, law: Representation, call: BoundCall) -> Iterator[Axes]:
    nodes, samples, edges = call.sizes.node_axis or 0, call.sizes.samples or 0, sum(call.sizes.edges or ())
    free, apart = _free_axes(example, law), [call.sizes.segments] if call.sizes.segments else []
    of_edges = [axis for axis in free if edges and example.shape[axis] == edges]
    runs = dict.fromkeys([*(law.concatenated.sizes for _, _, law in call.inputs if law.concatenated), *apart])
    lengths = [(axis, example.shape[axis]) for axis in free]
    of_batch: list[BatchAxis] = [
        *(Concatenated(axis, sizes) for axis, length in lengths for sizes in runs if sizes and sum(sizes) == length),
        *(axis for axis, length in lengths if samples and length == samples),
        *(Concatenated(a) for a, length in lengths if samples and length > samples and length % samples == 0),
    ]
    for node in (*(a for a in free if nodes > 1 and example.shape[a] and example.shape[a] % nodes == 0), None):
        for batch in (*of_batch, None):
            joined = isinstance(batch, Concatenated) and batch.axis == node
            alone = node is not None and example.shape[node] == nodes and batch != node
            if node is None or joined or (alone and not isinstance(batch, Concatenated)):
                mask = _mask_on(example, node, batch, call)
                yield Axes(node, batch, mask=mask)
                yield from (Axes(node, batch, axis) for axis in of_edges if axis != node)
                alike = (a for a in free if node is not None and a > node and example.shape[a] == example.shape[node])
                yield from (Axes(node, batch, mask=mask, pairs=axis) for axis in alike if axis != batch)


def laws_with_mask(example: Tensor, laws: Iterable[Representation], call: BoundCall) -> Iterator[Representation]:
    """Yields the laws with the mask of the inputs, on the first axes, if the lengths allow it."""
    for law in laws:
        for nodes, batch in ((1, 0), (0, None)):
            free = nodes in _free_axes(example, law)
            mask = _mask_on(example, nodes, batch, call) if free else None
            if mask is not None:
                yield replace(law, nodes=nodes, batch=batch, mask=mask)


def _mask_on(example: Tensor, nodes: int | None, batch: BatchAxis, call: BoundCall) -> Mask | None:
    """Returns the mask of the inputs if it lies on the given axes."""
    mask = next((law.mask for _, _, law in call.inputs if law.mask is not None), None)
    if mask is None or nodes is None or not (batch is None or isinstance(batch, int)):
        return None
    return mask if mask.fits(example, nodes, batch) else None


def _free_axes(example: Tensor, law: Representation) -> list[int]:
    """Returns the axes that do not hold components."""
    components: tuple[int, ...] = () if isinstance(law, Invariant) else (-1,)
    components = law.axes if isinstance(law, CartesianTensor) else components
    components = (law.axis,) if isinstance(law, CartesianPoints) else components
    return [a for a in range(example.dim()) if a not in {c % example.dim() for c in components}]


def unknown_under(leaf: Leaf, fits: Mapping[str, Fit], ready: Prepared) -> tuple[tuple[str, ...], str]:
    """Returns the symmetries under which a leaf may be sound although its closest law does not fit, and why."""
    why = _explain_other_basis(leaf, fits, ready)
    return tuple(s for s, fit in fits.items() if why and Symmetry(s).is_motion and not fit.holds), why


def _explain_other_basis(leaf: Leaf, fits: Mapping[str, Fit], ready: Prepared) -> str:
    """Returns the reason if the components turn in another basis; else "".

    A law in another basis gives one linear map of the components for each rotation, on clouds of every shape.
    """
    rotation, example = fits.get("rotation"), leaf.example
    if rotation is None or rotation.holds or rotation.error < _NEAR or not example.is_floating_point():
        return ""
    element = next(e for s, e, _ in leaf.courses[0].under if s == "rotation")
    for axis in reversed(range(example.dim())):
        size = example.shape[axis]
        few = size < 3 or (size == 3 and axis == example.dim() - 1)
        if few or size > _LONGEST or size == ready.call.sizes.node_axis:
            continue
        rows = example.numel() // size
        before, after = elsewhere(ready, leaf.path, element, math.ceil(2 * size / max(1, rows)) + 1, axis)
        if len(before) >= 2 * size and _is_linear(before, after):
            return (
                f"axis {axis} turns by a linear map of its {size} components: irreps in another basis, or on an axis "
                "before the last"
            )
    return ""


def _is_linear(before: Tensor, after: Tensor) -> bool:
    """True if one linear map gives every row.

    The rows must span the space or keep their norms: mixtures of a few vectors fit many maps.
    """
    if not bool(before.isfinite().all() and after.isfinite().all()) or not float(after.norm()):
        return False
    solution = torch.linalg.lstsq(before, after, driver="gelsd").solution
    whole = int(torch.linalg.matrix_rank(before, rtol=_EXACT)) == before.shape[1]
    kept = torch.allclose(before.norm(dim=1), after.norm(dim=1), rtol=_EXACT)
    return (whole or kept) and float((before @ solution - after).norm()) <= _EXACT * float(after.norm())
