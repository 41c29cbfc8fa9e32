"""Handlers that look at one call from inside and from outside: what its own code does, and where it is called."""

from __future__ import annotations

import sys
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import Call
from equivariance._engine.instrumentation.reference import Introduced, Reference, Site
from equivariance._engine.instrumentation.source_lines import Place, is_own, places_of
from equivariance._engine.instrumentation.tape import Tape
from equivariance._engine.instrumentation.transform_cache import Once
from equivariance.contracts.nested import cast, leaves
from equivariance.groups.elements import Transform


class Traced(Introduced):
    """Records what the owner's own code does with exact values."""

    def __init__(self, reference: Reference, element: Transform, dtype: torch.dtype, owner: Call, tape: Tape) -> None:
        """``owner`` is the call that is recorded."""
        super().__init__(reference, element, dtype, keep=True)
        self.owner, self.tape = owner, tape
        self._exact = Once(lambda t, r: cast(r.transform(t, element), dtype).clone(), reference.numbers)

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Note what the owner hands to a layer."""
        if caller == self.owner:
            for name, value in arguments.items():
                self._mark(Site(call, name), value)
        with self.tape.paused():
            return super().enter(call, caller, arguments)

    def leave(self, call: Call, output: Any) -> Any:
        """Note what the owner makes."""
        if call == self.owner:
            self._mark(Site(call), output)
        with self.tape.paused():
            return super().leave(call, output)

    def exact(self, site: Site) -> Any:
        """Not part of the layer's code."""
        with self.tape.paused():
            value = super().exact(site)
            self.tape.hand(value)
        return value

    def _mark(self, site: Site, value: Any) -> None:
        if self.reference.has(site):
            with self.tape.paused():
                found = leaves(value, self.reference.spec(site))
            self.tape.mark(site, {path: t for path, t, _ in found})


class CallSite:
    """Notes where a call is made."""

    def __init__(self, call: Call) -> None:
        """``call`` is looked for."""
        self.call = call
        self.place: Place | None = None

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Look for the call."""
        if call == self.call:
            own = [p for p in places_of(sys._getframe(1)) if is_own(p)]
            self.place = own[0] if own else None
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Nothing to do."""
        return output
