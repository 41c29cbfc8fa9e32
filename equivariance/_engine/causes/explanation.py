"""The standard remedies, one sentence each. Experiments that see more say more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance.cause_catalogue import remedy


@dataclass(frozen=True)
class Explanation:
    """Why a layer breaks a symmetry.

    Attributes:
        cause: One of `equivariance.cause_catalogue.CAUSES`
        evidence: One sentence that a person can check
        fix: One sentence, "" where there is no standard remedy
    """

    cause: str
    evidence: str
    fix: str


def explained(cause: str, evidence: str, fix: str = "") -> Explanation:
    """An explanation with the cause's own remedy where no better one is known."""
    return Explanation(cause, evidence, fix or remedy(cause))


def after_others(found: Explanation, before: Sequence[SourceLine]) -> Explanation:
    """Of a statement that breaks once more what others break before it."""
    where = ", ".join(dict.fromkeys(f"{Path(place.file).name}:{place.line}" for place in before))
    text = f"{found.evidence}; {where} breaks what goes into it, which shows once this statement is right"
    return Explanation(found.cause, text, found.fix)


def in_local_frame(found: Explanation, chosen: SourceLine) -> Explanation:
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
