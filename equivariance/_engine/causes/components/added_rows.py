"""Finds out what deviates under rotations: rows that do not turn, or components in another order.

A value f = a + c, with an equivariant part a and rows c that no rotation changes, is off by (1 - D) c under a rotation
D. A value f = a + P u, with equivariant parts a and u and a signed permutation P of the components, is off by
(P D - D P) u. One c or one u for each row must explain the deviations under several rotations. `wrong_representation`
and `statement_values` supply the deviations. This module runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from equivariance._engine.causes.components.row_maps import describe_order, format_numbers, signed_permutations
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance.groups.elements import Transform
from equivariance.representations.wigner import wigner_d

_SAME = 1e-6
"""Relative distance of two results that are equal up to rounding."""

_NOISE = 1e-6
"""Share of the largest row below which a row is rounding noise, and has no direction."""


def explain_added_rows(
    deviations: Sequence[Tensor], elsewhere: Callable[[], Sequence[Tensor] | None], elements: Sequence[Transform],
    degree: int, made: str, limit: float = _SAME,
) -> Explanation | None:  # fmt: skip
    """Returns the explanation if rows that do not turn, or components in another order, explain the deviations.

    Args:
        deviations: Made minus wanted under each element, as rows of components [rows, 2l+1], float64.
        elsewhere: Returns the deviations for other inputs; None if the code does not run on them.
        elements: The rotations.
        degree: The degree l of the components.
        made: The value that deviates, in words.
        limit: The largest share of a deviation that may stay unexplained.
    """
    here = _solve_unturned(deviations, elements, degree, limit)
    if here is None:
        return _explain_order(deviations, elements, made, limit) if degree == 1 else None
    others = elsewhere()
    there = None if others is None else _solve_unturned(others, elements, degree, limit)
    return None if there is None or here.shape != there.shape else _explain_unturned(here, there, made)


def _explain_unturned(here: Tensor, there: Tensor, made: str) -> Explanation:
    """Returns the explanation: a constant, a constant that is scaled later, or numbers that depend on the input."""
    off = f"under every rotation D, {made} is off by (1 - D) c"
    if float((here - there).norm()) <= _SAME * float(here.norm()):
        words = f"{off} with the same c for other inputs: a constant{_in_words(here)}"
        return explained("component-bias", words)
    sizes = torch.minimum(here.norm(dim=1), there.norm(dim=1))
    rows = sizes > _NOISE * float(torch.maximum(here.norm(dim=1), there.norm(dim=1)).max())
    if bool(rows.any()) and _keep_directions(here[rows], there[rows]):
        return explained(
            "component-bias", f"{off} with one c for each row, whose direction is the same for other inputs and whose "
            "length is not: a constant is added to the components and scaled afterwards",
        )  # fmt: skip
    return explained(
        "unturned-part", f"{off} with one c for each row that changes with the input: invariant numbers stand where "
        "components should turn",
    )  # fmt: skip


def _keep_directions(here: Tensor, there: Tensor) -> bool:
    """True if all rows keep their directions, up to a sign."""
    sizes = here.norm(dim=1) * there.norm(dim=1)
    return bool(((here * there).sum(1).abs() >= (1 - _SAME) * sizes).all())


def _in_words(rows: Tensor) -> str:
    """Returns what is added: the constant if it is the same in all rows, or the number of rows that have one."""
    if float((rows - rows[0]).norm()) <= _SAME * float(rows.norm()):
        return f" {format_numbers(rows[0])} is added to the components"
    sizes = rows.norm(dim=1)
    count = int((sizes > _NOISE * float(sizes.max())).sum())
    return " is added to the components" + ("" if count == len(rows) else f", in {count} of {len(rows)} rows of them")


def _solve_unturned(
    deviations: Sequence[Tensor], elements: Sequence[Transform], degree: int, limit: float
) -> Tensor | None:
    """Returns the rows c, [rows, 2l+1]; None if they do not explain the deviations."""
    identity = torch.eye(2 * degree + 1, dtype=torch.float64, device="cpu")
    return _solve(deviations, [identity - wigner_d(degree, 1, e) for e in elements], limit)


def _explain_order(
    deviations: Sequence[Tensor], elements: Sequence[Transform], made: str, limit: float
) -> Explanation | None:
    """Returns the explanation if components in another order are part of the value."""
    turned = [wigner_d(1, 1, element) for element in elements]
    for order in signed_permutations(3):
        if bool((order == torch.diag(order.diagonal())).all()):
            continue  # also weights of the components deviate in this way
        if _solve(deviations, [order @ d - d @ order for d in turned], limit) is not None:
            return explained(
                "component-order", f"under every rotation D, {made} is off by (P D - D P) u with one u for each row, "
                f"where P takes the components {describe_order(order)} for x, y, z",
            )  # fmt: skip
    return None


def _solve(deviations: Sequence[Tensor], maps: Sequence[Tensor], limit: float) -> Tensor | None:
    """Returns the rows u with deviation = u @ map.T for all maps; None if there are none."""
    if any(d.shape != deviations[0].shape or not bool(torch.isfinite(d).all()) for d in deviations):
        return None
    known, matrix = torch.cat(list(deviations), 1), torch.cat([m.T for m in maps], 1)
    found = torch.linalg.lstsq(matrix.T, known.T, driver="gelsd").solution.T
    return found if float((found @ matrix - known).norm()) <= limit * float(known.norm()) else None
