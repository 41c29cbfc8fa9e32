"""Records the values that pass between layers in one untransformed run.

`testbed` makes the recording. Handlers of `measurement`, `localization` and `causes` compare other runs with it. This
module runs nothing and compares nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import torch

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.random_states import RandomStates
from equivariance._engine.instrumentation.source_lines import SourceLine, calling_statement
from equivariance._engine.instrumentation.tensor_identity import is_unchanged, version_of
from equivariance._engine.instrumentation.tensor_store import MemoryBudget, TensorStore
from equivariance._engine.instrumentation.transform_cache import number_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cast, map_tensors, transform
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

_T = TypeVar("_T")

OUTPUT = ""
"""Slot of an output: empty, so that it cannot equal the name of an argument."""

CONTROL_FLOW = "control flow"


class Site(NamedTuple):
    """A place where a value passes between layers.

    Attributes:
        call: The layer call.
        slot: `OUTPUT`, the name of an argument of `call`, or `CONTROL_FLOW` for the calls that `call` makes.
    """

    call: LayerCall
    slot: str = OUTPUT

    @property
    def name(self) -> str:
        """The site as written in reports."""
        if self.slot == OUTPUT:
            return "output"
        return "argument output" if self.slot == "output" else self.slot


class Passed(NamedTuple):
    """The value that passed at a site.

    Attributes:
        value: The value.
        spec: Its representation.
        number: The number of the tensor in `ReferenceRun.numbers`; None for other values, and for copies.
    """

    value: Any
    spec: object
    number: int | None


@dataclass
class ReferenceRun:
    """All values that passed between the layers in one untransformed run.

    Tensors are kept without a copy while `memory` has room for them, and watched by their version counters. If a later
    layer changed one in place, `intact` is False, and the run must be recorded again with `copying`.

    Attributes:
        contracts: Layer -> contract; "" is the whole module.
        given: Names of the arguments that the caller gave to the whole module. Arguments that the module adds in its
            own `__call__` are not recorded: it adds them again in every run.
        copying: True to keep copies of tensors.
        memory: The memory budget that all recordings share.
        inputs: Layer call -> its arguments by name.
        outputs: Layer call -> its output, in the order of return.
        callers: Layer call -> the call that made it; None for the root.
        call_sites: Layer call -> the user's statement that makes it; None if there is none.
        changing: Layers that changed their arguments in place, if `copying`.
        random_states: The states of the random generators between the calls.
    """

    contracts: Mapping[str, Contract]
    given: Collection[str]
    copying: bool = False
    memory: MemoryBudget = field(default_factory=MemoryBudget)
    inputs: dict[LayerCall, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[LayerCall, Any] = field(default_factory=dict)
    callers: dict[LayerCall, LayerCall | None] = field(default_factory=dict)
    call_sites: dict[LayerCall, SourceLine | None] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    random_states: RandomStates = field(default_factory=RandomStates)
    _open: list[dict[str, Any]] = field(default_factory=list, init=False)
    _versions: list[tuple[torch.Tensor, object]] = field(default_factory=list, init=False)
    _derived: dict[Site, Any] = field(default_factory=dict, init=False)
    _passed: dict[Site, Passed] = field(default_factory=dict, init=False)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Opens a store within the memory budget."""
        self._keeper = TensorStore(self.memory)

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Records the arguments."""
        kept = arguments if call.layer else {name: v for name, v in arguments.items() if name in self.given}
        self.contracts[call.layer].check_inputs(kept, call.layer or "args")
        self.inputs[call] = map_tensors(kept, self._keep)
        self._open.append(kept)
        self.callers[call] = caller
        self.call_sites[call] = calling_statement(sys._getframe(1))
        self.random_states.begin(call)
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Records the output."""
        self.contracts[call.layer].check_output(output, call.layer or "the callable")
        self.random_states.end(call)
        arguments = self._open.pop()
        if self.copying and not is_unchanged(arguments, self.inputs[call]):
            self.changing.add(call.layer)
        self.outputs[call] = map_tensors(output, self._keep)
        return output

    @property
    def intact(self) -> bool:
        """True if no kept tensor was changed in place."""
        return all(version_of(tensor) == version for tensor, version in self._versions)

    def value(self, site: Site) -> Any:
        """Returns the value that passed at `site`."""
        return self.outputs[site.call] if site.slot == OUTPUT else self.inputs[site.call][site.slot]

    def has(self, site: Site) -> bool:
        """True if a value passed at `site`."""
        if site.slot == OUTPUT:
            return site.call in self.outputs
        return site.slot in self.inputs.get(site.call, {})

    def spec(self, site: Site) -> object:
        """Returns the representation of the value at `site`."""
        contract = self.contracts[site.call.layer]
        return contract.output if site.slot == OUTPUT else contract.inputs.get(site.slot)

    @property
    def numbers(self) -> dict[tuple[Any, ...], int] | None:
        """Numbers of tensors for a `TransformCache`; None if kept tensors are copies, which share nothing."""
        return None if self.copying else self._numbers

    def passed_at(self, site: Site) -> Passed | None:
        """Returns value, representation and number at `site`, looked up once; None if no value passed."""
        known = self._passed.get(site)
        if known is None and self.has(site):
            value, spec, numbers = self.value(site), self.spec(site), self.numbers
            plain = isinstance(value, torch.Tensor) and isinstance(spec, Representation) and numbers is not None
            number = number_of(value, spec, numbers) if plain else None  # type: ignore[arg-type]
            known = self._passed[site] = Passed(value, spec, number)
        return known

    def expected(self, site: Site, element: Transform, dtype: torch.dtype) -> Any:
        """Returns the value expected at `site` if `element` acts on the network's input.

        It is computed in float64 and cast to `dtype`.
        """
        return cast(transform(self.value(site), self.spec(site), element), dtype)

    def compute_once(self, site: Site, compute: Callable[[Any, object], _T]) -> _T:
        """Returns `compute(value, representation)` of `site`, computed once for the whole run."""
        if site not in self._derived:
            self._derived[site] = compute(self.value(site), self.spec(site))
        found: _T = self._derived[site]
        return found

    def owner(self, site: Site) -> LayerCall:
        """Returns the call whose code produced the value: the callee for an output, the caller for an argument."""
        return site.call if site.slot in (OUTPUT, CONTROL_FLOW) else self.callers[site.call] or ROOT

    def missing(self, entered: Collection[LayerCall], caller: LayerCall | None = None) -> list[LayerCall]:
        """Returns the calls of this run (only by `caller`, if given) that are not in `entered`."""
        return [c for c in self.inputs if c not in entered and caller in (None, self.callers[c])]

    def _keep(self, tensor: torch.Tensor) -> torch.Tensor:
        kept = self._keeper.keep(tensor.detach().clone() if self.copying else tensor)
        self._versions.append((kept, version_of(kept)))
        return kept
