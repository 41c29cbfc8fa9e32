"""Reads the causes that a merged finding names, for tests."""

import re

_CLAUSE = re.compile(r"under (.+) it is ([\w-]+)")


def causes_by_symmetry(finding):
    """Pairs of a symmetry and its cause: that of the finding, or the one that the evidence names."""
    clauses = filter(None, map(_CLAUSE.fullmatch, finding.evidence.split("; ")))
    named = {symmetry: clause[2] for clause in clauses for symmetry in clause[1].split(", ")}
    return {(symmetry, named.get(symmetry, finding.cause)) for symmetry in finding.symmetries}
