"""The report as JSON, with a version of its layout."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from equivariance.findings import Finding, Report

SCHEMA_VERSION = 1
"""Raised when a field is renamed or removed; added fields do not count."""


def to_json(reports: Sequence[Report]) -> str:
    """One object: the schema version, and each report with its findings, notes and layers.

    Infinities are the strings "inf" and "-inf": JSON has no number for them.
    """
    body = {
        "schema_version": SCHEMA_VERSION,
        "ok": all(r.ok for r in reports),
        "reports": [_report(r) for r in reports],
    }
    return json.dumps(_finite(body), indent=2, allow_nan=False) + "\n"


def _report(report: Report) -> dict[str, Any]:
    return {
        "subject": report.subject,
        "ok": report.ok,
        "symmetries": list(report.symmetries),
        "findings": [_finding(f) for f in report.findings],
        "notes": [_finding(f) for f in report.notes],
        "layers": [asdict(row) for row in report.layers],
        "unclaimed": [asdict(u) for u in report.unclaimed],
        "assumptions": report.assumptions,
        "settings": report.settings,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields = asdict(finding)
    fields["counterexample"] = None if finding.counterexample is None else repr(finding.counterexample)
    return fields


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value
