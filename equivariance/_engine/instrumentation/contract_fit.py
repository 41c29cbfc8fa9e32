"""What layers state of themselves, tried on what they take and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import leaves
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform


class ContractFit:
    """Finds stated contracts that do not fit the values of a run, and axes that cannot be told by their lengths.

    Attributes:
        misfits: Layer -> what does not fit
        partial: Layer -> a contract that fits as far as it goes, and does not state every argument
        blind: Layers with such axes: they cannot be followed under permutations and selections
    """

    def __init__(self, contracts: Mapping[str, Contract], reorderings: Sequence[Transform]) -> None:
        """`reorderings` are elements that change nothing, to try axes with."""
        self.contracts, self.reorderings = contracts, reorderings
        self.mismatched: dict[str, str] = {}
        self.partial: dict[str, Contract] = {}
        self.unknown_axes: set[str] = set()

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Try the inputs."""
        contract = self.contracts[call.layer]
        named = {name: value for name, value in arguments.items() if name in contract.inputs}
        self._try(call, lambda: contract.check_inputs(named, call.layer or "args"))
        if call.layer not in self.mismatched:
            self._try(call, lambda: contract.check_inputs(arguments, call.layer or "args"), contract)
        self._place(call, arguments, contract.inputs)
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Try the output."""
        contract = self.contracts[call.layer]
        self._try(call, lambda: contract.check_output(output, call.layer or "the callable"))
        self._place(call, output, contract.output)
        return output

    def _try(self, call: LayerCall, check: Callable[[], None], partial: Contract | None = None) -> None:
        try:
            check()
        except ContractError as error:
            if not self.contracts[call.layer].stated:
                raise
            self.mismatched.setdefault(call.layer, str(error))
            self.partial.pop(call.layer, None)
            if partial is not None:
                self.partial[call.layer] = partial

    def _place(self, call: LayerCall, value: Any, spec: object) -> None:
        """Try to reorder what has axes that are told by their lengths."""
        if call.layer in self.mismatched or call.layer in self.unknown_axes:
            return
        try:
            for _, tensor, representation in leaves(value, spec):
                if representation.guesses:
                    for element in self.reorderings:
                        representation.transform(tensor, element)
        except ArgumentError:
            self.unknown_axes.add(call.layer)
