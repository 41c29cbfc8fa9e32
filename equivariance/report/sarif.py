"""The findings as SARIF 2.1.0, the format of code scanning services."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any

from equivariance.findings import CAUSES, Finding, Report


def to_sarif(reports: Sequence[Report]) -> str:
    """One run; a rule for each cause, a result for each finding (error) and note (note)."""
    results = [_result(r, f, "error") for r in reports for f in r.findings]
    results += [_result(r, f, "note") for r in reports for f in r.notes]
    rules = [{"id": cause, "shortDescription": {"text": cause.replace("-", " ")}} for cause in CAUSES]
    driver = {"name": "equivariance", "version": _version(), "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results, "columnKind": "utf16CodeUnits"}],
    }
    return json.dumps(log, indent=2) + "\n"


def _result(report: Report, finding: Finding, level: str) -> dict[str, Any]:
    where = f"{report.subject}: {finding.layer or 'the whole network'}"
    text = f"{where} breaks {finding.symmetry} ({finding.cause}): {finding.evidence}"
    if finding.symmetry == "none":
        text = f"{where}: {finding.cause}: {finding.evidence}"
    result: dict[str, Any] = {
        "ruleId": finding.cause,
        "ruleIndex": CAUSES.index(finding.cause),
        "level": level,
        "message": {"text": text},
    }
    logical = {"fullyQualifiedName": finding.layer or report.subject, "kind": "module"}
    location: dict[str, Any] = {"logicalLocations": [logical]}
    if finding.location is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": PurePath(finding.location.file).as_posix()},
            "region": {"startLine": finding.location.line, "snippet": {"text": finding.location.source}},
        }
    result["locations"] = [location]
    if finding.counterexample is not None:
        result["properties"] = {"counterexample": repr(finding.counterexample)}
    return result


def _version() -> str:
    try:
        return version("equivariance")
    except PackageNotFoundError:
        return "0"
