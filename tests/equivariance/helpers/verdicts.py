"""Verdicts for reports that tests write by hand."""

from equivariance.findings import BROKEN, NOT_TESTED, SymmetryVerdict


def verdicts(*held, broken=(), unclaimed=None, untested=None):
    """Verdicts on symmetries that hold and that are broken, errors of unclaimed ones, reasons of untested ones."""
    return (
        *(SymmetryVerdict(symmetry) for symmetry in held),
        *(SymmetryVerdict(symmetry, BROKEN, error=1.0) for symmetry in broken),
        *(SymmetryVerdict(s, BROKEN, claimed=False, error=error) for s, error in (unclaimed or {}).items()),
        *(SymmetryVerdict(s, NOT_TESTED, reason=reason) for s, reason in (untested or {}).items()),
    )
