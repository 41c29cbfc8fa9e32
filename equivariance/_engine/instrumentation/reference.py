"""What is done at each site of a forward pass: record, compare, patch, perturb, repair."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from equivariance._engine.instrumentation.hooks import Call
from equivariance._engine.instrumentation.tensor_identity import same, version_of
from equivariance._engine.instrumentation.tensor_store import Keeper, Memory
from equivariance._engine.instrumentation.transform_cache import Once, number_of
from equivariance._engine.measurement.relative_error import PartError, PartKey, compare, scales_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cast, map_tensors, sizes_of_graphs, transform
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

Errors = dict[PartKey, PartError]
OUTPUT = ""
"""Unlike the name of any argument, which may well be "output"."""

COURSE = "course of the program"
DIVERGED: Errors = {("", "control flow"): PartError(math.inf, 1.0, True)}


class Site(NamedTuple):
    """A place where a value passes between layers.

    ``place`` is :data:`OUTPUT`, the name of an argument that ``call`` is given, or "course of the program" for what
    ``call`` does or does not call.
    """

    call: Call
    place: str = OUTPUT

    @property
    def name(self) -> str:
        """The place, as it stands in reports."""
        if self.place == OUTPUT:
            return "output"
        return "argument output" if self.place == "output" else self.place


class Passed(NamedTuple):
    """What passed at a site, its representation, and its number; None for what is no tensor, and of copies."""

    value: Any
    spec: object
    number: int | None


@dataclass
class Reference:
    """Everything that passed between the layers in one untransformed run.

    Tensors are kept as they are, without a copy while ``memory`` has room for them, and watched by their version
    counters: where a later layer changed one in place (:attr:`intact` is then False) the run must be recorded again
    with ``copying``.
    """

    contracts: Mapping[str, Contract]
    copying: bool = False
    memory: Memory = field(default_factory=Memory)
    inputs: dict[Call, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[Call, Any] = field(default_factory=dict)
    callers: dict[Call, Call | None] = field(default_factory=dict)
    _versions: list[tuple[torch.Tensor, object]] = field(default_factory=list, init=False)
    _scales: dict[Site, dict[PartKey, float]] = field(default_factory=dict, init=False)
    _passed: dict[Site, Passed] = field(default_factory=dict, init=False)
    _numbers: dict[tuple[Any, ...], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """With a share of the memory."""
        self._keeper = Keeper(self.memory)

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Keep the arguments."""
        self.contracts[call.layer].check_inputs(arguments, call.layer or "args")
        self.inputs[call] = map_tensors(arguments, self._keep)
        self.callers[call] = caller
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Keep the output."""
        self.contracts[call.layer].check_output(output, call.layer or "the callable")
        self.outputs[call] = map_tensors(output, self._keep)
        return output

    @property
    def intact(self) -> bool:
        """Whether every kept tensor still holds what it held."""
        return all(version_of(tensor) == version for tensor, version in self._versions)

    def value(self, site: Site) -> Any:
        """What passed at ``site``."""
        return self.outputs[site.call] if site.place == OUTPUT else self.inputs[site.call][site.place]

    def has(self, site: Site) -> bool:
        """Whether anything passed there."""
        if site.place == OUTPUT:
            return site.call in self.outputs
        return site.place in self.inputs.get(site.call, {})

    def spec(self, site: Site) -> object:
        """The representation of what passes at ``site``."""
        contract = self.contracts[site.call.layer]
        return contract.output if site.place == OUTPUT else contract.inputs.get(site.place)

    @property
    def numbers(self) -> dict[tuple[Any, ...], int] | None:
        """Numbers of tensors, as :class:`Once` takes them; None where kept tensors are copies, which share nothing."""
        return None if self.copying else self._numbers

    def passed(self, site: Site) -> Passed | None:
        """All that is known of ``site``, looked up once; None where nothing passed."""
        known = self._passed.get(site)
        if known is None and self.has(site):
            value, spec, numbers = self.value(site), self.spec(site), self.numbers
            plain = isinstance(value, torch.Tensor) and isinstance(spec, Representation) and numbers is not None
            number = number_of(value, spec, numbers) if plain else None  # type: ignore[arg-type]
            known = self._passed[site] = Passed(value, spec, number)
        return known

    def expected(self, site: Site, element: Transform, dtype: torch.dtype) -> Any:
        """What must pass at ``site`` when ``element`` acts on the network's input: computed in float64, then cast."""
        return cast(transform(self.value(site), self.spec(site), element), dtype)

    def errors(self, value: Any, exact: Any, site: Site, element: Transform) -> Errors:
        """Of what passed at ``site`` in another run, against ``exact``, which is :meth:`expected` there."""
        spec, whole = self.spec(site), isinstance(exact, torch.Tensor) and element.samples is None
        if not (whole and isinstance(spec, Representation) and spec.keeps_lengths):
            return compare(value, exact, spec, element)
        if site not in self._scales:
            self._scales[site] = scales_of(self.value(site), spec)
        return compare(value, exact, spec, element, self._scales[site])

    def owner(self, site: Site) -> Call:
        """The call whose code produced the value: the callee for an output, the caller for an argument."""
        return site.call if site.place in (OUTPUT, COURSE) else self.callers[site.call] or Call("")

    def missing(self, entered: Collection[Call], caller: Call | None = None) -> list[Call]:
        """Calls of this run, by ``caller`` if given, that are not among ``entered``."""
        return [c for c in self.inputs if c not in entered and caller in (None, self.callers[c])]

    def _keep(self, tensor: torch.Tensor) -> torch.Tensor:
        kept = self._keeper.keep(tensor.detach().clone() if self.copying else tensor)
        self._versions.append((kept, version_of(kept)))
        return kept


