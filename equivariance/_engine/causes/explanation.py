"""Defines the result of an experiment: a cause, a mechanism, the evidence and a remedy.

The modules of the symmetries make explanations; `diagnosis.localizer` makes findings from them. This module runs
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from equivariance._engine.instrumentation.operations import Operation
from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance.cause_catalogue import mechanism_named, remedy


@dataclass(frozen=True)
class Explanation:
    """A cause with its evidence and a remedy.

    Attributes:
        cause: One of `equivariance.cause_catalogue.CAUSES`.
        evidence: One sentence that a person can check.
        mechanism: The name of one of `equivariance.cause_catalogue.MECHANISMS`, "" if the experiments show none.
        own_fix: A remedy that is more precise than that of the catalogue, or "".
        origin: The operation in which the mistake was made, if the experiment finds that the statement at fault only
            shows it; else None.
    """

    cause: str
    evidence: str
    mechanism: str = ""
    own_fix: str = ""
    origin: Operation | None = None

    @property
    def fix(self) -> str:
        """The remedy in one sentence: `own_fix`, else that of the mechanism, else that of the cause, else ""."""
        general = mechanism_named(self.mechanism).remedy if self.mechanism else remedy(self.cause)
        return self.own_fix or general

    def after_others(self, before: Sequence[SourceLine]) -> Explanation:
        """Returns the explanation for a violation that shows only if the statements `before` it are repaired."""
        where = ", ".join(dict.fromkeys(f"{Path(place.file).name}:{place.line}" for place in before))
        text = f"{self.evidence}; {where} breaks what goes into it, which shows once this statement is right"
        return replace(self, evidence=text)

    def in_local_frame(self, chosen: SourceLine) -> Explanation:
        """Returns the explanation for a statement whose result depends on the local frame that `chosen` selects."""
        where = f"{Path(chosen.file).name}:{chosen.line}"
        text = (
            f"it works in the local frame that {where} chooses, and without it the output keeps its law: the choice of "
            f"the frame does not drop out here ({self.evidence})"
        )
        fix = (
            "Mix, scale or bend the components of a local frame only as all frames that could have been chosen allow: "
            "about an edge, orders m and -m in blocks (a, -b; b, a), without a bias, activations on their norms."
        )
        return Explanation(self.cause, text, self.mechanism, fix)


def explained(mechanism: str, evidence: str, own_fix: str = "") -> Explanation:
    """Returns the explanation by a mechanism, with the cause that the catalogue gives for it.

    Args:
        mechanism: The name of one of `equivariance.cause_catalogue.MECHANISMS`.
        evidence: One sentence that a person can check.
        own_fix: A remedy that is more precise than that of the catalogue, or "".
    """
    return Explanation(mechanism_named(mechanism).cause, evidence, mechanism, own_fix)
