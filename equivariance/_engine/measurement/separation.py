"""Finds layers that cannot be measured apart, because they change memory of their callers in place.

A layer apart receives copies of its arguments. If it changes them in place, its caller would not see the change, and
the caller's own code would make an error without any transformation. The code of such a layer counts as its caller's.

`diagnosis.examine` calls it before the survey. Under the identity every error is then exactly 0.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.comparisons import IntroducedErrors
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.groups.elements import Transform


@dataclass(frozen=True)
class Separated:
    """A runner that watches only layers that can be measured apart.

    Attributes:
        runner: The runner.
        inseparable: The layers that are no longer watched.
    """

    runner: Runner
    inseparable: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The lines of the report about layers that are not watched."""
        if not self.inseparable:
            return []
        names = ", ".join(self.inseparable)
        return [f"{names}: memory of the caller is changed in place; the code counts as that of the caller"]


class _Contents:
    """Compares the entries of every value that passes between layers with the entries at the end of the run.

    Version counters do not suffice: NumPy and `.data` change memory uncounted.
    """

    def __init__(self) -> None:
        self._passed: list[tuple[torch.Tensor, int]] = []

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        self._note(arguments)
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        self._note(output)
        return output

    @property
    def changed(self) -> bool:
        """True if a value changed after it had passed."""
        return any(_checksum(tensor) != before for tensor, before in self._passed)

    def _note(self, value: Any) -> None:
        self._passed += [(tensor, _checksum(tensor)) for _, tensor, _ in leaves(value, UNSPECIFIED)]


def separate(runner: Runner) -> Separated:
    """Returns the runner without contracts of layers that its network does not run apart.

    Networks that change nothing in place cost one run.
    """
    if not runner.capabilities.in_place:
        watch, state = _Contents(), ModelState()
        runner.run(state, runner.reference_dtype, runner.arguments, watch)
        if watch.changed:
            able = replace(runner.capabilities, in_place=True)
            runner = replace(runner, capabilities=able, recorded={})
    left_out: dict[str, None] = {}
    for state in runner.states:
        while runner.reference(state).copying:
            reference = runner.reference(state)
            owners = _owners_with_errors(runner, state)
            callees = {call.layer for call, caller in reference.callers.items() if caller in owners}
            found = sorted(callees & reference.changing or callees)
            if not found:
                break
            left_out |= dict.fromkeys(found)
            runner = runner.with_contracts({k: c for k, c in runner.contracts.items() if k not in left_out})
    return Separated(runner, tuple(left_out))


def _owners_with_errors(runner: Runner, state: ModelState) -> set[LayerCall]:
    """Returns the calls whose code makes an error on values that nothing transformed."""
    reference = runner.reference(state)
    handler = IntroducedErrors(reference, Transform(), runner.reference_dtype)
    runner.run(state, runner.reference_dtype, runner.arguments, handler)
    return {
        reference.owner(site)
        for site, errors in handler.errors.items()
        if any(error.difference for error in errors.values())
    }


def _checksum(tensor: torch.Tensor) -> int:
    values = tensor.detach().resolve_neg().cpu().contiguous().reshape(-1)
    return zlib.crc32(values.view(torch.uint8).numpy().data) if len(values) else 0
