"""Renders the reports of several subjects as one text, for the screen and for files.

`run` calls it. The text of one report is made in `equivariance.report.text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from equivariance._printable import printable
from equivariance._words import counted
from equivariance.findings import Outcome
from equivariance.report.text import lines_of, render, render_findings, side_by_side

if TYPE_CHECKING:
    from equivariance.subject import RegisteredFinding, Subject


@dataclass(frozen=True)
class ExaminedSubject:
    """A subject, its report, and the differences from the registered findings.

    Attributes:
        subject, report: The subject and its report.
        extra: Findings that are not registered.
        missed: Registered findings that were not found.
    """

    subject: Subject
    report: Outcome
    extra: tuple[RegisteredFinding, ...]
    missed: tuple[RegisteredFinding, ...]

    @property
    def as_registered(self) -> bool:
        """True if the report has exactly the registered findings."""
        return not self.extra and not self.missed


def render_all(done: Sequence[ExaminedSubject], registered: bool) -> list[RenderableType]:
    """Renders every report, and a table that compares the networks if there are several.

    Args:
        done: The examined subjects.
        registered: If True, also renders the comparison with the registered findings.
    """
    pieces: list[RenderableType] = []
    for each in done:
        title = f"{each.subject.name}: {each.subject.description}"
        pieces += [Text(printable(title), style="bold"), render(each.report), Text("")]
    if len(done) > 1:
        pieces.append(side_by_side([d.report for d in done], {d.subject.name: d.subject.stages for d in done}))
    return [*pieces, *(_render_verdict(d) for d in done)] if registered else pieces


def render_broken(done: Sequence[ExaminedSubject], registered: bool) -> list[RenderableType]:
    """Renders the findings of the subjects that have any, without layer tables.

    Args:
        done: The examined subjects.
        registered: If True, renders only subjects that differ from their registered findings.
    """
    if registered:
        return [p for d in done if not d.as_registered for p in (render_findings(d.report), _render_verdict(d))]
    return [render_findings(d.report) for d in done if not d.report.ok]


def show(pieces: Sequence[RenderableType], stream: TextIO) -> None:
    """Prints to a stream: in colour and as wide as the terminal, or as `plain` if the stream is no terminal."""
    if not stream.isatty():
        stream.write(plain(pieces))
        return
    console = Console(file=stream, highlight=False, emoji=False, markup=False)
    for piece in pieces:
        console.print(piece)


def plain(pieces: Sequence[RenderableType]) -> str:
    """Returns text without colour, for a file."""
    lines = lines_of(pieces)
    return "\n".join(lines) + "\n" if lines else ""


def _render_verdict(examined: ExaminedSubject) -> Text:
    name = printable(examined.subject.name)
    if examined.as_registered:
        count = len(examined.report.findings)
        words = f"exactly its {counted(count, 'known finding')}" if count else "no finding"
        return Text(f"{name}: as registered ({words})", style="green")
    parts = [f"beyond what is registered: {k.symmetry} {k.cause} in {k.layer}" for k in examined.extra]
    parts += [f"registered but not found: {k.symmetry} {k.cause} in {k.layer}" for k in examined.missed]
    return Text(printable(f"{name}: NOT as registered; " + "; ".join(parts)), style="bold red")
