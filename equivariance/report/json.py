"""The report as JSON, with a version of its layout."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from typing import Any

from equivariance.findings import Finding, Outcome

SCHEMA_VERSION = 1
"""Raised when a field is renamed or removed; added fields do not count."""


def to_json(reports: Sequence[Outcome]) -> str:
    """One object, as `schema` describes it: the version, and each report with its findings, notes and layers.

    Infinities are the strings "inf" and "-inf": JSON has no number for them. The cloud and the errors at its nodes are
    left out: they are a picture, of thousands of numbers, which the HTML page shows.
    """
    body = {
        "schema_version": SCHEMA_VERSION,
        "ok": all(r.ok for r in reports),
        "reports": [_report(r) for r in reports],
    }
    return json.dumps(_finite(body), indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `to_json` writes; it is a file of the package."""
    text = files("equivariance.report").joinpath("schema.json").read_text(encoding="utf-8")
    described: dict[str, Any] = json.loads(text)
    return described


def _report(report: Outcome) -> dict[str, Any]:
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
    fields = asdict(replace(finding, node_errors=()))
    del fields["node_errors"]
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
