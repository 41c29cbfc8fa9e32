"""The standard remedies, one sentence each. Experiments that see more say more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from equivariance._engine.instrumentation.source_lines import Place

REMEDIES = {
    "absolute-position": "Use differences of positions: x_i - x_j, or subtract the centroid of the sample first.",
    "component-mixing": (
        "Act on invariants (norms, scalars) and multiply the vectors by the result; leave single components alone."
    ),
    "wrong-irrep": "Declare the representation that is computed, or compute the one that is declared.",
    "frame-dependent": (
        "Build directions from the data (differences of positions, cross products of them), not from fixed axes or "
        "angles about them."
    ),
    "order-dependent": "Aggregate over nodes by sum, mean or max, and let no node number or place in a list enter.",
    "batch-coupled": (
        "Aggregate per sample: reduce over the axis of the nodes only, or by the batch vector (scatter, index_add)."
    ),
    "discrete-tie": "Break ties by geometry that all poses share, or let the weights of what is selected fade to zero.",
    "precision": "Keep constants in float64 and cast them where they are used: tensor.to(x), or math.sqrt, math.pi.",
    "ill-conditioned": (
        "Keep away from the singularity: clamp, use a stable formula (atan2 for acos), centre before subtracting."
    ),
    "discretization": (
        "Work on the positions themselves, or make the grid finer: the error is of the size of a cell; or align the "
        "grid with the data (principal axes)."
    ),
    "nondeterministic": "Seed, or switch off in evaluation mode, what draws random numbers.",
    "not-finite": "Guard the operation: clamp its argument, or replace x / |x| by x / max(|x|, eps).",
    "vanishing": "Give inputs and weights for which the output is not zero: perturb them, or load trained ones.",
    "undeclared-input": "Declare the representation of this input.",
}


def remedy(cause: str) -> str:
    """The standard remedy of a cause of :data:`equivariance.findings.CAUSES`; "" where there is none."""
    return REMEDIES.get(cause, "")


@dataclass(frozen=True)
class Explanation:
    """Why a layer breaks a symmetry.

    Attributes
    ----------
    cause : one of :data:`equivariance.findings.CAUSES`
    evidence : one sentence that a person can check
    fix : one sentence, "" where there is no standard remedy
    """

    cause: str
    evidence: str
    fix: str


def explained(cause: str, evidence: str, fix: str = "") -> Explanation:
    """An explanation with the cause's own remedy where no better one is known."""
    return Explanation(cause, evidence, fix or remedy(cause))


def after_others(found: Explanation, before: Sequence[Place]) -> Explanation:
    """Of a statement that breaks once more what others break before it."""
    where = ", ".join(dict.fromkeys(f"{Path(place.file).name}:{place.line}" for place in before))
    text = f"{found.evidence}; {where} breaks what goes into it, which shows once this statement is right"
    return Explanation(found.cause, text, found.fix)


def in_local_frame(found: Explanation, chosen: Place) -> Explanation:
    """Of a statement that works in a frame that is chosen elsewhere, and minds the choice."""
    where = f"{Path(chosen.file).name}:{chosen.line}"
    text = (
        f"it works in the local frame that {where} chooses, and without it the output keeps its law: the choice of "
        f"the frame does not drop out here ({found.evidence})"
    )
    fix = (
        "Mix, scale or bend the components of a local frame only as all frames that could have been chosen allow: "
        "about an edge, orders m and -m in blocks (a, -b; b, a), without a bias, activations on their norms."
    )
    return Explanation(found.cause, text, fix)
