"""Makes the verdict on each symmetry of the network as a whole: holds, broken or not tested, and what it rests on.

`examine` calls it. Errors come from `localizer` and `survey`, assumptions from `contracts`. The rules are described in
docs/verdicts.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from equivariance._engine.diagnosis.localizer import LocalizedSymmetry
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.source_lines import location_at, location_of, raised_at
from equivariance._engine.instrumentation.testbed import Capabilities, Runner
from equivariance._engine.measurement.prepare import BoundCall, UnjudgedOutputs
from equivariance._engine.measurement.verdict import Measurement, Verdict
from equivariance.cause_catalogue import remedy
from equivariance.errors import TransformedInputError
from equivariance.findings import BROKEN, HOLDS, NOT_TESTED, Finding, SymmetryVerdict
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry
from equivariance.groups.sampling import Group

_RAISED: dict[str, str] = {
    Symmetry.TRANSLATION: "absolute-position",
    Symmetry.ROTATION: "frame-dependent",
    Symmetry.INVERSION: "frame-dependent",
    Symmetry.PERMUTATION: "order-dependent",
    Symmetry.BATCH: "batch-coupled",
    Symmetry.LATTICE: "periodic-image",
    Symmetry.MIRROR: "frame-dependent",
    Symmetry.SWAP: "order-dependent",
}
"""Symmetry -> the cause if the network raises an error on transformed inputs."""


@dataclass(frozen=True)
class Basis:
    """The grounds of the representations of a call.

    Attributes:
        kind: "declared", "read off" or "assumed".
        doubts: Symmetry -> the assumptions that a person could doubt, one phrase each.
    """

    kind: str = "declared"
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def under(self, symmetry: str) -> tuple[str, tuple[str, ...]]:
        """Returns what the verdict on a symmetry rests on, and the assumptions to doubt."""
        doubts = self.doubts.get(symmetry, ())
        return ("assumed" if doubts else "read off" if self.kind != "declared" else "declared"), doubts


@dataclass(frozen=True)
class VerdictMaker:
    """Makes the verdicts on the symmetries of one call.

    Attributes:
        call: The call.
        basis: What its representations rest on.
        vacuous: Why a symmetry that is not broken proves nothing, or "".
        remark: How random numbers were treated, or "".
        able: The states that the network runs in.
        unjudged: Symmetry -> the tensors of the output that obey no known law under it.
    """

    call: BoundCall
    basis: Basis
    vacuous: str = ""
    remark: str = ""
    able: Capabilities | None = None
    unjudged: Mapping[str, UnjudgedOutputs] = field(default_factory=dict)

    def of_localized(self, group: Group, found: LocalizedSymmetry) -> SymmetryVerdict:
        """Returns the verdict on a claimed symmetry that was tested."""
        if not found.broken and group.symmetry in self.unjudged:
            return self._in_part(group, found.output)
        return self._measured(group, found.output, BROKEN if found.broken else HOLDS, found.skipped)

    def of_unclaimed(self, group: Group, found: Measurement) -> SymmetryVerdict:
        """Returns the verdict on a symmetry that nobody claims."""
        broken = BROKEN if found.error > found.tolerance else HOLDS
        if broken == HOLDS and group.symmetry in self.unjudged:
            return replace(self._in_part(group, found), claimed=False, named=False)
        return replace(self._measured(group, found, broken, ()), claimed=False, named=False)

    def _in_part(self, group: Group, found: Measurement | None) -> SymmetryVerdict:
        """Returns the verdict on a symmetry that some tensors of the output keep and others could not be tested for."""
        error = 0.0 if found is None else found.error
        rest = f"; the other tensors of the output keep the symmetry (error {error:.1e})"
        return self.not_tested(group.symmetry, self.unjudged[group.symmetry].reason + rest)

    def not_tested(self, symmetry: str, reason: str, claimed: bool = True) -> SymmetryVerdict:
        """Returns the verdict on a symmetry that was not tested."""
        named = claimed and self._is_named(symmetry)
        return SymmetryVerdict(symmetry, NOT_TESTED, claimed=claimed, named=named, reason=reason)

    def _is_named(self, symmetry: str) -> bool:
        """True if the caller named a symmetry, or chose a group for which a declaration is missing."""
        named = self.call.settings.named
        return named is not None and (symmetry in named or symmetry in self.unjudged)

    def of_raised(self, group: Group, finding: Finding) -> SymmetryVerdict:
        """Returns the verdict on a symmetry whose transformed inputs make the network raise an error."""
        return replace(self._measured(group, None, BROKEN, ()), error=finding.error)

    def _measured(
        self, group: Group, found: Measurement | None, verdict: str, remarks: tuple[str, ...]
    ) -> SymmetryVerdict:
        basis, doubts = self.basis.under(group.symmetry)
        remarks += (*filter(None, [self._remark_on_training(group.symmetry)]),)
        remarks += (self.unjudged[group.symmetry].reason,) if group.symmetry in self.unjudged else ()
        sizes = (found.error, found.tested_error, found.tested_floor) if found else (0.0, 0.0, 0.0)
        excuse = "" if found is None or verdict == BROKEN or found.verdict == Verdict.CLEAN else str(found.verdict)
        return SymmetryVerdict(
            group.symmetry, verdict, True, self._is_named(group.symmetry), *sizes, excuse, basis, doubts, remarks
        )

    def _remark_on_training(self, symmetry: str) -> str:
        """Returns which states were left out, or how random numbers were treated in them, or ""."""
        able = self.able
        if able is None or len(able.states_under(symmetry)) == len(able.states):
            return self.remark
        why = "random masks follow places" if able.masks else "it may couple samples on purpose"
        return f"training mode is not tested: {why}"


def finding_of_raised(error: TransformedInputError, symmetry: str, runner: Runner) -> Finding:
    """Returns the finding for a network that raises an error on transformed inputs, at the statement that raised."""
    cause, element = _RAISED.get(symmetry, "unknown"), error.value
    place = raised_at(error.__cause__) if error.__cause__ is not None else None
    module = runner.module(runner.states[0], runner.reference_dtype)
    return Finding(
        layer=ROOT.layer,
        symmetry=symmetry,
        cause=cause,
        evidence=f"it runs on the given inputs; on transformed inputs it raises {error.reason}",
        location=location_at(place) if place else location_of(module, ROOT.layer),
        located="suspect" if place else "layer",
        error=float("inf"),
        contributed=float("inf"),
        counterexample=element if isinstance(element, Transform) else None,
        state=str(runner.states[0]),
        fix=remedy(cause),
    )
