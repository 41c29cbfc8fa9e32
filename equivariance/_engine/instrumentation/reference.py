"""What is done at each site of a forward pass: record, compare, patch, perturb, repair."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import torch

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.tensor_identity import version_of
from equivariance._engine.instrumentation.tensor_store import MemoryBudget, TensorStore
from equivariance._engine.instrumentation.transform_cache import number_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cast, map_tensors, transform
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

_T = TypeVar("_T")

OUTPUT = ""
"""Unlike the name of any argument, which may well be "output"."""

CONTROL_FLOW = "control flow"


class Site(NamedTuple):
    """A place where a value passes between layers.

    `slot` is `OUTPUT`, the name of an argument that `call` is given, or "control flow" for what
    `call` does or does not call.
    """

    call: LayerCall
    slot: str = OUTPUT

    @property
    def name(self) -> str:
        """The place, as it stands in reports."""
        if self.slot == OUTPUT:
            return "output"
        return "argument output" if self.slot == "output" else self.slot


class Passed(NamedTuple):
    """What passed at a site, its representation, and its number; None for what is no tensor, and of copies."""

    value: Any
    spec: object
    number: int | None


@dataclass
class ReferenceRun:
    """Everything that passed between the layers in one untransformed run.

    Tensors are kept as they are, without a copy while `memory` has room for them, and watched by their version
    counters: where a later layer changed one in place (`intact` is then False) the run must be recorded again
    with `copying`.
    """

    contracts: Mapping[str, Contract]
    copying: bool = False
    memory: MemoryBudget = field(default_factory=MemoryBudget)
    inputs: dict[LayerCall, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[LayerCall, Any] = field(default_factory=dict)
    callers: dict[LayerCall, LayerCall | None] = field(default_factory=dict)
    _versions: list[tuple[torch.Tensor, object]] = field(default_factory=list, init=False)
    _derived: dict[Site, Any] = field(default_factory=dict, init=False)
    _passed: dict[Site, Passed] = field(default_factory=dict, init=False)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """With a share of the memory."""
        self._keeper = TensorStore(self.memory)

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Keep the arguments."""
        self.contracts[call.layer].check_inputs(arguments, call.layer or "args")
        self.inputs[call] = map_tensors(arguments, self._keep)
        self.callers[call] = caller
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Keep the output."""
        self.contracts[call.layer].check_output(output, call.layer or "the callable")
        self.outputs[call] = map_tensors(output, self._keep)
        return output

    @property
    def intact(self) -> bool:
        """Whether every kept tensor still holds what it held."""
        return all(version_of(tensor) == version for tensor, version in self._versions)

    def value(self, site: Site) -> Any:
        """What passed at `site`."""
        return self.outputs[site.call] if site.slot == OUTPUT else self.inputs[site.call][site.slot]

    def has(self, site: Site) -> bool:
        """Whether anything passed there."""
        if site.slot == OUTPUT:
            return site.call in self.outputs
        return site.slot in self.inputs.get(site.call, {})

    def spec(self, site: Site) -> object:
        """The representation of what passes at `site`."""
        contract = self.contracts[site.call.layer]
        return contract.output if site.slot == OUTPUT else contract.inputs.get(site.slot)

    @property
    def numbers(self) -> dict[tuple[Any, ...], int] | None:
        """Numbers of tensors for a `TransformCache`; None if kept tensors are copies, which share nothing."""
        return None if self.copying else self._numbers

    def passed(self, site: Site) -> Passed | None:
        """All that is known of `site`, looked up once; None where nothing passed."""
        known = self._passed.get(site)
        if known is None and self.has(site):
            value, spec, numbers = self.value(site), self.spec(site), self.numbers
            plain = isinstance(value, torch.Tensor) and isinstance(spec, Representation) and numbers is not None
            number = number_of(value, spec, numbers) if plain else None  # type: ignore[arg-type]
            known = self._passed[site] = Passed(value, spec, number)
        return known

    def expected(self, site: Site, element: Transform, dtype: torch.dtype) -> Any:
        """What must pass at `site` when `element` acts on the network's input: computed in float64, then cast."""
        return cast(transform(self.value(site), self.spec(site), element), dtype)

    def derived(self, site: Site, compute: Callable[[Any, object], _T]) -> _T:
        """Returns `compute(value, representation)` of `site`, computed once for the whole run."""
        if site not in self._derived:
            self._derived[site] = compute(self.value(site), self.spec(site))
        found: _T = self._derived[site]
        return found

    def owner(self, site: Site) -> LayerCall:
        """The call whose code produced the value: the callee for an output, the caller for an argument."""
        return site.call if site.slot in (OUTPUT, CONTROL_FLOW) else self.callers[site.call] or ROOT

    def missing(self, entered: Collection[LayerCall], caller: LayerCall | None = None) -> list[LayerCall]:
        """Calls of this run, by `caller` if given, that are not among `entered`."""
        return [c for c in self.inputs if c not in entered and caller in (None, self.callers[c])]

    def _keep(self, tensor: torch.Tensor) -> torch.Tensor:
        kept = self._keeper.keep(tensor.detach().clone() if self.copying else tensor)
        self._versions.append((kept, version_of(kept)))
        return kept
