"""Writes reports as JSON with a version of the layout.

`Report.to_json` and the command line call it. The layout is described by the JSON Schema in `schema.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from typing import Any

from equivariance._printable import printable
from equivariance.findings import Finding, Outcome

SCHEMA_VERSION = 2
"""Increased if a field is renamed or removed; an added field does not change it."""


def to_json(reports: Sequence[Outcome]) -> str:
    """Returns one JSON object with the version and, for each report, its findings, notes and layers.

    Infinities are the strings "inf" and "-inf", because JSON has no number for them. The point cloud and the errors at
    its nodes are left out: they are thousands of numbers, which the HTML page shows as a picture.
    """
    body = {
        "schema_version": SCHEMA_VERSION,
        "ok": all(r.ok for r in reports),
        "complete": all(r.complete for r in reports),
        "reports": [_report(r) for r in reports],
    }
    return json.dumps(_encode(body), indent=2, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of the output of `to_json`, read from `schema.json` of this package."""
    text = files("equivariance.report").joinpath("schema.json").read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def _report(report: Outcome) -> dict[str, Any]:
    return {
        "subject": report.subject,
        "ok": report.ok,
        "complete": report.complete,
        "verdicts": [asdict(v) for v in report.verdicts],
        "findings": [_finding(f) for f in report.findings],
        "notes": [_finding(f) for f in report.notes],
        "layers": [asdict(row) for row in report.layers],
        "assumptions": report.assumptions,
        "settings": report.settings,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields = asdict(replace(finding, node_errors=()))
    del fields["node_errors"]
    fields["counterexample"] = None if finding.counterexample is None else repr(finding.counterexample)
    return fields


def _encode(value: Any) -> Any:
    """Returns the value with strings for infinities and NaN, and with printable text."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {_encode(k): _encode(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(v) for v in value]
    return value
