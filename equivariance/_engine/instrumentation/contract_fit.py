"""What layers state of themselves, tried on what they take and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from equivariance._engine.instrumentation.hooks import Call
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import leaves
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform


class Fitting:
    """Finds stated contracts that do not fit the values of a run, and axes that cannot be told by their lengths.

    Attributes
    ----------
    misfits : layer -> what does not fit
    partial : layer -> a contract that fits as far as it goes, and does not state every argument
    blind : layers with such axes: they cannot be followed under permutations and selections
    """

    def __init__(self, contracts: Mapping[str, Contract], reorderings: Sequence[Transform]) -> None:
        """``reorderings`` are elements that change nothing, to try axes with."""
        self.contracts, self.reorderings = contracts, reorderings
        self.misfits: dict[str, str] = {}
        self.partial: dict[str, Contract] = {}
        self.blind: set[str] = set()

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Try the inputs."""
        contract = self.contracts[call.layer]
        named = {name: value for name, value in arguments.items() if name in contract.inputs}
        self._try(call, lambda: contract.check_inputs(named, call.layer or "args"))
        if call.layer not in self.misfits:
            self._try(call, lambda: contract.check_inputs(arguments, call.layer or "args"), contract)
        self._place(call, arguments, contract.inputs)
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Try the output."""
        contract = self.contracts[call.layer]
        self._try(call, lambda: contract.check_output(output, call.layer or "the callable"))
        self._place(call, output, contract.output)
        return output

    def _try(self, call: Call, check: Callable[[], None], partial: Contract | None = None) -> None:
        try:
            check()
        except ContractError as error:
            if not self.contracts[call.layer].stated:
                raise
            self.misfits.setdefault(call.layer, str(error))
            self.partial.pop(call.layer, None)
            if partial is not None:
                self.partial[call.layer] = partial

    def _place(self, call: Call, value: Any, spec: object) -> None:
        """Try to reorder what has axes that are told by their lengths."""
        if call.layer in self.misfits or call.layer in self.blind:
            return
        try:
            for _, tensor, representation in leaves(value, spec):
                if representation.guesses:
                    for element in self.reorderings:
                        representation.transform(tensor, element)
        except ArgumentError:
            self.blind.add(call.layer)
