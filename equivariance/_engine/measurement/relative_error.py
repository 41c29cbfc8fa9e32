"""Measures relative errors between two values, leaf by leaf and irrep by irrep.

The measure is that of the SE(3)-Transformer (Fuchs et al. 2020, section 4.1): ||f(g x) - g f(x)|| / ||f(x)||, in
float64. Integers and booleans are compared entry by entry: their error is the share of entries that differ.

`comparisons` calls `compare` at each site; `localization`, `causes` and `diagnosis` compare single values. This module
runs nothing and gives no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from equivariance._engine.instrumentation.tensor_identity import LARGE, alike, read_by_numpy
from equivariance._ranking import largest
from equivariance.contracts.nested import leaves
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation
from equivariance.representations.unjudged import Unjudged

PartKey = tuple[str, str]


class PartError(NamedTuple):
    """The error of one part: one irrep of one leaf.

    Attributes:
        difference: Norm of the difference; for discrete parts the count of differing entries.
        scale: Norm of the expected values; for discrete parts the number of entries. 1 if the whole leaf is equal.
        discrete: True if the values are integers or booleans.
    """

    difference: float
    scale: float
    discrete: bool

    @property
    def relative(self) -> float:
        """The ratio difference / scale.

        If the difference is not finite, or if only the scale is 0, the ratio is infinite.
        """
        if self.difference == 0:
            return 0.0
        if not math.isfinite(self.difference) or self.scale == 0:
            return math.inf
        return self.difference / self.scale


EQUAL = PartError(0.0, 1.0, False)
"""The error of equal values."""


def compare(
    value: Any, expected: Any, spec: object, element: Transform, scales: Mapping[PartKey, float] | None = None
) -> dict[PartKey, PartError]:
    """Returns the errors of `value` against `expected`, part by part.

    A part that is zero is measured on the scale of its leaf. A difference of structure (another number of leaves,
    another shape) is an infinite error of the leaf.

    Args:
        value: The value of a transformed run.
        expected: The reference value, transformed by `element`.
        spec: The representations of both values.
        element: The element of the run.
        scales: The result of `scales_of` for `expected`, or for the untransformed value if lengths are kept; None to
            compute it.
    """
    if isinstance(value, torch.Tensor) and isinstance(expected, torch.Tensor) and isinstance(spec, Representation):
        spec.check(value, "")
        return _errors("", value, expected, spec, element, scales)
    given, wanted = leaves(value, spec), leaves(expected, spec)
    if len(given) != len(wanted):
        return {("", "structure"): PartError(math.inf, 1.0, True)}
    errors: dict[PartKey, PartError] = {}
    for (path, left, representation), (_, right, _) in zip(given, wanted, strict=True):
        errors.update(_errors(path, left, right, representation, element, scales))
    return errors


def _errors(
    path: str, left: torch.Tensor, right: torch.Tensor, representation: Representation, element: Transform,
    scales: Mapping[PartKey, float] | None,
) -> dict[PartKey, PartError]:  # fmt: skip
    if isinstance(representation, Unjudged):
        return {(path, ""): EQUAL}
    if left.shape != right.shape:
        return {(path, "shape"): PartError(math.inf, 1.0, True)}
    if left.is_floating_point() or right.is_floating_point():
        return _float_errors(path, left, right, representation, element, scales)
    left, right = (representation.compared(t, element) for t in (left, right))
    return _discrete_errors(path, left, right, representation)


def scales_of(value: Any, spec: object) -> dict[PartKey, float]:
    """Returns the norm of every part; if a part is zero, the norm of its leaf."""
    found: dict[PartKey, float] = {}
    for path, tensor, representation in leaves(value, spec):
        found.update(_scales(path, tensor.detach().to(torch.float64), representation))
    return found


def _scales(path: str, values: torch.Tensor, representation: Representation) -> dict[PartKey, float]:
    return {(path, part.label): norm(part.values) or norm(values) for part in representation.parts(values)}


def _float_errors(
    path: str, left: torch.Tensor, right: torch.Tensor, representation: Representation, element: Transform,
    scales: Mapping[PartKey, float] | None,
) -> dict[PartKey, PartError]:  # fmt: skip
    left, right = (representation.compared(_to_float64(t), element) for t in (left, right))
    left = representation.nearest(left, right)
    if scales is None:
        scales = _scales(path, representation.without_translation(right, element), representation)
    parts = list(representation.parts(right))
    keys = [(path, part.label) for part in parts]
    if all(math.isfinite(scales[key]) for key in keys):
        if len(parts) == 1 and parts[0].values is right:
            difference = distance(left, right)
            return {keys[0]: PartError(difference, scales[keys[0]], False) if difference else EQUAL}
        if alike(left, right):
            return dict.fromkeys(keys, EQUAL)
    parts = list(representation.parts(left - right))
    return {key: PartError(norm(part.values), scales[key], False) for key, part in zip(keys, parts, strict=True)}


def _to_float64(values: torch.Tensor) -> torch.Tensor:
    return values.detach().to(torch.float64) if values.requires_grad or values.dtype != torch.float64 else values


def _discrete_errors(
    path: str, left: torch.Tensor, right: torch.Tensor, representation: Representation
) -> dict[PartKey, PartError]:
    pieces = zip(representation.parts(left), representation.parts(right), strict=True)
    return {
        (path, a.label): PartError(float((a.values != b.values).sum()), float(max(1, a.values.numel())), True)
        for a, b in pieces
    }


def worst(errors: Mapping[PartKey, PartError]) -> tuple[PartKey, PartError]:
    """Returns the part with the largest relative error; a zero error for a value without tensors."""
    if not errors:
        return ("", ""), EQUAL
    return largest(errors.items(), lambda item: item[1].relative)


def part_name(key: PartKey) -> str:
    """Returns a name like `[1] (5x1e)`: the path in the value, and the irrep if there are several."""
    path, label = key
    return path + (f" ({label})" if label else "")


_BLOCK = 16384
"""Length of blocks whose difference stays in the processor's cache until it is summed."""


def norm(values: Tensor) -> float:
    """Returns the norm, also if its square overflows or underflows; infinite if an entry is NaN."""
    found = float(torch.linalg.vector_norm(values))
    if (found > 0 and math.isfinite(found)) or values.numel() == 0 or (found == 0 and not values.any()):
        return found
    largest = float(values.abs().max())
    if largest == 0 or not math.isfinite(largest):
        return math.inf if largest else 0.0
    return largest * float(torch.linalg.vector_norm(values / largest))


def distance(left: Tensor, right: Tensor) -> float:
    """Returns `norm(left - right)`; 0 for entries that are infinite with the same sign in both.

    Differences of large tensors are never written to memory.
    """
    if alike(left, right):
        return 0.0
    if left.numel() < LARGE or not (read_by_numpy(left) and read_by_numpy(right)):
        return norm(left - right)
    one, other = (t.detach().view(-1).numpy() for t in (left, right))
    room, norms = np.empty(_BLOCK, one.dtype), []
    summed = torch.from_numpy(room)  # products of numpy would start as many threads as there are cores
    for start in range(0, len(one), _BLOCK):
        pieces = one[start : start + _BLOCK], other[start : start + _BLOCK]
        np.subtract(*pieces, out=room[: len(pieces[0])])
        norms.append(float(torch.linalg.vector_norm(summed[: len(pieces[0])])))
    found = math.hypot(*norms)
    return found if 0 < found < math.inf else norm(left - right)
