"""Finds the law that a tensor obeys, from its values in the reference run and in transformed runs.

Each value has one of three levels (`Match`):

- EXACT: a law of standard form fits, in e3nn's basis, on any axes. The value may be passed on.
- LINEAR: another linear or affine map fits that depends on the element only: another basis, mixed components, or rows
  in another order. The value can still be corrected.
- NONE: no law fits. The value cannot be corrected.

`localization.value_laws` fits the values of a recording. This module runs nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from equivariance._engine.laws.candidates import AxisLengths, candidates, laws_by_shape, selection_laws
from equivariance._engine.laws.declared import follows_vector
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw, Law, LinearLaw, ParityLaw, PermutationLaw
from equivariance._engine.laws.further import scale_law_of
from equivariance._engine.laws.grid import Declared, Gridded, plain_on_grid, within
from equivariance._engine.laws.lattice import row_laws
from equivariance._engine.laws.tolerance import Tolerance, are_finite, rows_of, solve_linear_map
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.representations.wigner import wigner_d


class Match(IntEnum):
    """The level on which a law fits a value."""

    NONE = 0
    LINEAR = 1
    EXACT = 2


_MOST_DEGREE = 8
_EXACT, _MUCH = 1e4, 1e3
"""Residuals up to `_EXACT` machine epsilons are rounding. A residual `_MUCH` times smaller makes a later law better."""

_LONGEST = 4096
"""A longer axis lists things, not components."""


@dataclass(frozen=True)
class RecordedValue:
    """One value in the reference run and under each element.

    Attributes:
        reference: The value of the reference run.
        under: Pairs of an element and the value of the run under it.
    """

    reference: Tensor
    under: tuple[tuple[Transform, Tensor], ...]


class LawMatcher:
    """Fits laws of one symmetry to recorded values.

    Args:
        symmetry: One of `equivariance.groups.SYMMETRIES`.
        sizes: The sizes of the network's input.
        tolerance: Relative errors up to this value are rounding.

    Attributes:
        close: The comparison of two tensors up to rounding.
    """

    def __init__(self, symmetry: str, sizes: AxisLengths, tolerance: float) -> None:
        self.symmetry, self.sizes, self.close = Symmetry(symmetry), sizes, Tolerance(tolerance)

    def fit(self, seen: RecordedValue) -> tuple[int, Law | None]:
        """Returns the level of a value (a `Match`) and its law; None if no single law gave the level."""
        fitting = (law for law in _unique(self._standard_laws(seen)) if self.obeys(seen, law))
        first = next(fitting, None)
        if first is not None:
            return Match.EXACT, self._best_law(seen, first, fitting)
        linear = self._linear_law(seen)
        if linear is not None:
            return Match.LINEAR, linear
        return (Match.LINEAR if self._is_rearranged(seen) else Match.NONE), None

    def obeys(self, seen: RecordedValue, law: Law) -> bool:
        """True if a law gives every transformed value."""
        pairs = [(value, law.apply(seen.reference, element)) for element, value in seen.under]
        if self.sizes.windows:
            elements = [element for element, _ in seen.under]
            pairs = [within(law, e, *pair) for e, pair in zip(elements, pairs, strict=True)]
        if not isinstance(law, Declared) or any(value.shape != expected.shape for value, expected in pairs):
            return all(itertools.starmap(self.close, pairs))
        parts = ((a.values, b.values) for p in pairs for a, b in zip(*map(law.how.parts, p), strict=True))
        return all(itertools.starmap(self.close, parts))

    def _best_law(self, seen: RecordedValue, first: Law, others: Iterator[Law]) -> Law:
        """Returns `first`, or a law that fits much better.

        `first` fits within the tolerance. If its residual is above rounding, as for rows that are nearly equal, another
        law may be the right one.
        """
        residual = self._residual(seen, first) if seen.reference.is_floating_point() else 0.0
        if residual == 0 or residual <= _EXACT * torch.finfo(seen.reference.dtype).eps:
            return first
        return next((law for law in others if self._residual(seen, law) < residual / _MUCH), first)

    def _residual(self, seen: RecordedValue, law: Law) -> float:
        """Returns the largest relative residual of a law that fits."""
        residual = 0.0
        for element, value in seen.under:
            expected = law.apply(seen.reference, element)
            off, size = (float(torch.linalg.vector_norm(t)) for t in (value - expected, expected))
            if math.isfinite(off):
                residual = max(residual, off / size if size else off)
        return residual

    def may_combine(self, value: Tensor) -> bool:
        """True if `combines` can be true for a value of this dtype under this symmetry."""
        return self._is_linear and value.is_floating_point() and value.numel() > 0

    @property
    def _is_linear(self) -> bool:
        """True if elements act on components by matrices."""
        return self.symmetry in ("rotation", "inversion", "mirror") or self.symmetry not in (*Symmetry,)

    def rows(self, seen: RecordedValue) -> Tensor | None:
        """Returns the rows of a value in all runs, in float64; None if the runs have different numbers of rows."""
        values = [seen.reference, *(v for _, v in seen.under)]
        length = values[0].shape[0] if values[0].dim() else 0
        if not length or not all(v.is_floating_point() and v.dim() and v.shape[0] == length for v in values):
            return None
        return torch.cat([v.double().reshape(length, -1) for v in values])

    def combines(self, rows: Tensor | None, whole: RecordedValue) -> bool:
        """True if each row of a value is the same combination of the components of a lawful value in all runs.

        Args:
            rows: The rows of the value, as `rows` returns them.
            whole: The lawful value.
        """
        width = whole.reference[:1].numel() if whole.reference.dim() else 0
        if rows is None or not 2 <= width <= 64 or len(rows) < 2 * width:
            return False
        parts = self.rows(whole)
        if parts is None or len(parts) != len(rows) or not are_finite(rows, parts):
            return False
        return self.close(rows, parts @ solve_linear_map(parts, rows))

    def candidates(self, reference: Tensor, laws: Sequence[Law]) -> Iterator[Law]:
        """Yields the laws that a broken value of this shape should perhaps obey; first the `laws` of related values."""
        return candidates(self.symmetry, self.sizes, reference, laws)

    def _standard_laws(self, seen: RecordedValue) -> Iterator[Law]:
        if self.symmetry == "batch":  # first, because equal samples would also fit the invariant law
            yield from selection_laws(seen.reference, self.sizes)
        yield InvariantLaw()
        yield from self._grid_laws(seen)
        yield from laws_by_shape(seen.reference, self.symmetry, self.sizes)
        if self.symmetry == "rotation" and not self.sizes.planar:
            yield from self._irrep_laws(seen)
        elif self.symmetry in ("inversion", "mirror"):
            yield from self._parity_laws(seen)
        elif self.symmetry == "scale" and seen.under:
            yield from scale_law_of(seen.reference, *seen.under[0])
        elif self.symmetry == "lattice":
            yield from row_laws(seen.reference, seen.under, self.sizes.follows_images)

    def _grid_laws(self, seen: RecordedValue) -> Iterator[Law]:
        """Yields declared fields, and irreps at the cells of a grid.

        The irreps are read from values whose cells were moved back.
        """
        if self.sizes.grids is None or not self.symmetry.is_motion:
            return
        yield from plain_on_grid(seen.reference, self.symmetry, self.sizes.grids)
        if self.symmetry == "translation":
            return
        for lattice in self.sizes.grids.lattices(seen.reference, self.symmetry):
            back = RecordedValue(seen.reference, tuple((e, lattice.moved(v, e.inverse()).to(v)) for e, v in seen.under))
            others = [a for a in reversed(range(seen.reference.dim())) if a not in lattice.axes]
            laws = self._irrep_laws(back, others) if self.symmetry == "rotation" else self._parity_laws(back, others)
            yield from (Gridded(lattice, law) for law in laws)

    def _irrep_laws(self, seen: RecordedValue, axes: Sequence[int] | None = None) -> Iterator[Law]:
        """Yields irreps in blocks, read from the values axis by axis."""
        if not seen.reference.is_floating_point():
            return
        for axis in reversed(range(seen.reference.dim())) if axes is None else axes:
            degrees = self._degrees(seen, axis)
            if degrees is not None:
                yield IrrepLaw(((axis, degrees),))

    def _degrees(self, seen: RecordedValue, axis: int) -> tuple[int, ...] | None:
        """Returns the degrees of the blocks of one axis, read from its start; None if an entry belongs to no block."""
        length = seen.reference.shape[axis]
        if length > _LONGEST or length < 3 or any(v.shape != seen.reference.shape for _, v in seen.under):
            return None
        rows = rows_of(seen.reference, axis)
        pairs = [(element, rows_of(value, axis)) for element, value in seen.under]
        lengths_agree = self.close.length_test(rows, pairs[0][1]) if pairs else None
        degrees: list[int] = []
        start = 0
        while start < length:
            fitting = (d for d in range(_MOST_DEGREE + 1) if start + 2 * d + 1 <= length)
            fitting = (d for d in fitting if lengths_agree is None or lengths_agree(start, start + 2 * d + 1))
            degree = next((d for d in fitting if self._is_irrep_block(rows, pairs, start, d)), None)
            if degree is None:
                return None
            degrees.append(degree)
            start += 2 * degree + 1
        return tuple(degrees) if any(degrees) else None

    def _is_irrep_block(self, rows: Tensor, pairs: Sequence[tuple[Transform, Tensor]], start: int, degree: int) -> bool:
        block = slice(start, start + 2 * degree + 1)
        expected = ((value[:, block], rows[:, block] @ wigner_d(degree, 1, e).T.to(rows)) for e, value in pairs)
        return all(self.close(value, turned) for value, turned in expected)

    def _parity_laws(self, seen: RecordedValue, axes: Sequence[int] | None = None) -> Iterator[Law]:
        """Yields a law of even and odd entries for each axis, read from the first transformed value."""
        reference = seen.reference
        for axis in reversed(range(reference.dim())) if axes is None else axes:
            for _, value in seen.under[:1]:
                if value.shape != reference.shape or not value.is_floating_point():
                    return
                rows, other = rows_of(reference, axis), rows_of(value, axis)
                yield ParityLaw(axis, tuple(1 if even else -1 for even in self.close.columns(other, rows).tolist()))

    def _linear_law(self, seen: RecordedValue) -> Law | None:
        """Returns one linear map along some axis that explains every row; None if there is none.

        An axis is tried only if there are enough rows to disprove a map.
        """
        reference = seen.reference
        shapes = {v.shape for _, v in seen.under} | {reference.shape}
        if not self._is_linear or len(shapes) > 1 or not reference.is_floating_point():
            return None
        for axis in reversed(range(reference.dim())):
            if axis < reference.dim() - 1 and reference.shape[axis] == self.sizes.nodes:
                continue  # if the rows of the nodes are nearly equal, a mixture of nodes fits any value
            rows = rows_of(reference, axis)
            if not 2 <= rows.shape[1] <= 256 or rows.shape[0] < 2 * rows.shape[1]:
                continue
            others = [rows_of(v, axis) for _, v in seen.under]
            if not are_finite(rows, *others):
                return None
            found = solve_linear_map(rows, torch.cat(others, 1)).split(rows.shape[1], 1)
            if all(self.close(other, rows @ matrix) for other, matrix in zip(others, found, strict=True)):
                maps = (tuple(map(tuple, matrix.tolist())) for matrix in found)
                return LinearLaw(axis, tuple(zip((e for e, _ in seen.under), maps, strict=True)))
        return None

    def _is_rearranged(self, seen: RecordedValue) -> bool:
        """True if the runs differ only by one shift of all rows, or by the order of rows."""
        reference = seen.reference
        if self.symmetry.is_reordering:
            same = all(self._has_same_rows(reference, value) for _, value in seen.under)
            return same or (self.symmetry == "permutation" and self._is_renumbered(seen))
        if any(v.shape != reference.shape for _, v in seen.under) or not reference.is_floating_point():
            return False
        if self.symmetry != "translation":
            return False
        shifts = all(self._is_shift(v - reference, reference) for _, v in seen.under)
        return shifts or (self.sizes.grids is not None and follows_vector(reference, seen.under, self.close))

    def _is_renumbered(self, seen: RecordedValue) -> bool:
        """True if the entries are node numbers that are listed in another order, as in a recomputed edge list."""
        reference, law = seen.reference, PermutationLaw((), True)
        if reference.is_floating_point() or reference.dtype == torch.bool or not reference.numel():
            return False
        return all(self._has_same_rows(law.apply(reference, element), value) for element, value in seen.under)

    def _is_shift(self, difference: Tensor, reference: Tensor) -> bool:
        """True if the difference is the same shift along an axis of at least two entries."""
        for axis in range(difference.dim()):
            if difference.shape[axis] > 1:
                first = difference.narrow(axis, 0, 1).expand_as(difference)
                copies = torch.equal(reference, reference.narrow(axis, 0, 1).expand_as(reference))
                if not copies and self.close(reference + difference, reference + first):
                    return True
        return False

    def _has_same_rows(self, reference: Tensor, value: Tensor) -> bool:
        """True if the rows of both tensors are the same set, along some axis.

        The test is probabilistic: it compares sorted projections of the rows onto one random vector (fixed seed). Equal
        sets always pass; different sets pass only by coincidence.
        """
        if reference.dim() != value.dim():
            return False
        for axis in range(value.dim()):
            rest = [n for i, n in enumerate(value.shape) if i != axis]
            if rest == [n for i, n in enumerate(reference.shape) if i != axis] and value.shape[axis] > 1:
                weights = torch.randn(
                    max(1, math.prod(rest)), generator=torch.Generator().manual_seed(0), device="cpu"
                ).double()
                left, right = ((rows_of(t, axis).T @ weights.to(t.device)).sort().values for t in (value, reference))
                if len(left) == len(right) and self.close(left, right):
                    return True
        return False


def _unique(laws: Iterator[Law]) -> Iterator[Law]:
    """Yields each law once, at its first place: a law that does not fit will not fit later."""
    tried: set[Law] = set()
    for law in laws:
        if law not in tried:
            tried.add(law)
            yield law
