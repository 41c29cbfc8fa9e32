"""Why a layer breaks a symmetry, from experiments on the layer alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from equivariance.elements import Transform
from equivariance.groups import rotation
from equivariance.handlers import Site
from equivariance.measure import compare
from equivariance.representations import Irreps, NodeIndices
from equivariance.survey import Survey, Surveyor, Trial
from equivariance.trees import leaves, transform

if TYPE_CHECKING:
    from equivariance.localize import Suspect


def explain(surveyor: Surveyor, survey: Survey, suspect: Suspect, element: Transform) -> tuple[str, str]:
    """A cause of :data:`equivariance.findings.CAUSES` and the sentence that shows it."""
    if math.isinf(suspect.reading.error):
        return _not_comparable(surveyor, suspect)
    experiments = {
        "translation": _translation,
        "rotation": _rotation,
        "inversion": _inversion,
        "permutation": _permutation,
        "batch": _batch,
    }
    return experiments[survey.symmetry](surveyor, survey, suspect, element)


def _not_comparable(surveyor: Surveyor, suspect: Suspect) -> tuple[str, str]:
    made, _ = _values(surveyor, suspect, suspect.trial.element)
    if made is not None and any(bool((~torch.isfinite(t)).any()) for _, t, _ in leaves(made, _spec(surveyor, suspect))):
        return "not-finite", f"NaN or infinity under {suspect.trial.element}, though the reference run is finite"
    return "unknown", f"another shape, or another course of the program, under {suspect.trial.element}"


def _translation(surveyor: Surveyor, survey: Survey, suspect: Suspect, element: Transform) -> tuple[str, str]:
    if suspect.reading.verdict.name == "PRECISION":
        return _precision(suspect)
    slope, carried = _slope(survey, suspect), _carried(surveyor, suspect)
    growth = f"grows as |t|^{slope:.2f}" if slope is not None else "does not vanish"
    share = f" and carries {carried:.3f} t" if carried is not None else ""
    return "absolute-position", f"the error {growth}{share}: a position is used where a difference of positions is due"


def _slope(survey: Survey, suspect: Suspect) -> float | None:
    """Exponent of the error over the length of the translation."""
    points = []
    for trial, errors in survey.trials:
        part = errors.get(suspect.site, {}).get(suspect.key)
        if part is not None and 0 < part.relative < math.inf and trial.element.distance > 0:
            points.append((math.log(trial.element.distance), math.log(part.relative)))
    if len({x for x, _ in points}) < 2:
        return None
    return float(np.polyfit(*np.array(points).T, 1)[0])


def _carried(surveyor: Surveyor, suspect: Suspect) -> float | None:
    """How much of t the deviation carries: the regression of the deviation on t, where it has components x, y, z."""
    made, exact = _values(surveyor, suspect, suspect.trial.element)
    vector = torch.tensor(suspect.trial.element.vector, dtype=torch.float64)
    for (path, left, representation), (_, right, _) in zip(
        leaves(made, _spec(surveyor, suspect)), leaves(exact, _spec(surveyor, suspect)), strict=True
    ):
        if path != suspect.key[0] or left.shape[-1:] != (3,):
            continue
        difference = (left - right).to(torch.float64).reshape(-1, 3)
        share = float((difference @ vector).mean() / vector.square().sum())
        rest = difference - share * vector
        return share if float(rest.norm()) < 1e-3 * float(difference.norm()) else None
    return None


def _rotation(surveyor: Surveyor, survey: Survey, suspect: Suspect, element: Transform) -> tuple[str, str]:
    if suspect.reading.verdict.name == "PRECISION":
        return _precision(suspect)
    if _reordered(surveyor, suspect):
        return "order-dependent", "the same numbers come in another order: the result of a search or a sort is used by place"
    law = _other_law(surveyor, suspect)
    if law:
        return "wrong-irrep", law
    free = [axis for axis, vector in zip("xyz", np.eye(3), strict=True) if _holds(surveyor, suspect, rotation(vector))]
    if len(free) == 1:
        return "frame-dependent", f"rotations about {free[0]} are respected and others are not: the axis {free[0]} is built in"
    return "component-mixing", (
        f"the components of {suspect.part} change by {suspect.reading.error:.2g} under {element}: "
        "components of an irrep are mixed or shifted one by one"
    )


def _inversion(surveyor: Surveyor, survey: Survey, suspect: Suspect, element: Transform) -> tuple[str, str]:
    if suspect.reading.error > 1.99 and suspect.reading.error < 2.01:
        return "wrong-irrep", "the sign is opposite under inversion: the declared parity is not the one that is computed"
    return "wrong-irrep", f"even and odd parts are mixed: the error under inversion is {suspect.reading.error:.2g}"


def _permutation(surveyor: Surveyor, survey: Survey, suspect: Suspect, element: Transform) -> tuple[str, str]:
    return "order-dependent", f"another node order changes the result by {suspect.reading.error:.2g}: node numbers are used as data"


def _batch(surveyor: Surveyor, survey: Survey, suspect: Suspect, element: Transform) -> tuple[str, str]:
    chosen = list(element.samples or ())
    return "batch-coupled", (
        f"the result for samples {chosen} of {element.of} depends on the others: "
        f"it changes by {suspect.reading.error:.2g} without them"
    )


def _precision(suspect: Suspect) -> tuple[str, str]:
    return "precision", f"the error stalls at {suspect.reading.error:.1g} in float64: a constant was rounded to float32"


def _reordered(surveyor: Surveyor, suspect: Suspect) -> bool:
    """Whether index rows hold the same numbers in another order."""
    made, exact = _values(surveyor, suspect, suspect.trial.element)
    spec = _spec(surveyor, suspect)
    for (path, left, representation), (_, right, _) in zip(leaves(made, spec), leaves(exact, spec), strict=True):
        if path == suspect.key[0] and isinstance(representation, NodeIndices) and left.shape == right.shape:
            return bool(torch.equal(left.sort(dim=-1).values, right.sort(dim=-1).values))
    return False


def _other_law(surveyor: Surveyor, suspect: Suspect) -> str:
    """The law that the output obeys instead of the declared one, if it is among the usual mistakes."""
    element, spec = suspect.trial.element, _spec(surveyor, suspect)
    made, _ = _values(surveyor, suspect, element)
    reference = surveyor.bench.reference(suspect.trial.state)
    source = reference.expected(suspect.site, Transform(), surveyor.bench.main)
    limit = suspect.reading.limit
    candidates = {
        "does not change at all under rotation, though it is declared to": Transform(),
        "transforms with R^T in place of R": element.inverse(),
    }
    for text, instead in candidates.items():
        expected = transform(source, spec, instead)
        error = compare(made, expected, spec, element).get(suspect.key)
        if error is not None and error.relative <= limit and _is_irreps(spec, made, suspect):
            return f"{suspect.part} {text}"
    return ""


def _is_irreps(spec: object, value: Any, suspect: Suspect) -> bool:
    return any(p == suspect.key[0] and isinstance(r, Irreps) for p, _, r in leaves(value, spec))


def _holds(surveyor: Surveyor, suspect: Suspect, element: Transform) -> bool:
    errors = surveyor.judged(Trial(element, suspect.trial.state), suspect.owner).errors.get(suspect.site, {})
    return suspect.key in errors and errors[suspect.key].relative <= suspect.reading.limit


def _values(surveyor: Surveyor, suspect: Suspect, element: Transform) -> tuple[Any, Any]:
    """What the suspect makes of exact surroundings, and what it should make."""
    trial = Trial(element, suspect.trial.state)
    reference = surveyor.bench.reference(trial.state)
    if not reference.has(suspect.site):
        return None, None
    made = surveyor.judged(trial, suspect.owner).kept.get(suspect.site)
    return made, reference.expected(suspect.site, element, surveyor.bench.main)


def _spec(surveyor: Surveyor, suspect: Suspect) -> object:
    site: Site = suspect.site
    return surveyor.bench.reference(suspect.trial.state).spec(site)
