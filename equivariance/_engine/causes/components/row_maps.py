"""Finds out how rows of components were made from other rows: by a matrix, an order, weights, a mask, another norm.

Every map is fitted on one run and must be the same in another run, because a frame that is made from the data acts like
a matrix in one run. `statement_values` and `component_mixing` supply the rows. This module runs nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import torch
from torch import Tensor

from equivariance._engine.causes.explanation import Explanation, explained

Rows = tuple[Tensor, Tensor]
"""Rows of components that were read, [n, 2l+1], and what was made of them: rows [n, 2l+1], or numbers [n]."""

_MOST = 64
"""Number of rows that are compared with all signed permutations."""

_EXACT = 1e-9
"""Relative distance of two results that are equal up to rounding in float64."""

_ZERO = 1e-9
"""Share of the largest number below which another number is zero up to rounding."""

_BESIDE = ", beside a factor for each vector"

_POWERS = (0.5, 3.0, 4.0)
"""Powers whose norms are tried in place of Euclid's."""


def names_of(size: int) -> list[str]:
    """Returns the names of the components of one irrep of dimension `size`."""
    return list("xyz") if size == 3 else [f"m={m}" for m in range(-(size // 2), size // 2 + 1)]


def explain_row_map(runs: Sequence[Rows], made: str, given: str) -> Explanation | None:
    """Returns the explanation if one map gives the made rows in all runs, and the map does not commute with rotations.

    Args:
        runs: The rows of two or more runs, float64.
        made: What was made, in words.
        given: What it was made from, in words.
    """
    if len(runs) < 2 or any(a.shape != b.shape or not _is_finite(a, b) for a, b in runs):
        return None
    looks = (_explain_order, _explain_affine, _explain_weights, _explain_mask)
    return next((found for found in (look(runs, made, given) for look in looks) if found), None)


def explain_norm(runs: Sequence[Rows], made: str, given: str) -> Explanation | None:
    """Returns the explanation if the numbers are proportional to a sum or a norm that is not Euclid's in all runs.

    Args:
        runs: The rows of two or more runs, and one number for each row; float64.
        made: What was made, in words.
        given: What it was made from, in words.
    """
    if len(runs) < 2 or any(len(a) != len(b) or len(a) < 4 or not _is_finite(a, b) for a, b in runs):
        return None
    for mechanism, words, function in _NUMBERS:
        if all(_is_proportional(b, function(a)) for a, b in runs):
            return explained(mechanism, f"{made} is {words} of {given}, up to a factor")
    weights = [_weights_of_squares(a, b) for a, b in runs]
    first = weights[0]
    if first is None or any(w is None or not _is_near(w, first) for w in weights) or _is_near(first, first.mean()):
        return None
    return explained(
        "non-euclidean-norm", f"{made} is made of the squares of the components of {given} with the weights "
        f"{format_numbers(first)}, where equal weights are due",
    )  # fmt: skip


def format_numbers(values: Tensor) -> str:
    """Returns numbers with three digits, in brackets; one that is rounding relative to the largest is zero."""
    known = torch.where(values.abs() > _ZERO * values.abs().max(), values, 0.0)
    return f"({', '.join(f'{v:.3g}' for v in known.tolist())})"


def _sum_of_powers(rows: Tensor, power: float, root: float) -> Tensor:
    return rows.abs().pow(power).sum(1).pow(root)


_NUMBERS: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
    ("component-sum", "the sum or the mean of the components", lambda rows: rows.sum(1)),
    ("component-sum", "the largest component", lambda rows: rows.amax(1)),
    ("component-sum", "the smallest component", lambda rows: rows.amin(1)),
    ("non-euclidean-norm", "the largest absolute component", lambda rows: rows.abs().amax(1)),
    ("non-euclidean-norm", "the sum of the absolute components", partial(_sum_of_powers, power=1.0, root=1.0)),
    *(
        ("non-euclidean-norm", f"the {words} of the absolute components to the power {power:g}",
         partial(_sum_of_powers, power=power, root=root))
        for power in _POWERS
        for words, root in (("sum", 1.0), ("root of the sum", 1 / power))
    ),
)  # fmt: skip
"""The mechanism, the words and the function of numbers that are no invariants of the components."""


def _is_finite(*tensors: Tensor) -> bool:
    return all(bool(torch.isfinite(t).all()) and bool(t.any()) for t in tensors)


def _is_near(left: Tensor, right: Tensor) -> bool:
    return float((left - right).norm()) <= 1e-6 * max(float(left.norm()), 1e-300)


def _is_proportional(left: Tensor, right: Tensor) -> bool:
    """True if all entries of `left` are one multiple of those of `right`."""
    factor = float(left @ right) / max(float(right @ right), 1e-300)
    return float((left - factor * right).norm()) <= _EXACT * float(left.norm())


def _weights_of_squares(given: Tensor, made: Tensor) -> Tensor | None:
    """Returns the weights of the squares whose sum, or its root, was made; None if there are none."""
    squares = given.square()
    if len(given) < 2 * given.shape[1]:
        return None
    for target in (made, made.square()):
        found = torch.linalg.lstsq(squares, target[:, None], driver="gelsd").solution[:, 0]
        if float((squares @ found - target).norm()) <= _EXACT * float(target.norm()):
            return found
    return None


def _explain_order(runs: Sequence[Rows], made: str, given: str) -> Explanation | None:
    """Returns the explanation if the made rows are the given ones in another order or with other signs, scaled."""
    size = runs[0][0].shape[1]
    if size not in (3, 5):
        return None
    orders = signed_permutations(size)
    fits = torch.ones(len(orders), dtype=torch.bool, device="cpu")
    for a, b in runs:
        moved = a[:_MOST] @ orders.transpose(1, 2)  # [orders, n, size]
        factors = (moved * b[:_MOST]).sum(2, keepdim=True) / moved.square().sum(2, keepdim=True).clamp(min=1e-300)
        fits &= (factors * moved - b[:_MOST]).flatten(1).norm(dim=1) <= _EXACT * b[:_MOST].norm()
    if not bool(fits.any()):
        return None
    order = orders[int(fits.nonzero()[0])]
    if _is_near(order, order[0, 0] * torch.eye(size, dtype=torch.float64, device="cpu")):
        return None
    scaled = not all(_is_near(a @ order.T, b) or _is_near(-a @ order.T, b) for a, b in runs)
    text = f"the components of {made} are {describe_order(order)} of {given}{_BESIDE if scaled else ''}"
    return explained("component-order", f"{text}, in place of {', '.join(names_of(size))}")


def describe_order(order: Tensor) -> str:
    """Returns the components that a signed permutation takes, in words: "y, z, x"."""
    names = names_of(len(order))
    taken = [(row.abs().argmax(), row.sum()) for row in order]
    minus = "-" if len(order) == 3 else "minus "
    return ", ".join((minus if float(sign) < 0 else "") + names[int(place)] for place, sign in taken)


@lru_cache(maxsize=2)
def signed_permutations(size: int) -> Tensor:
    """Returns all signed permutation matrices up to a common sign, [count, size, size], with few minus signs first."""
    found = []
    for order in itertools.permutations(range(size)):
        for signs in itertools.product((1.0, -1.0), repeat=size):
            if sum(signs) > 0:
                matrix = torch.zeros(size, size, dtype=torch.float64, device="cpu")
                matrix[torch.arange(size), list(order)] = torch.tensor(signs, dtype=torch.float64)
                found.append(matrix)
    return torch.stack(sorted(found, key=lambda m: -float(m.sum())))


def fit_affine(given: Tensor, made: Tensor) -> tuple[Tensor, Tensor] | None:
    """Returns the matrix and the constant with made = given @ matrix.T + constant; None if there are none."""
    size = given.shape[1]
    if len(given) < 2 * (size + 1):
        return None
    ones = torch.ones(len(given), 1, dtype=torch.float64, device="cpu")
    columns = torch.cat([given, ones * given.square().mean().sqrt()], dim=1)
    if int(torch.linalg.matrix_rank(columns)) <= size:
        return None
    solution = torch.linalg.lstsq(columns, made, driver="gelsd").solution
    if float((columns @ solution - made).norm()) > _EXACT * float(made.norm()):
        return None
    solution[-1] *= given.square().mean().sqrt()
    nearest = solution.round()
    solution = torch.where((solution - nearest).abs() < 1e-9, nearest, solution)
    return solution[:-1].T, solution[-1]


def _explain_affine(runs: Sequence[Rows], made: str, given: str) -> Explanation | None:
    found = [fit_affine(a, b) for a, b in runs]
    if found[0] is None or any(f is None or not _is_same_map(f, found[0]) for f in found):
        return None
    (matrix, constant), size = found[0], runs[0][0].shape[1]
    identity = torch.eye(size, dtype=torch.float64, device="cpu")
    has_constant = float(constant.norm()) > 1e-6 * float(runs[0][1].square().mean().sqrt())
    added = f" and adds the constant {format_numbers(constant)}" if has_constant else ""
    if _is_near(matrix, matrix.diagonal().mean() * identity):
        text = f"{made} is {given} times {float(matrix[0, 0]):.3g} plus the constant {format_numbers(constant)}"
        return explained("component-bias", f"{text}: a constant is added to the components") if has_constant else None
    if bool((matrix == torch.diag(matrix.diagonal())).all()):
        text = f"the components of {made} are those of {given} times {format_numbers(matrix.diagonal())}{added}"
        return explained("component-mask", f"{text}: each is scaled by itself")
    if float((matrix.sum(1)).norm()) <= 1e-6 * float(matrix.norm()):
        return explained(
            "component-normalization", f"adding one number to all components of {given} leaves {made} as it is: their "
            "mean is taken out",
        )  # fmt: skip
    return explained("component-matrix", describe_matrix(matrix, made, given, added))


def _is_same_map(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> bool:
    size = max(float(other[0].norm()), float(other[1].norm()))
    return all(float((a - b).norm()) <= 1e-6 * size for a, b in zip(one, other, strict=True))


def describe_matrix(matrix: Tensor, made: str, given: str, added: str) -> str:
    """Returns which components the first row of a matrix reads, with the factors, in words."""
    names = names_of(len(matrix))
    row = next((i for i in range(len(matrix)) if bool(matrix[i].any())), 0)
    read = ", ".join(name for name, factor in zip(names, matrix[row].tolist(), strict=True) if factor)
    return (
        f"component {names[row]} of {made} reads components {read} of {given}, with the factors "
        f"{format_numbers(matrix[row])}{added}: a matrix acts on the components"
    )


def _explain_weights(runs: Sequence[Rows], made: str, given: str) -> Explanation | None:
    """Returns the explanation if each component has a factor of its own, beside a factor for the row."""
    first, second = runs[0]
    best = int(first.abs().amin(1).argmax())
    if not bool(first[best].all()):
        return None
    weights = second[best] / first[best]
    if _is_near(weights, weights.mean()) or not bool(weights.any()) or len(first) < 4:
        return None
    for a, b in runs:
        weighted = a * weights
        factors = (weighted * b).sum(1, keepdim=True) / weighted.square().sum(1, keepdim=True).clamp(min=1e-300)
        if float((factors * weighted - b).norm()) > _EXACT * float(b.norm()):
            return None
    relative = format_numbers(weights / weights[int(weights.abs().argmax())])
    text = f"the components of {made} are those of {given} times {relative}{_BESIDE}"
    return explained("component-mask", f"{text}: each is scaled by itself")


def _explain_mask(runs: Sequence[Rows], made: str, given: str) -> Explanation | None:
    """Returns the explanation if single components are set to zero, and no threshold on their values decides which."""
    for a, b in runs:
        kept = b != 0
        factor = float((a * b).sum()) / max(float((a * kept).square().sum()), 1e-300)
        if float((factor * a * kept - b).norm()) > _EXACT * float(b.norm()) or bool((kept.any(1) == kept.all(1)).all()):
            return None
        sorted_by_size = kept.flatten()[a.flatten().abs().argsort()]
        sorted_by_value = kept.flatten()[a.flatten().argsort()]
        if any(int((s[1:] != s[:-1]).sum()) <= 2 for s in (sorted_by_size, sorted_by_value)):
            return None
    text = f"single components of {made} are zero, and the others are those of {given} times one factor"
    return explained("component-mask", f"{text}: a mask or a dropout acts on the components")
