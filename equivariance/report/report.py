"""The report that the public functions return: an outcome that can print itself.

`api` makes a `Report` of each `Outcome` of the engine. The formats are in `text`, `json` and `html`.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from equivariance.findings import Outcome
from equivariance.report.files import write_text
from equivariance.report.html.page import to_html
from equivariance.report.json import to_json
from equivariance.report.text import to_text


class Report(Outcome):
    """The outcome of `equivariance.check` or `equivariance.diagnose`, with the attributes of `Outcome`.

    `str(report)` is the text report, without colour.
    """

    @classmethod
    def of(cls, outcome: Outcome) -> Report:
        """Returns the report on an outcome; it shares the outcome's findings."""
        return cls(**{f.name: getattr(outcome, f.name) for f in fields(outcome)})

    def __str__(self) -> str:
        """Returns the text report, without colour."""
        return to_text(self)

    def to_json(self) -> str:
        """Returns the report as JSON text, with the version of its layout."""
        return to_json([self])

    def to_html(self, path: str | Path) -> None:
        """Writes the report as one self-contained page. The file appears whole or not at all."""
        write_text(Path(path), to_html([self]))
