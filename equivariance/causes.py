"""Why a layer breaks a symmetry, from experiments on the layer alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from equivariance.elements import Transform
from equivariance.errors import ForeignElementError
from equivariance.groups import rotation, translation
from equivariance.measure import compare
from equivariance.noise import Verdict
from equivariance.representations import Irreps, NodeIndices, Representation
from equivariance.survey import Surveyor
from equivariance.surveyed import Trial
from equivariance.trees import leaves

if TYPE_CHECKING:
    from equivariance.localize import Suspect


def explain(surveyor: Surveyor, symmetry: str, suspect: Suspect, element: Transform) -> tuple[str, str]:
    """A cause of :data:`equivariance.findings.CAUSES` and the sentence that shows it, under the shrunk ``element``."""
    if math.isinf(suspect.reading.error):
        return _not_comparable(surveyor, suspect)
    if suspect.reading.verdict == Verdict.PRECISION:
        return _precision(suspect)
    experiments = {
        "translation": _translation,
        "rotation": _rotation,
        "inversion": _inversion,
        "permutation": _permutation,
        "batch": _batch,
    }
    try:
        return experiments[symmetry](surveyor, suspect, element)
    except ForeignElementError as error:
        return "unknown", f"broken under {element}; what would tell why needs elements that its group has not ({error})"


def _not_comparable(surveyor: Surveyor, suspect: Suspect) -> tuple[str, str]:
    if any(bool((~torch.isfinite(left)).any()) for left, _, _ in _pairs(surveyor, suspect)):
        return "not-finite", f"NaN or infinity under {suspect.trial.element}, though the reference run is finite"
    return "unknown", f"another shape, or another course of the program, under {suspect.trial.element}"


def _translation(surveyor: Surveyor, suspect: Suspect, element: Transform) -> tuple[str, str]:
    slope, carried = _slope(surveyor, suspect), _carried(surveyor, suspect)
    growth = f"grows as |t|^{slope:.2f}" if slope is not None else "does not vanish"
    share = f" and carries {carried:.3f} t" if carried is not None else ""
    return "absolute-position", f"the error {growth}{share}: a position is used where a difference of positions is due"


def _slope(surveyor: Surveyor, suspect: Suspect) -> float | None:
    """Exponent of the error over the length of the translation."""
    points = []
    for factor in (0.25, 1.0, 4.0):
        longer = translation(factor * np.array(suspect.trial.element.vector))
        error = _error(surveyor, suspect, longer)
        if 0 < error < math.inf:
            points.append((math.log(factor), math.log(error)))
    if len(points) < 2:
        return None
    lengths, errors = zip(*points, strict=True)
    return float(np.polyfit(lengths, errors, 1)[0])


def _carried(surveyor: Surveyor, suspect: Suspect) -> float | None:
    """How much of t the deviation carries: the regression of the deviation on t, where it has components x, y, z."""
    vector = torch.tensor(suspect.trial.element.vector, dtype=torch.float64)
    for left, right, _ in _pairs(surveyor, suspect):
        if left.shape[-1:] != (3,) or left.shape != right.shape:
            continue
        difference = (left - right).to(torch.float64).cpu().reshape(-1, 3)
        share = float((difference @ vector).mean() / vector.square().sum())
        rest = difference - share * vector
        return share if float(rest.norm()) < 1e-3 * float(difference.norm()) else None
    return None


def _rotation(surveyor: Surveyor, suspect: Suspect, element: Transform) -> tuple[str, str]:
    if _reordered(surveyor, suspect):
        return (
            "order-dependent",
            "the same numbers come in another order: the result of a search or a sort is used by place",
        )
    law = _other_law(surveyor, suspect)
    if law:
        return "wrong-irrep", law
    limit = suspect.reading.limit
    free = [a for a, v in zip("xyz", np.eye(3), strict=True) if _error(surveyor, suspect, rotation(v)) <= limit]
    if len(free) == 1:
        return (
            "frame-dependent",
            f"rotations about {free[0]} are respected and others are not: the axis {free[0]} is built in",
        )
    return "component-mixing", (
        f"{suspect.part} is off by {_error(surveyor, suspect, element):.2g} under {element}: "
        "components of an irrep are mixed or shifted one by one"
    )


def _inversion(surveyor: Surveyor, suspect: Suspect, element: Transform) -> tuple[str, str]:
    if abs(suspect.reading.error - 2) < 0.01:
        return (
            "wrong-irrep",
            "the sign is opposite under inversion: the declared parity is not the one that is computed",
        )
    return "wrong-irrep", f"even and odd parts are mixed: the error under inversion is {suspect.reading.error:.2g}"


def _permutation(surveyor: Surveyor, suspect: Suspect, element: Transform) -> tuple[str, str]:
    error = _error(surveyor, suspect, element)
    return "order-dependent", f"another node order changes the result by {error:.2g}: node numbers are used as data"


def _batch(surveyor: Surveyor, suspect: Suspect, element: Transform) -> tuple[str, str]:
    chosen = list(element.samples or ())
    return "batch-coupled", (
        f"the result for samples {chosen} out of {element.of} changes by {_error(surveyor, suspect, element):.2g} "
        "when the batch is made of these alone: it depends on its company"
    )


def _precision(suspect: Suspect) -> tuple[str, str]:
    return "precision", f"the error stalls at {suspect.reading.error:.1g} in float64: a constant was rounded to float32"


def _reordered(surveyor: Surveyor, suspect: Suspect) -> bool:
    """Whether index rows hold the same numbers in another order."""
    return any(
        isinstance(representation, NodeIndices)
        and left.shape == right.shape
        and torch.equal(left.sort(dim=-1).values, right.sort(dim=-1).values)
        for left, right, representation in _pairs(surveyor, suspect)
    )


def _other_law(surveyor: Surveyor, suspect: Suspect) -> str:
    """The law that the output obeys instead of the declared one, if it is among the usual mistakes."""
    if not any(isinstance(representation, Irreps) for _, _, representation in _pairs(surveyor, suspect)):
        return ""
    element, reference = suspect.trial.element, surveyor.bench.reference(suspect.trial.state)
    made, spec = _made(surveyor, suspect), reference.spec(suspect.site)
    candidates = {
        "does not change at all under rotation, though it is declared to": Transform(),
        "transforms with R^T in place of R": element.inverse(),
    }
    for text, instead in candidates.items():
        expected = reference.expected(suspect.site, instead, surveyor.bench.main)
        error = compare(made, expected, spec, element).get(suspect.key)
        if error is not None and error.relative <= suspect.reading.limit:
            return f"{suspect.part} {text}"
    return ""


def _error(surveyor: Surveyor, suspect: Suspect, element: Transform) -> float:
    """The introduced error of the suspect's worst part under another element."""
    errors = surveyor.judged(Trial(element, suspect.trial.state), suspect.owner).errors.get(suspect.site, {})
    return errors[suspect.key].relative if suspect.key in errors else 0.0


def _made(surveyor: Surveyor, suspect: Suspect) -> Any:
    """What the suspect made of exact surroundings at its worst site and trial; None if it took another course."""
    return surveyor.judged(suspect.trial, suspect.owner).kept.get(suspect.site)


def _pairs(surveyor: Surveyor, suspect: Suspect) -> list[tuple[torch.Tensor, torch.Tensor, Representation]]:
    """The worst leaf: what the suspect made, what it should have made, and how that transforms."""
    reference, site = surveyor.bench.reference(suspect.trial.state), suspect.site
    made = _made(surveyor, suspect)
    if made is None or not reference.has(site):
        return []
    spec = reference.spec(site)
    given = leaves(made, spec)
    wanted = leaves(reference.expected(site, suspect.trial.element, surveyor.bench.main), spec)
    if len(given) != len(wanted):
        return []
    both = zip(given, wanted, strict=True)
    return [(left, right, how) for (path, left, how), (_, right, _) in both if path == suspect.key[0]]
