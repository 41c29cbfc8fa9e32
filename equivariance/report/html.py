"""The report as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence

from equivariance.findings import Report


def to_html(reports: Sequence[Report]) -> str:
    """Placeholder body."""
    return "".join(map(str, reports))
