"""Finds the law that a value obeys in place of the declared one.

`rotation` calls these experiments. Laws of values between two operations are matched in `laws`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from equivariance._engine.causes.components.added_rows import explain_added_rows
from equivariance._engine.causes.components.component_axis import axis_of_components, degree_of, part_of, rows_of
from equivariance._engine.causes.components.row_maps import describe_order, names_of, signed_permutations
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.fixed_axes import ORDINARY
from equivariance._engine.instrumentation.perturbations import noisy_everywhere
from equivariance.groups.elements import Transform, cube_rotations, rotation
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints
from equivariance.representations.wigner import wigner_d

_HIGHEST = 6
"""Largest degree that is searched for in a character."""

_MOST_ROWS = 64
"""Number of rows that are compared with all orders of the components."""

_ANGLES = (0.5, 0.9, 1.3, 1.7, 2.1, 2.4, 2.7, 3.0)


def explain_other_law(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if the output obeys another law under rotations than the declared one."""
    how, plain = experiment.how, experiment.plain
    if how is None or plain is None or not plain.is_floating_point():
        return None
    looks = (
        _explain_usual,
        _explain_component_order,
        _explain_other_axis,
        _explain_other_character,
        _explain_block_order,
    )
    return next((found for found in (look(experiment, how, part) for look in looks) if found), None)


def _explain_block_order(experiment: Experiment, how: Representation, part: str) -> Explanation | None:
    """Returns the explanation if all blocks together are irreps, in other blocks than the declared ones."""
    if not isinstance(how, Irreps) or len(how.blocks) < 2 or how.dim > 16:
        return None
    traces = _traces(experiment, lambda leaf: leaf, how.dim)
    content = None if traces is None else _decompose(traces, how.dim)
    if not content:
        return None
    return explained(
        "block-order",
        f"{part}: all {how.dim} components together transform as {_describe(content)}, but not in the blocks of "
        f"{how.irreps}: they come in another order or are others",
    )


def _explain_component_order(experiment: Experiment, how: Representation, part: str) -> Explanation | None:
    """Returns the explanation if the components turn by P D P^T, with one signed permutation P."""
    degree, plain = degree_of(how, experiment.key[1]), experiment.plain
    outcomes = [experiment.outcome(element) for element in ORDINARY]
    if degree not in (1, 2) or plain is None or any(o.made is None or o.made.shape != plain.shape for o in outcomes):
        return None
    rows = rows_of(plain, how, experiment.key[1])[:_MOST_ROWS]
    orders = [*signed_permutations(2 * degree + 1), *(wigner_d(degree, 1, turn) for turn in cube_rotations()[1:])]
    every, fits = torch.stack(orders), torch.ones(len(orders), dtype=torch.bool, device="cpu")
    for element, outcome in zip(ORDINARY, outcomes, strict=True):
        made = rows_of(outcome.made, how, experiment.key[1])[: len(rows)]  # type: ignore[arg-type]
        turned = every @ wigner_d(degree, 1, element) @ every.transpose(1, 2)
        distances = (rows @ turned.transpose(1, 2) - made).flatten(1).norm(dim=1)
        fits &= distances <= max(experiment.tolerance, 1e-9) * float(made.norm())
    if not bool(fits.any()) or not bool(rows.any()):
        return None
    first, size = int(fits.nonzero()[0]), 2 * degree + 1
    axes = first - len(signed_permutations(size)) + 1
    taken = describe_order(every[first]) if axes < 1 else describe_order(torch.tensor(cube_rotations()[axes].matrix))
    declared = names_of(size if axes < 1 else 3)
    return explained(
        "component-order",
        f"under rotations, the components of {part} turn as those of {taken} in place of {', '.join(declared)}: they "
        "stand in another order, or have other signs",
    )


def _explain_usual(experiment: Experiment, how: Representation, part: str) -> Explanation | None:
    """Returns the explanation if the output does not change at all, or transforms with the inverse."""
    if not isinstance(how, Irreps | CartesianPoints):
        return None
    candidates = (
        ("unchanged-output", "does not change at all under rotation, though it is declared to", Transform()),
        ("inverse-rotation", "transforms with R^T in place of R", experiment.element.inverse()),
    )
    for mechanism, text, instead in candidates:
        if _matches(experiment, how, experiment.expected(instead)):
            return explained(mechanism, f"{part} {text}")
    return None


def _matches(experiment: Experiment, how: Representation, other: torch.Tensor | None) -> bool:
    made = experiment.outcome(experiment.element).made
    if made is None or other is None or made.shape != other.shape:
        return False
    left, right = (part_of(t, how, experiment.key[1]) for t in (made, other))
    return float((left - right).norm()) <= max(experiment.tolerance, 1e-9) * float(right.norm())


def _explain_other_axis(experiment: Experiment, how: Representation, part: str) -> Explanation | None:
    """Returns the explanation if the components lie on another axis, or are the slow index of a block."""
    degree, plain = degree_of(how, experiment.key[1]), experiment.plain
    made = experiment.outcome(experiment.element).made
    found = axis_of_components(how)
    if not degree or plain is None or made is None or made.shape != plain.shape or found is None or found[0] != -1:
        return None
    size = 2 * degree + 1
    parity = 1 if experiment.key[1].endswith("e") else -1
    matrix = wigner_d(degree, parity, experiment.element)
    blocks = [part_of(t, how, experiment.key[1]) for t in (plain, made)]
    copies, rest = divmod(blocks[0].shape[-1], size)
    if rest:  # positions on an axis before the last
        return None
    views = {
        "the components are the slow index of the block: x of all channels first": (
            [b.reshape(*b.shape[:-1], size, copies) for b in blocks] if copies > 1 else None,
            "Put the components last before flattening: [channels, 3], not [3, channels].",
        ),
        "the components lie on the axis before the last: vectors are columns": (
            blocks if copies == 1 and blocks[0].dim() > 1 and blocks[0].shape[-2] == size else None,
            "Transpose the last two axes: the vectors of a frame are its rows here.",
        ),
    }
    for text, (pair, fix) in views.items():
        if pair and _close(pair[1], matrix @ pair[0], experiment.tolerance):
            return explained("component-axis", f"{part}: {text}", fix)
    return None