class Accumulated:
    """Compares the outputs of a plain transformed run with the exactly transformed reference, and changes nothing.

    ``keep`` keeps every output for a later comparison; ``against`` are the outputs that another run kept.
    """

    def __init__(
        self, reference: Reference, element: Transform, keep: bool = False, against: dict[Site, Any] | None = None
    ) -> None:
        """``element`` was applied to the input of the run that this watches."""
        self.reference, self.element, self.keep, self.against = reference, element, keep, against or {}
        self.errors: dict[Site, Errors] = {}
        self.distances: dict[Site, Errors] = {}
        self.kept: dict[Site, Any] = {}
        self._keeper = Keeper(reference.memory)

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments pass."""
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Measure."""
        site = Site(call)
        if not self.reference.has(site):
            return output
        spec = self.reference.spec(site)
        exact = self.reference.expected(site, self.element, torch.float64)
        self.errors[site] = self.reference.errors(output, exact, site, self.element)
        if site in self.against:
            self.distances[site] = compare(self.against.pop(site), output, spec, self.element)
        if self.keep:
            copying = self.reference.copying
            self.kept[site] = map_tensors(output, lambda t: self._keeper.keep(t.detach().clone() if copying else t))
        return output


class Introduced:
    """Gives every layer the exactly transformed reference values, so that each one's own code is judged alone.

    What a layer's code receives, from its caller and from the layers that it calls, is exact; what it hands on, its
    output and the arguments of its calls, is compared and then replaced. One forward pass serves all layers. A tensor
    that passes at several sites is transformed once, and recognized without a comparison where it comes back.
    """

    def __init__(
        self, reference: Reference, element: Transform, dtype: torch.dtype,
        keep: bool | Collection[Site] = False, against: dict[Site, Any] | None = None,
    ) -> None:  # fmt: skip
        """Values are handed on in ``dtype``; ``keep`` and ``against`` as for :class:`Accumulated`."""
        self.reference, self.element, self.dtype = reference, element, dtype
        self.keep, self.against = keep, against or {}
        self.errors: dict[Site, Errors] = {}
        self.distances: dict[Site, Errors] = {}
        self.kept: dict[Site, Any] = {}
        self._exact = Once(self.handed_on, reference.numbers)
        self._keeper = Keeper(reference.memory)
        self._entered: set[Call] = set()

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Judge what the caller hands over, then replace it."""
        self._entered.add(call)
        if call not in self.reference.inputs:
            self.errors[Site(caller or call, COURSE)] = DIVERGED
            return arguments
        if caller is None:
            return arguments
        return {name: self._exchange(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: Call, output: Any) -> Any:
        """Judge the output, then replace it."""
        return self._exchange(Site(call), output)

    def handed_on(self, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        """What is handed on in place of a tensor of the reference."""
        return cast(representation.transform(tensor, self.element), self.dtype)

    def exact(self, site: Site) -> Any:
        """What must pass at ``site``, in the dtype that is handed on."""
        passed = self.reference.passed(site)
        if passed is None:
            raise KeyError(site)
        if passed.number is not None:
            return self._exact.known(passed.number, passed.value, passed.spec)  # type: ignore[arg-type]
        exact = self._exact.of(passed.value, passed.spec, self.element)
        return cast(exact, self.dtype) if any(sizes_of_graphs(exact)) else exact

    def finish(self, caller: Call | None = None) -> None:
        """Calls of the reference run (by ``caller``, if given) that did not happen are errors of their callers."""
        for call in self.reference.missing(self._entered, caller):
            self.errors[Site(self.reference.callers[call] or call, COURSE)] = DIVERGED

    def _exchange(self, site: Site, value: Any) -> Any:
        passed = self.reference.passed(site)
        if passed is None:
            return value
        replacement = self.exact(site)
        if same(value, replacement):
            self.errors[site] = {}
            return replacement
        exact = replacement
        if self.dtype != torch.float64:
            exact = self.reference.expected(site, self.element, torch.float64)
        self.errors[site] = self.reference.errors(value, exact, site, self.element)
        if site in self.against:
            self.distances[site] = compare(self.against.pop(site), value, passed.spec, self.element)
        if self.keep is True or (self.keep is not False and site in self.keep):
            self.kept[site] = map_tensors(value, self._keeper.keep)
        return replacement
