"""Says what a finding is about: symmetries, cause, layers and the expression at fault, in the words of every format.

`text`, `sarif`, `html` and the pytest plugin call it.
"""

from __future__ import annotations

import linecache
import re

from equivariance._words import listed
from equivariance.findings import Finding, Location

_ASSIGNS = re.compile(r"(return |[\w\s.,\[\]:]+ [-+*/@|&^%<>]{0,2}= )?")
"""The beginning of a statement whose value is the rest of its line."""


def symmetry_words(finding: Finding) -> str:
    """Returns the symmetries that a finding breaks."""
    return ", ".join(finding.symmetries) if finding.symmetry != "none" else "no transformation needed"


def cause_words(finding: Finding) -> str:
    """Returns the cause, with the mechanism in brackets."""
    return f"{finding.cause} ({finding.mechanism})" if finding.mechanism else finding.cause


def layer_words(finding: Finding) -> str:
    """Returns the paths of the layers, or words for the root; of many layers only the first ones."""
    return listed([layer or "(the whole)" for layer in finding.layers])


def expression_span(location: Location) -> tuple[int, int] | None:
    """Returns the first character of the expression at fault in `location.source`, and the one after its last.

    Returns None if the statement assigns or returns the expression as a whole, or if the file has changed.
    """
    if location.columns is None:
        return None
    line = linecache.getline(location.file, location.line)
    if line.strip() != location.source:
        return None
    indent = len(line) - len(line.lstrip())
    start, end = location.columns[0] - 1 - indent, location.columns[1] - indent
    before, after = location.source[:start], location.source[end:].strip()
    whole = _ASSIGNS.fullmatch(before) and (not after or after.startswith("#"))
    return None if whole else (start, end)


def expression_at(location: Location) -> str:
    """Returns the text of the expression at fault; "" if `expression_span` returns None."""
    span = expression_span(location)
    return location.source[slice(*span)] if span else ""
