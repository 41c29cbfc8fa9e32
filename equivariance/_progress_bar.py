"""Draws a progress bar on standard error and stores the results so far.

`api` and `cli.run` use it as the observer of a diagnosis; `cli.run` prints the stored results if the user interrupts
the run. Nothing is drawn if standard error is not a terminal.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from equivariance._printable import printable
from equivariance.findings import Outcome


class ProgressBar:
    """An `equivariance.progress.Observer` that draws a bar. The bar is visible inside of its `with` block.

    Attributes:
        known: The results so far of the current subject; None before the first results.
        planned: The symmetries of the current subject.
        measured: For each unfinished symmetry: elements done, elements in all, and the relative output error so far.
    """

    def __init__(self, quiet: bool) -> None:
        """Creates the bar. If `quiet`, it draws nothing but still stores the results."""
        self.known: Outcome | None = None
        self.planned: tuple[str, ...] = ()
        self.measured: dict[str, tuple[int, int, float]] = {}
        self._shares: dict[str, float] = {}
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[step]}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=quiet or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, step="")

    def __enter__(self) -> Self:
        """Starts to draw."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes the bar from the screen."""
        self._bar.stop()

    def starts(self, subject: str) -> None:
        """Resets the bar for the next subject."""
        self.known, self.planned, self.measured, self._shares = None, (), {}, {}
        self._bar.reset(self._task, description=printable(subject), total=None, step="reference run")

    def begun(self, symmetries: tuple[str, ...]) -> None:
        """Sets the length of the bar: one unit for each symmetry."""
        self.planned = symmetries
        self._bar.update(self._task, total=len(symmetries))

    def sampled(self, symmetry: str, done: int, total: int, off: float) -> None:
        """Advances the bar by a fraction of a unit."""
        self._shares[symmetry] = done / total
        self.measured[symmetry] = done, total, off
        step = f"{symmetry} {done}/{total}" + (f", output off by {off:.2g}" if off else "")
        self._bar.update(self._task, completed=sum(self._shares.values()), step=step)

    def tested(self, report: Outcome) -> None:
        """Advances the bar to the end of a unit and stores the report."""
        self.known = report
        told = [v.symmetry for v in report.verdicts]
        self.measured = {s: m for s, m in self.measured.items() if s not in told}
        self._shares |= dict.fromkeys(told, 1.0)
        self._bar.update(self._task, completed=sum(self._shares.values()))
