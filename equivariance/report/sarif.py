"""Writes findings as SARIF 2.1.0, the format of code scanning services.

The command line calls it. Beyond the standard, the output meets the requirements of GitHub's code scanning. Every
result has a location. Its message begins with the main point, and its fingerprint does not change if lines move. Every
rule has help.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from equivariance._printable import printable
from equivariance._words import listed
from equivariance.cause_catalogue import CATALOGUE, CAUSES, Cause
from equivariance.findings import Finding, Location, Outcome
from equivariance.report.printable import printable_outcome
from equivariance.report.regions import Region, region_of, region_of_expression

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(reports: Sequence[Outcome]) -> str:
    """Returns a SARIF log with one run: a rule for each cause, an error for each finding, a note for each note.

    Paths are relative to the working directory, which should be the root of the repository.
    """
    reports = [printable_outcome(report) for report in reports]
    seen: Counter[str] = Counter()
    results = [_result(r, f, "error", seen) for r in reports for f in r.findings]
    results += [_result(r, f, "note", seen) for r in reports for f in r.notes]
    driver: dict[str, Any] = {"name": "equivariance", "rules": [_rule(cause) for cause in CATALOGUE]}
    number = _version()
    if number:
        driver["version"] = number
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [
                    {"executionSuccessful": True, "toolExecutionNotifications": _untested_notifications(reports)}
                ],
                "results": results,
                "columnKind": "utf16CodeUnits",
            }
        ],
    }
    return json.dumps(_printable(log), indent=2) + "\n"


def _printable(value: Any) -> Any:
    """Returns the log with printable text; the lines of source stay lines."""
    if isinstance(value, str):
        return printable(value, kept="\n\t")
    if isinstance(value, dict):
        return {key: _printable(entry) for key, entry in value.items()}
    return [_printable(entry) for entry in value] if isinstance(value, list) else value


def _untested_notifications(reports: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Returns a warning for each symmetry that was not tested: a log without results then proves nothing about it."""
    return [
        {"level": "warning", "message": {"text": f"{r.subject}: {symmetry} was not tested: {reason}."}}
        for r in reports
        for symmetry, reason in r.untested
    ]


def _rule(cause: Cause) -> dict[str, Any]:
    return {
        "id": cause.name,
        "name": "".join(word.capitalize() for word in cause.name.split("-")),
        "shortDescription": {"text": cause.name.replace("-", " ").capitalize()},
        "fullDescription": {"text": cause.meaning},
        "help": {
            "text": "\n".join(filter(None, (cause.meaning, cause.remedy))),
            "markdown": cause.meaning + (f"\n\n**What to do:** {cause.remedy}" if cause.remedy else ""),
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["correctness", "equivariance"], "precision": "high", "problem.severity": "error"},
    }


def _result(report: Outcome, finding: Finding, level: str, seen: Counter[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.cause,
        "ruleIndex": CAUSES.index(finding.cause),
        "level": level,
        "message": {"text": _message(report, finding)},
        "locations": [_location(report, finding)],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(report, finding, seen)},
    }
    others = [{"physicalLocation": _physical(other)} for other in finding.alternatives]
    if others:
        result["relatedLocations"] = [{**o, "message": {"text": "This statement explains it as well."}} for o in others]
    result["properties"] = _properties(finding)
    return result


def _properties(finding: Finding) -> dict[str, Any]:
    """Returns the fields of a finding that the standard has no place for."""
    found: dict[str, Any] = {"symmetries": list(finding.symmetries), "layers": list(finding.layers)}
    found |= {name: value for name in ("mechanism", "chain") if (value := getattr(finding, name))}
    if finding.counterexample is not None:
        found["counterexample"] = repr(finding.counterexample)
    return found


def _message(report: Outcome, finding: Finding) -> str:
    layers = listed([layer or "the whole network" for layer in finding.layers])
    verbs = ("break", "are") if len(finding.layers) > 1 else ("breaks", "is")
    what = (
        f"{verbs[0]} {' and '.join(finding.symmetries)} ({', '.join(filter(None, (finding.cause, finding.mechanism)))})"
    )
    what = what if finding.symmetry != "none" else f"{verbs[1]} {finding.cause}"
    text = f"{report.subject}: {layers} {what}. {_sentence(finding.evidence)}"
    if finding.alternatives:
        text += f" Either this statement or {' or '.join(map(str, finding.alternatives))} is at fault."
    elif finding.located == "suspect":
        text += " This statement is suspected."
    text += f" {_sentence(finding.fix)}" if finding.fix else ""
    if finding.counterexample is not None:
        text += f" Replay: group=equivariance.groups.{finding.counterexample!r}."
    return text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _location(report: Outcome, finding: Finding) -> dict[str, Any]:
    logical = [{"fullyQualifiedName": layer or report.subject, "kind": "module"} for layer in finding.layers]
    if finding.location is None:
        # Services reject results without a location, or the whole upload; the network's name replaces the file name.
        physical: dict[str, Any] = {
            "artifactLocation": {"uri": quote(report.subject)},
            "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
        }
        return {"physicalLocation": physical, "logicalLocations": logical, "message": {"text": "No Python source."}}
    return {"physicalLocation": _physical(finding.location), "logicalLocations": logical}


def _physical(location: Location) -> dict[str, Any]:
    """Returns the place of the expression at fault within its statement, or of the statement."""
    statement, expression = region_of(location), region_of_expression(location)
    found = {"artifactLocation": {"uri": _uri(location.file)}, "region": _region(expression or statement)}
    return found if expression is None else {**found, "contextRegion": _region(statement)}


def _region(region: Region) -> dict[str, Any]:
    return {
        "startLine": region.start_line,
        "startColumn": region.start_column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
        "snippet": {"text": region.text},
    }


def _uri(file: str) -> str:
    """Returns the address of a file, by its bytes: its name need not be UTF-8, and code may state any name."""
    path = PurePath(file)
    try:
        name = os.fsencode(path.as_posix())
    except UnicodeEncodeError:
        name = path.as_posix().encode("utf-8", errors="backslashreplace")
    return f"{'file://' if path.is_absolute() else ''}{quote(name)}"


def _fingerprint(report: Outcome, finding: Finding, seen: Counter[str]) -> str:
    """Returns an identifier that stays the same in later runs, and is unique within a run.

    It is made of the subject, the first layer and the source text of the statement; of the cause if no statement is
    known. It stays if the line moves, and if the finding gets another symmetry or another layer. Without it, services
    hash the line: a layer that stands at two places of a network would be one alert.
    """
    statement = finding.location.source if finding.location and finding.located != "layer" else finding.cause
    identity = "\0".join((report.subject, finding.layer, statement))
    digest = hashlib.sha256(identity.encode(errors="backslashreplace")).hexdigest()[:16]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"


def _version() -> str:
    try:
        return version("equivariance")
    except PackageNotFoundError:
        return ""
