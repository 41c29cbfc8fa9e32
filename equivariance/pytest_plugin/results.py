"""Carries the results of tests from the workers of pytest-xdist to one summary and one page.

`plugin` calls it. It does not import PyTorch, so that a run without examinations stays fast.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equivariance._printable import printable
from equivariance._words import counted

if TYPE_CHECKING:
    from equivariance.findings import Finding
    from equivariance.report.report import Report


@dataclass(frozen=True)
class Result:
    """One examination of one test.

    Attributes:
        test: The node id.
        subject: The name of the examined network.
        findings: One line for each finding.
        untested: One line for each symmetry that was not tested.
        report: The pickled report in base64 if it goes into a page, else an empty string.
    """

    test: str
    subject: str
    findings: tuple[str, ...]
    untested: tuple[str, ...] = ()
    report: str = ""

    def unpickle(self) -> Report:
        """Returns the report, with the name of the test as its subject."""
        # A worker of this test run packed it.
        report: Report = pickle.loads(base64.b64decode(self.report))  # noqa: S301
        return replace(report, subject=f"{self.test} ({self.subject})")


def pack(reports: Iterable[Report], whole: bool) -> list[dict[str, Any]]:
    """Returns the results in types that pytest-xdist can send to the main process.

    Args:
        reports: The reports of one test.
        whole: If True, the whole reports are included, as a page needs them.
    """
    return [
        {
            "subject": printable(report.subject),
            "findings": [printable(_describe_finding(f)) for f in report.findings],
            "untested": [printable(f"not tested: {symmetry}: {reason}") for symmetry, reason in report.untested],
            "report": base64.b64encode(pickle.dumps(report)).decode() if whole else "",
        }
        for report in reports
    ]


def unpack(test: str, entries: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Returns the results that `pack` packed."""
    return [Result(test, e["subject"], tuple(e["findings"]), tuple(e["untested"]), e["report"]) for e in entries]


def properties(reports: Iterable[Report]) -> Iterator[tuple[str, str]]:
    """Yields names and values for JUnit, with findings numbered from 1.

    The names are layer, symmetry, cause, mechanism, location, chain and counterexample of each finding. Several layers
    or symmetries are separated by commas.
    """
    findings = [f for report in reports for f in report.findings]
    for number, finding in enumerate(findings, 1):
        values = {
            "layer": ", ".join(layer or "(the whole)" for layer in finding.layers),
            "symmetry": ", ".join(finding.symmetries),
            "cause": finding.cause,
            "mechanism": finding.mechanism,
            "location": str(finding.location or ""),
            "chain": finding.chain,
            "counterexample": repr(finding.counterexample) if finding.counterexample else "",
        }
        yield from ((f"equivariance.{number}.{name}", printable(value)) for name, value in values.items() if value)


def summary(results: Iterable[Result]) -> Iterator[str]:
    """Yields the lines of the terminal's summary, then the counts.

    An examination with findings, or with symmetries that were not tested, has a paragraph.
    """
    everything = list(results)
    broken = [r for r in everything if r.findings]
    for result in (r for r in everything if r.findings or r.untested):
        yield f"{result.test}: {result.subject}"
        yield from (f"  {line}" for line in (*result.findings, *result.untested))
    tests, failed = len({r.test for r in everything}), len({r.test for r in broken})
    found = f"{counted(sum(len(r.findings) for r in broken), 'finding')} in {counted(failed, 'test')}"
    examined = f"{counted(len(everything), 'examination')} in {counted(tests, 'test')}"
    yield f"{examined}, {found if broken else 'no finding'}"


def write_page(path: Path, results: Iterable[Result]) -> None:
    """Writes one HTML page with all reports, in the order of the tests. The file appears whole or not at all."""
    from equivariance.report.files import write_text
    from equivariance.report.html.page import to_html

    write_text(path, to_html([r.unpickle() for r in sorted(results, key=lambda r: r.test)]))


def _describe_finding(finding: Finding) -> str:
    from equivariance.report.words import cause_words, layer_words

    under = "" if finding.symmetry == "none" else f"{', '.join(finding.symmetries)}: "
    where = f", {finding.location}" if finding.location else ""
    return f"{under}{cause_words(finding)} in {layer_words(finding)}{where}"
