"""Compares contracts with the values of one run, and finds axes that their lengths do not identify.

`measurement.prepare` calls it. The comparison runs nothing: one recorded run serves every choice of contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.tensor_store import MemoryBudget, TensorStore
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import leaves, map_tensors
from equivariance.errors import ArgumentError, ContractError
from equivariance.groups.elements import Transform
from equivariance.representations.tensor_support import unsupported_reason


class Passage(NamedTuple):
    """The arguments of a call, or its output.

    Attributes:
        call: The layer call.
        value: The arguments by name, or the output.
        entering: True for arguments.
    """

    call: LayerCall
    value: Any
    entering: bool


class PassageLog:
    """Records the arguments and outputs of every watched call, in order.

    Attributes:
        passages: The recorded values. Tensors keep shape and dtype; later in-place operations may change their entries.
    """

    def __init__(self, memory: MemoryBudget) -> None:
        """Starts an empty log; `memory` is shared with other recordings."""
        self.passages: list[Passage] = []
        self._store = TensorStore(memory)

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Records the arguments."""
        kept = {name: self._keep(value) for name, value in arguments.items()}
        self.passages.append(Passage(call, kept, entering=True))
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Records the output."""
        self.passages.append(Passage(call, self._keep(output), entering=False))
        return output

    def _keep(self, value: Any) -> Any:
        try:
            return map_tensors(value, self._keep_tensor)
        except ContractError:  # no contract fits this object: the error message needs the object itself
            return value

    def _keep_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        # No contract fits an unsupported tensor: the error message needs the tensor itself, and some have no storage.
        return tensor if unsupported_reason(tensor) else self._store.keep(tensor.detach())


@dataclass(frozen=True)
class ContractFit:
    """Contracts that do not fit the values of a run.

    Attributes:
        mismatched: Layer -> the mismatch in words, for contracts that were read off the module.
        incomplete: Layer -> its contract, for layers of `mismatched` whose declared inputs fit.
        unknown_axes: Layers with axes that cannot be found by their lengths. Permutations and selections of samples
            cannot be followed through them.
    """

    mismatched: Mapping[str, str] = field(default_factory=dict)
    incomplete: Mapping[str, Contract] = field(default_factory=dict)
    unknown_axes: frozenset[str] = frozenset()


def fit_contracts(
    passages: Iterable[Passage], contracts: Mapping[str, Contract], reorderings: Sequence[Transform]
) -> ContractFit:
    """Compares `contracts` with a run.

    Args:
        passages: The values of the run.
        contracts: Layer -> contract; calls of other layers are left out.
        reorderings: Elements that change nothing, to try axes with.

    Raises:
        ContractError: If a contract that was not read off the module does not fit.
    """
    fitting = _Fitting(contracts, reorderings)
    for passage in passages:
        if passage.call.layer in contracts:
            fitting.see(passage)
    unknown = fitting.unknown_axes - set(fitting.mismatched) - {""}
    return ContractFit(fitting.mismatched, fitting.incomplete, frozenset(unknown))


class _Fitting:
    """The comparison in progress."""

    def __init__(self, contracts: Mapping[str, Contract], reorderings: Sequence[Transform]) -> None:
        self.contracts, self.reorderings = contracts, reorderings
        self.mismatched: dict[str, str] = {}
        self.incomplete: dict[str, Contract] = {}
        self.unknown_axes: set[str] = set()

    def see(self, passage: Passage) -> None:
        layer, value = passage.call.layer, passage.value
        contract = self.contracts[layer]
        if not passage.entering:
            self._try(layer, lambda: contract.check_output(value, layer or "the callable"))
            self._place(layer, value, contract.output)
            return
        named = {name: argument for name, argument in value.items() if name in contract.inputs}
        self._try(layer, lambda: contract.check_inputs(named, layer or "args"))
        if layer and layer not in self.mismatched:  # the whole may add arguments of its own to those of the caller
            self._try(layer, lambda: contract.check_inputs(value, layer), contract)
        self._place(layer, value, contract.inputs)

    def _try(self, layer: str, check: Callable[[], None], incomplete: Contract | None = None) -> None:
        try:
            check()
        except ContractError as error:
            if not self.contracts[layer].stated:
                raise
            self.mismatched.setdefault(layer, str(error))
            self.incomplete.pop(layer, None)
            if incomplete is not None:
                self.incomplete[layer] = incomplete

    def _place(self, layer: str, value: Any, spec: object) -> None:
        """Tries to reorder every tensor with an axis that is found by its length."""
        if layer in self.mismatched or layer in self.unknown_axes:
            return
        try:
            for _, tensor, representation in leaves(value, spec):
                if representation.guesses:
                    for element in self.reorderings:
                        representation.transform(tensor, element)
        except ArgumentError:
            self.unknown_axes.add(layer)
