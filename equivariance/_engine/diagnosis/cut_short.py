"""Records what the time limit of a diagnosis cut short.

`localizer` and `examine` run each stage inside of `CutShort.stage`, and go on with what is known if it ends early.
This module measures no time: `equivariance._deadline` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from equivariance._deadline import Deadline, TimeLimitReached


class CutShort:
    """The stages that ended early, for one symmetry.

    Attributes:
        deadline: The end of the time.
        phrases: One phrase for each stage that ended early.
    """

    def __init__(self, deadline: Deadline) -> None:
        """Starts with no such stage."""
        self.deadline, self.phrases = deadline, list[str]()
        self._by_layer: dict[str, list[str]] = {}

    @contextmanager
    def stage(self, words: str, layer: str | None = None) -> Iterator[None]:
        """Ends the block without an error if no time is left.

        Args:
            words: The stage, for example "the search for the cause".
            layer: The layer that the stage is about; None for the whole symmetry.
        """
        try:
            yield
        except TimeLimitReached:
            self.phrases.append(words if layer is None else f"{words} in {layer or 'the whole'}")
            if layer is not None:
                self._by_layer.setdefault(layer, []).append(words)

    def remark(self, layer: str) -> str:
        """Returns what the evidence of a finding in `layer` says about the stages that ended early, or ""."""
        words = self._by_layer.get(layer, ())
        return f"; {self.deadline} ended {' and '.join(words)}" if words else ""
