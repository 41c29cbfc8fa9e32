"""What tests found, on its way from the workers of pytest-xdist to one summary and one page.

Nothing here imports PyTorch, lest a run that examines nothing waits for it.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equivariance._words import counted

if TYPE_CHECKING:
    from equivariance.findings import Finding
    from equivariance.report.report import Report


@dataclass(frozen=True)
class Result:
    """One examination of one test.

    Attributes:
        test: Node id
        subject: What was examined
        findings: One line for each
        report: The pickled report in base64, where a page is to be made of it
    """

    test: str
    subject: str
    findings: tuple[str, ...]
    report: str = ""

    def unpickled(self) -> Report:
        """The report, under the name of the test."""
        report: Report = pickle.loads(base64.b64decode(self.report))
        return replace(report, subject=f"{self.test} ({self.subject})")


def packed(reports: Iterable[Report], whole: bool) -> list[dict[str, Any]]:
    """What a test report carries to the controlling process, in types that survive the way; `whole` for a page."""
    return [
        {
            "subject": report.subject,
            "findings": [_line(f) for f in report.findings],
            "report": base64.b64encode(pickle.dumps(report)).decode() if whole else "",
        }
        for report in reports
    ]


def unpacked(test: str, entries: Iterable[Mapping[str, Any]]) -> list[Result]:
    """The inverse of `packed`."""
    return [Result(test, e["subject"], tuple(e["findings"]), e["report"]) for e in entries]


def properties(reports: Iterable[Report]) -> Iterator[tuple[str, str]]:
    """Names and values for JUnit: layer, symmetry, cause, place and counterexample of each finding, numbered from 1."""
    findings = [f for report in reports for f in report.findings]
    for number, finding in enumerate(findings, 1):
        values = {
            "layer": finding.layer or "(the whole)",
            "symmetry": finding.symmetry,
            "cause": finding.cause,
            "location": str(finding.location or ""),
            "counterexample": repr(finding.counterexample) if finding.counterexample else "",
        }
        yield from ((f"equivariance.{number}.{name}", value) for name, value in values.items() if value)


def summary(results: Iterable[Result]) -> Iterator[str]:
    """The lines of the terminal's summary: a paragraph for each examination with findings, then the counts."""
    everything = list(results)
    broken = [r for r in everything if r.findings]
    for result in broken:
        yield f"{result.test}: {result.subject}"
        yield from (f"  {line}" for line in result.findings)
    tests, failed = len({r.test for r in everything}), len({r.test for r in broken})
    found = f"{counted(sum(len(r.findings) for r in broken), 'finding')} in {counted(failed, 'test')}"
    examined = f"{counted(len(everything), 'examination')} in {counted(tests, 'test')}"
    yield f"{examined}, {found if broken else 'no finding'}"


def write_page(path: Path, results: Iterable[Result]) -> None:
    """One HTML page of all reports, in the order of the tests; it appears whole or not at all."""
    from equivariance.report.files import write_text
    from equivariance.report.html.page import to_html

    write_text(path, to_html([r.unpickled() for r in sorted(results, key=lambda r: r.test)]))


def _line(finding: Finding) -> str:
    what = finding.cause if finding.symmetry == "none" else f"{finding.symmetry}: {finding.cause}"
    where = f", {finding.location}" if finding.location else ""
    return f"{what} in {finding.layer or '(the whole)'}{where}"
