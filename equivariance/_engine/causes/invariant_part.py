"""Invariant numbers in the place of a vector: added to what turns, they stay behind when everything else turns."""

from __future__ import annotations

import torch

from equivariance._engine.causes.experiment import Experiment, degree_of, part_of
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.fixed_axes import ORDINARY
from equivariance._engine.instrumentation.perturbations import noisy
from equivariance.representations.wigner import wigner_d


def invariant_part(experiment: Experiment, part: str) -> Explanation | None:
    """Numbers that each row gets, that depend on the input, and that no rotation changes.

    With f(x) = a(x) + c(x), a equivariant and c invariant, the deviation f(g x) - D f(x) is (1 - D) c(x): one c for
    each row explains the deviations under all rotations. A c of constant direction is a bias, and told elsewhere.
    """
    degree = degree_of(experiment.how, experiment.key[1])
    if not degree:
        return None
    here, other = _solved(experiment, degree), experiment.on(noisy(0.3, experiment.surveyor.seed))
    there = None if here is None or other is None else _solved(other, degree)
    if here is None or there is None or here.shape != there.shape:
        return None
    plain = experiment.plain
    if plain is None or _alike(here, there):
        return None
    share = float(here.norm()) / float(part_of(plain, experiment.how, experiment.key[1]).norm())  # type: ignore[arg-type]
    return explained(
        "wrong-irrep",
        f"under every rotation D, {part} is off by (1 - D) c with one c, {share:.2g} of its size, that changes with "
        "the input: invariant numbers stand where components should turn",
        "Turn the numbers back before they are added (multiply by the frame that they were taken in, or by a vector), "
        "or keep them as scalars (0e).",
    )


def _alike(here: torch.Tensor, there: torch.Tensor) -> bool:
    """Whether all rows keep their directions, as a bias does that is scaled later."""
    sizes = here.norm(dim=1) * there.norm(dim=1)
    return bool(((here * there).sum(1).abs() >= (1 - 1e-6) * sizes).all())


def _solved(experiment: Experiment, degree: int) -> torch.Tensor | None:
    """The rows c, [rows, 2l+1]; None where no such numbers explain the deviations."""
    how, size = experiment.how, 2 * degree + 1
    deviations, maps = [], []
    for element in ORDINARY:
        outcome = experiment.under(element)
        if how is None or outcome.made is None or outcome.wanted is None or not outcome.comparable:
            return None
        deviations.append(part_of(outcome.made - outcome.wanted, how, experiment.key[1]).reshape(-1, size))
        maps.append(torch.eye(size, dtype=torch.float64) - wigner_d(degree, 1, element).T)
    known, matrix = torch.cat(deviations, 1), torch.cat(maps, 1)
    found = torch.linalg.lstsq(matrix.T, known.T, driver="gelsd").solution.T
    close = float((found @ matrix - known).norm()) <= max(1e-6, 10 * experiment.limit) * float(known.norm())
    return found if close else None
