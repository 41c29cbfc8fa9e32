"""Finds the law that a tensor obeys, from its values in a reference run and in transformed runs.

Three levels: a tensor is *lawful* (2) where a law of standard form fits, in e3nn's basis, on whatever axes; it is
*linear* (1) where some other linear or affine map fits that depends on the element only (another basis, mixed
components, rows in another order); and *broken* (0) where nothing fits. Lawful tensors may be handed on; linear ones
can still be put right; what is broken cannot.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from equivariance._engine.laws.candidates import AxisLengths, candidates, selections, suggested
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw, Law, LinearLaw, ParityLaw, PermutationLaw
from equivariance._engine.laws.grid import Declared, Gridded, plain_on_grid
from equivariance._engine.laws.tolerance import Tolerance, are_finite, rows_of, solved
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.representations.wigner import wigner_d


class Match(IntEnum):
    """How well a law fits a value."""

    NONE = 0
    LINEAR = 1
    EXACT = 2


_MOST_DEGREE = 8
_EXACT, _MUCH = 1e4, 1e3
"""So many machine epsilons are rounding; a law that fits so many times better is the one that is meant."""

_LONGEST = 4096
"""Axes longer than this list things, not components."""


@dataclass(frozen=True)
class RecordedValue:
    """One value in the reference run and under each element."""

    reference: Tensor
    under: tuple[tuple[Transform, Tensor], ...]


class LawMatcher:
    """Fits laws under one symmetry.

    Args:
        symmetry: One of `equivariance.groups.SYMMETRIES`
        sizes: Of the network's input
        tolerance: Relative errors up to this are rounding
    """

    def __init__(self, symmetry: str, sizes: AxisLengths, tolerance: float) -> None:
        """Choose the forms that laws of this symmetry have."""
        self.symmetry, self.sizes, self.close = Symmetry(symmetry), sizes, Tolerance(tolerance)

    def fit(self, seen: RecordedValue) -> tuple[int, Law | None]:
        """The level of a value, and the law that gave it."""
        fitting = (law for law in _once(self._standard(seen)) if self.obeys(seen, law))
        first = next(fitting, None)
        if first is not None:
            return Match.EXACT, self._best(seen, first, fitting)
        linear = self._linear(seen)
        if linear is not None:
            return Match.LINEAR, linear
        return (Match.LINEAR if self._related(seen) else Match.NONE), None

    def obeys(self, seen: RecordedValue, law: Law) -> bool:
        """Whether a law gives every transformed value."""
        pairs = [(value, law.apply(seen.reference, element)) for element, value in seen.under]
        if not isinstance(law, Declared) or any(value.shape != wanted.shape for value, wanted in pairs):
            return all(itertools.starmap(self.close, pairs))
        parts = ((a.values, b.values) for p in pairs for a, b in zip(*map(law.how.parts, p), strict=True))
        return all(itertools.starmap(self.close, parts))

    def _best(self, seen: RecordedValue, first: Law, others: Iterator[Law]) -> Law:
        """The first law that fits; where that is not to rounding, as of rows that are nearly alike, one that does."""
        left = self._left(seen, first) if seen.reference.is_floating_point() else 0.0
        if left == 0 or left <= _EXACT * torch.finfo(seen.reference.dtype).eps:
            return first
        return next((law for law in others if self._left(seen, law) < left / _MUCH), first)

    def _left(self, seen: RecordedValue, law: Law) -> float:
        """How much of a value a law that fits leaves open."""
        left = 0.0
        for element, value in seen.under:
            wanted = law.apply(seen.reference, element)
            off, size = (float(torch.linalg.vector_norm(t)) for t in (value - wanted, wanted))
            if math.isfinite(off):
                left = max(left, off / size if size else off)
        return left

    def may_combine(self, value: Tensor) -> bool:
        """Whether `combines` is worth asking of a value."""
        return self.symmetry in ("rotation", "inversion") and value.is_floating_point() and value.numel() > 0

    def rows(self, seen: RecordedValue) -> Tensor | None:
        """The rows of a value in all runs, float64; None where they do not go together."""
        values = [seen.reference, *(v for _, v in seen.under)]
        length = values[0].shape[0] if values[0].dim() else 0
        if not length or not all(v.is_floating_point() and v.dim() and v.shape[0] == length for v in values):
            return None
        return torch.cat([v.double().reshape(length, -1) for v in values])

    def combines(self, rows: Tensor | None, whole: RecordedValue) -> bool:
        """Whether each row of a value is the same combination of the components of a lawful one in all runs."""
        width = whole.reference[:1].numel() if whole.reference.dim() else 0
        if rows is None or not 2 <= width <= 64 or len(rows) < 2 * width:
            return False
        parts = self.rows(whole)
        if parts is None or len(parts) != len(rows) or not are_finite(rows, parts):
            return False
        return self.close(rows, parts @ solved(parts, rows))

    def candidates(self, reference: Tensor, laws: Sequence[Law]) -> Iterator[Law]:
        """Laws that a broken value of this shape might have been meant to obey, the known ones of its kin first."""
        return candidates(self.symmetry, self.sizes, reference, laws)

    def _standard(self, seen: RecordedValue) -> Iterator[Law]:
        if self.symmetry == "batch":  # what is the same for all samples is selected like anything else
            yield from selections(seen.reference, self.sizes)
        yield InvariantLaw()
        yield from self._on_grids(seen)
        yield from suggested(seen.reference, self.symmetry, self.sizes)
        if self.symmetry == "rotation":
            yield from self._irreps(seen)
        elif self.symmetry == "inversion":
            yield from self._signs(seen)

    def _on_grids(self, seen: RecordedValue) -> Iterator[Law]:
        """Declared fields; and any irreps at the cells of a grid, read off with the cells brought back."""
        if self.sizes.grids is None or not self.symmetry.is_motion:
            return
        yield from plain_on_grid(seen.reference, self.symmetry, self.sizes.grids)
        if self.symmetry == "translation":
            return
        for lattice in self.sizes.grids.lattices(seen.reference, self.symmetry):
            back = RecordedValue(seen.reference, tuple((e, lattice.moved(v, e.inverse()).to(v)) for e, v in seen.under))
            others = [a for a in reversed(range(seen.reference.dim())) if a not in lattice.axes]
            laws = self._irreps(back, others) if self.symmetry == "rotation" else self._signs(back, others)
            yield from (Gridded(lattice, law) for law in laws)

    def _irreps(self, seen: RecordedValue, axes: Sequence[int] | None = None) -> Iterator[Law]:
        """Irreps in blocks, read off the values axis by axis."""
        if not seen.reference.is_floating_point():
            return
        for axis in reversed(range(seen.reference.dim())) if axes is None else axes:
            degrees = self._degrees(seen, axis)
            if degrees is not None:
                yield IrrepLaw(((axis, degrees),))

    def _degrees(self, seen: RecordedValue, axis: int) -> tuple[int, ...] | None:
        """The degrees of the blocks of one axis, read from its start; None where some entry belongs to no block."""
        length = seen.reference.shape[axis]
        if length > _LONGEST or length < 3 or any(v.shape != seen.reference.shape for _, v in seen.under):
            return None
        rows = rows_of(seen.reference, axis)
        pairs = [(element, rows_of(value, axis)) for element, value in seen.under]
        kept = self.close.kept_lengths(rows, pairs[0][1]) if pairs else None
        degrees: list[int] = []
        start = 0
        while start < length:
            fitting = (d for d in range(_MOST_DEGREE + 1) if start + 2 * d + 1 <= length)
            fitting = (d for d in fitting if kept is None or kept(start, start + 2 * d + 1))
            degree = next((d for d in fitting if self._turns(rows, pairs, start, d)), None)
            if degree is None:
                return None
            degrees.append(degree)
            start += 2 * degree + 1
        return tuple(degrees) if any(degrees) else None

    def _turns(self, rows: Tensor, pairs: Sequence[tuple[Transform, Tensor]], start: int, degree: int) -> bool:
        block = slice(start, start + 2 * degree + 1)
        expected = ((value[:, block], rows[:, block] @ wigner_d(degree, 1, e).T.to(rows)) for e, value in pairs)
        return all(self.close(value, turned) for value, turned in expected)

    def _signs(self, seen: RecordedValue, axes: Sequence[int] | None = None) -> Iterator[Law]:
        """Entries along an axis that are even or odd, each."""
        reference = seen.reference
        for axis in reversed(range(reference.dim())) if axes is None else axes:
            for _, value in seen.under[:1]:
                if value.shape != reference.shape or not value.is_floating_point():
                    return
                rows, other = rows_of(reference, axis), rows_of(value, axis)
                yield ParityLaw(axis, tuple(1 if even else -1 for even in self.close.columns(other, rows).tolist()))

    def _linear(self, seen: RecordedValue) -> Law | None:
        """One linear map along some axis that explains every row; only where there are rows enough to disprove it."""
        reference = seen.reference
        shapes = {v.shape for _, v in seen.under} | {reference.shape}
        if self.symmetry not in ("rotation", "inversion") or len(shapes) > 1 or not reference.is_floating_point():
            return None
        for axis in reversed(range(reference.dim())):
            if axis < reference.dim() - 1 and reference.shape[axis] == self.sizes.nodes:
                continue  # where the rows of nodes are alike, some mixture of nodes gives anything
            rows = rows_of(reference, axis)
            if not 2 <= rows.shape[1] <= 256 or rows.shape[0] < 2 * rows.shape[1]:
                continue
            others = [rows_of(v, axis) for _, v in seen.under]
            if not are_finite(rows, *others):
                return None
            found = solved(rows, torch.cat(others, 1)).split(rows.shape[1], 1)
            if all(self.close(other, rows @ matrix) for other, matrix in zip(others, found, strict=True)):
                maps = (tuple(map(tuple, matrix.tolist())) for matrix in found)
                return LinearLaw(axis, tuple(zip((e for e, _ in seen.under), maps, strict=True)))
        return None

    def _related(self, seen: RecordedValue) -> bool:
        """Whether what changed is no more than a shift of all rows alike, or another order of rows."""
        reference = seen.reference
        if self.symmetry.is_reordering:
            same = all(self._same_rows(reference, value) for _, value in seen.under)
            return same or (self.symmetry == "permutation" and self._renumbered(seen))
        if any(v.shape != reference.shape for _, v in seen.under) or not reference.is_floating_point():
            return False
        return self.symmetry == "translation" and all(self._shifted(v - reference, reference) for _, v in seen.under)

    def _renumbered(self, seen: RecordedValue) -> bool:
        """Whether whole numbers are those of nodes, listed in another order, as of edges that are found anew."""
        reference, law = seen.reference, PermutationLaw((), True)
        if reference.is_floating_point() or reference.dtype == torch.bool or not reference.numel():
            return False
        return all(self._same_rows(law.apply(reference, element), value) for element, value in seen.under)

    def _shifted(self, difference: Tensor, reference: Tensor) -> bool:
        """The same shift along some axis of at least two entries."""
        for axis in range(difference.dim()):
            if difference.shape[axis] > 1:
                first = difference.narrow(axis, 0, 1).expand_as(difference)
                copies = torch.equal(reference, reference.narrow(axis, 0, 1).expand_as(reference))
                if not copies and self.close(reference + difference, reference + first):
                    return True
        return False

    def _same_rows(self, reference: Tensor, value: Tensor) -> bool:
        """Every row of the value is a row of the reference, along some axis."""
        if reference.dim() != value.dim():
            return False
        for axis in range(value.dim()):
            rest = [n for i, n in enumerate(value.shape) if i != axis]
            if rest == [n for i, n in enumerate(reference.shape) if i != axis] and value.shape[axis] > 1:
                weights = torch.randn(
                    max(1, _count(rest)), generator=torch.Generator().manual_seed(0), device="cpu"
                ).double()
                left, right = ((rows_of(t, axis).T @ weights.to(t.device)).sort().values for t in (value, reference))
                if len(left) == len(right) and self.close(left, right):
                    return True
        return False


def _count(shape: Sequence[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _once(laws: Iterator[Law]) -> Iterator[Law]:
    """Each law once, where it comes first: a law that does not fit will not fit later."""
    tried: set[Law] = set()
    for law in laws:
        if law not in tried:
            tried.add(law)
            yield law
