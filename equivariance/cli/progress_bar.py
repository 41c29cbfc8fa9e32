"""A progress bar on standard error, where that is a terminal, and a memory of what is known so far."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from equivariance.findings import Outcome


class ProgressBar:
    """An `equivariance.progress.Observer` that draws; a context in which the bar stands.

    Attributes:
        known: What is known of the subject in work, None before it is
        planned: The symmetries of the subject in work
        measured: Of one that is not finished: how many of its elements, of how many, and how far the output is off
    """

    def __init__(self, quiet: bool) -> None:
        """`quiet`: draw nothing, and remember all the same."""
        self.known: Outcome | None = None
        self.planned: tuple[str, ...] = ()
        self.measured: dict[str, tuple[int, int, float]] = {}
        self._shares: dict[str, float] = {}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[step]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=quiet or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, step="")

    def __enter__(self) -> Self:
        """Draw."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no trace on the screen."""
        self._bar.stop()

    def starts(self, subject: str) -> None:
        """Another subject."""
        self.known, self.planned, self.measured, self._shares = None, (), {}, {}
        self._bar.reset(self._task, description=subject, total=None, step="reference run")

    def begun(self, symmetries: tuple[str, ...]) -> None:
        """One unit of the bar for each symmetry."""
        self.planned = symmetries
        self._bar.update(self._task, total=len(symmetries))

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """A fraction of a unit."""
        self._shares[symmetry] = done / total
        self.measured[symmetry] = done, total, off
        step = f"{symmetry} {done}/{total}" + (f", output off by {off:.2g}" if off else "")
        self._bar.update(self._task, completed=sum(self._shares.values()), step=step)

    def tested(self, report: Outcome) -> None:
        """A whole unit; the report is remembered."""
        self.known = report
        self.measured = {s: m for s, m in self.measured.items() if s not in report.symmetries}
        self._shares |= dict.fromkeys(report.symmetries, 1.0)
        self._bar.update(self._task, completed=sum(self._shares.values()))