def _close(left: torch.Tensor, right: torch.Tensor, limit: float) -> bool:
    return float((left - right).norm()) <= max(limit, 1e-9) * float(right.norm())


def _explain_other_character(experiment: Experiment, how: Representation, part: str) -> Explanation | None:
    """Returns the explanation if the output transforms by orthogonal matrices with the traces of other irreps."""
    plain = experiment.plain
    assert plain is not None
    values = part_of(plain, how, experiment.key[1])
    degree = degree_of(how, experiment.key[1])
    copy = 2 * (degree or 0) + 1
    for size in dict.fromkeys([copy, 3, 5, 9, values.shape[-1] if values.dim() else 1]):
        if values.dim() == 0 or size > 16 or values.shape[-1] % size or (size == 1):
            continue
        traces = _traces(experiment, lambda leaf: part_of(leaf, how, experiment.key[1]), size)
        content = None if traces is None else _decompose(traces, size)
        declared = {degree or 0: size // copy} if size % copy == 0 else {}
        if content and content != declared:
            is_ = _describe(content)
            of = _describe(declared) if declared else experiment.key[1] or "unchanged"
            angle, trace = _ANGLES[1], traces[1] if traces else math.nan
            return explained(
                "other-degree",
                f"{part} transforms as {is_} and is declared as {of}: under {angle} rad its matrix has trace "
                f"{trace:.3f} = {_describe_trace(content)}",
                f"Declare {is_} there, or compute what is declared.",
            )
    return None


def _traces(experiment: Experiment, of: Callable[[torch.Tensor], torch.Tensor], size: int) -> list[float] | None:
    """Returns the traces of the orthogonal matrices M(R) with f(R x) = M(R) f(x); None if there are none."""
    plain, found = experiment.plain, []
    assert plain is not None
    rows = of(plain).reshape(-1, size)
    if len(rows) < 2 * size or int(torch.linalg.matrix_rank(rows)) < size:
        return None
    axes = Rotation.random(len(_ANGLES), rng=np.random.default_rng(experiment.seed)).apply([0.0, 0.0, 1.0])
    for axis, angle in zip(axes, _ANGLES, strict=True):
        made = experiment.outcome(rotation(angle * axis)).made
        if made is None or made.shape != plain.shape:
            return None
        turned = of(made).reshape(-1, size)
        matrix = torch.linalg.lstsq(rows, turned, driver="gelsd").solution
        if not _close(rows @ matrix, turned, 100 * experiment.tolerance):
            return None
        if float((matrix @ matrix.T - torch.eye(size, dtype=matrix.dtype, device="cpu")).abs().max()) > 1e-5:
            return None
        found.append(float(matrix.trace()))
    return found


def _decompose(traces: list[float], size: int) -> dict[int, int] | None:
    """Returns degree -> multiplicity from the traces: a character is a sum of chi_l = 1 + 2 sum cos(m angle)."""
    highest = min(_HIGHEST, (size - 1) // 2)
    matrix = np.array([[_character(degree, angle) for degree in range(highest + 1)] for angle in _ANGLES])
    counts = np.rint(np.linalg.lstsq(matrix, np.array(traces), rcond=None)[0]).astype(int)
    fits = np.abs(matrix @ counts - traces).max() < 1e-4 and (counts >= 0).all()
    return {degree: int(n) for degree, n in enumerate(counts) if n} if fits else None


def _character(degree: int, angle: float) -> float:
    return 1 + 2 * sum(math.cos(m * angle) for m in range(1, degree + 1))


def _describe(content: dict[int, int]) -> str:
    return " + ".join(f"{n}x(l={degree})" for degree, n in content.items())


def _describe_trace(content: dict[int, int]) -> str:
    return " + ".join(f"{n}*{_character(degree, _ANGLES[1]):.3f}" for degree, n in content.items())


def explain_deviation(experiment: Experiment, part: str) -> Explanation | None:
    """Returns the explanation if rows that do not turn, or components in another order, make the deviation."""
    degree = degree_of(experiment.how, experiment.key[1])
    here = _deviations(experiment) if degree else None
    if not degree or here is None:
        return None

    def elsewhere() -> list[torch.Tensor] | None:
        other = experiment.with_inputs(noisy_everywhere(0.1, experiment.seed))
        return None if other is None else _deviations(other)

    limit = max(1e-6, 10 * experiment.tolerance, experiment.tolerance / max(experiment.error, 1e-300))
    return explain_added_rows(here, elsewhere, ORDINARY, degree, part, limit)


def _deviations(experiment: Experiment) -> list[torch.Tensor] | None:
    """Returns made minus wanted under ordinary rotations, as rows of components."""
    how, found = experiment.how, []
    for element in ORDINARY:
        outcome = experiment.outcome(element)
        if how is None or outcome.made is None or outcome.wanted is None or not outcome.comparable:
            return None
        found.append(rows_of(outcome.made - outcome.wanted, how, experiment.key[1]))
    return found
