"""What is done at each site of a forward pass: record, compare, patch, perturb, repair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from equivariance.contract import Contract
from equivariance.elements import Transform
from equivariance.errors import ContractError
from equivariance.measure import PartError, PartKey, compare
from equivariance.probe import Call
from equivariance.trees import UNSPECIFIED, cast, cloned, leaves, map_tensors, transform, walk

Errors = dict[PartKey, PartError]
OUTPUT = "output"
DIVERGED: Errors = {("", "control flow"): PartError(math.inf, 1.0, True)}


@dataclass(frozen=True, order=True)
class Site:
    """A place where a value passes between layers: ``place`` is "output" or the name of an argument of ``call``."""

    call: Call
    place: str = OUTPUT


@dataclass
class Reference:
    """Everything that passed between the layers in one untransformed run."""

    contracts: Mapping[str, Contract]
    inputs: dict[Call, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[Call, Any] = field(default_factory=dict)
    callers: dict[Call, Call | None] = field(default_factory=dict)

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Keep a copy of the arguments."""
        contract = self.contracts[call.layer]
        contract.check_inputs(arguments, call.layer or "args")
        self.inputs[call] = cloned(arguments)
        self.callers[call] = caller
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Keep a copy of the output."""
        self.contracts[call.layer].check_output(output, call.layer or "the callable")
        self.outputs[call] = cloned(output)
        return output

    def expected(self, site: Site, element: Transform, dtype: torch.dtype) -> Any:
        """What must pass at ``site`` when ``element`` acts on the network's input: computed in float64, then cast."""
        if site.place == OUTPUT:
            value, spec = self.outputs[site.call], self.spec(site)
        else:
            value, spec = self.inputs[site.call][site.place], self.spec(site)
        return cast(transform(value, spec, element), dtype)

    def spec(self, site: Site) -> object:
        """The representation of what passes at ``site``."""
        contract = self.contracts[site.call.layer]
        return contract.output if site.place == OUTPUT else contract.inputs.get(site.place)

    def owner(self, site: Site) -> Call | None:
        """The call whose code produced the value: the callee for an output, the caller for an argument."""
        return site.call if site.place == OUTPUT else self.callers[site.call]


class Fitting:
    """Finds stated contracts that do not fit the values of a run."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        """Nothing is known to misfit."""
        self.contracts = contracts
        self.misfits: dict[str, str] = {}

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Try the inputs."""
        if self.contracts[call.layer].stated:
            self._try(call, lambda: self.contracts[call.layer].check_inputs(arguments, call.layer))
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Try the output."""
        if self.contracts[call.layer].stated:
            self._try(call, lambda: self.contracts[call.layer].check_output(output, call.layer))
        return output

    def _try(self, call: Call, check: Callable[[], None]) -> None:
        try:
            check()
        except ContractError as error:
            self.misfits.setdefault(call.layer, str(error))


class Accumulated:
    """Compares the outputs of a plain transformed run with the exactly transformed reference, and changes nothing."""

    def __init__(self, reference: Reference, element: Transform) -> None:
        """``element`` was applied to the input of the run that this watches."""
        self.reference, self.element = reference, element
        self.errors: dict[Call, Errors] = {}
        self.kept: dict[Site, Any] = {}

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments pass."""
        return arguments

    def leave(self, call: Call, output: Any) -> Any:
        """Measure."""
        self.kept[Site(call)] = cloned(output)
        if call not in self.reference.outputs:
            self.errors[call] = DIVERGED
            return output
        site = Site(call)
        expected = self.reference.expected(site, self.element, torch.float64)
        self.errors[call] = compare(output, expected, self.reference.spec(site), self.element)
        return output


class Introduced:
    """Gives every layer the exactly transformed reference values, so that each one's own code is judged alone.

    What a layer's code receives, from its caller and from the layers that it calls, is exact; what it hands on, its
    output and the arguments of its calls, is compared and then replaced. One forward pass serves all layers.
    """

    def __init__(self, reference: Reference, element: Transform, dtype: torch.dtype) -> None:
        """Values are handed on in ``dtype``."""
        self.reference, self.element, self.dtype = reference, element, dtype
        self.errors: dict[Site, Errors] = {}
        self.kept: dict[Site, Any] = {}
        self.entered: set[Call] = set()

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Judge what the caller hands over, then replace it."""
        self.entered.add(call)
        if call not in self.reference.inputs:
            self.errors[Site(call, "call")] = DIVERGED
            return arguments
        if caller is None:
            return arguments
        return {name: self._exchange(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: Call, output: Any) -> Any:
        """Judge the output, then replace it."""
        return self._exchange(Site(call), output) if call in self.reference.outputs else output

    def missing(self) -> list[Call]:
        """Calls of the reference run that did not happen in this one."""
        return [call for call in self.reference.inputs if call not in self.entered]

    def _exchange(self, site: Site, value: Any) -> Any:
        if site.place != OUTPUT and site.place not in self.reference.inputs[site.call]:
            self.errors[site] = DIVERGED
            return value
        exact = self.reference.expected(site, self.element, torch.float64)
        self.errors[site] = compare(value, exact, self.reference.spec(site), self.element)
        self.kept[site] = cloned(value)
        return cast(exact, self.dtype)


class Jittered:
    """Last-bit perturbations of everything that is handed on: how far rounding alone moves each site.

    ``patched`` perturbs the reference values at every site (each layer alone); otherwise perturbations accumulate.
    """

    def __init__(self, reference: Reference, epsilon: float, seed: int, patched: bool) -> None:
        """``epsilon`` is the relative size of the perturbations."""
        self.reference, self.epsilon, self.patched = reference, epsilon, patched
        self.generator = torch.Generator().manual_seed(seed)
        self.errors: dict[Site, Errors] = {}

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Measure the arguments and perturb them."""
        if call not in self.reference.inputs or caller is None:
            return arguments
        return {name: self._shake(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: Call, output: Any) -> Any:
        """Measure the output and perturb it."""
        return self._shake(Site(call), output) if call in self.reference.outputs else output

    def _shake(self, site: Site, value: Any) -> Any:
        reference = self.reference
        if site.place == OUTPUT:
            kept = reference.outputs[site.call]
        elif site.place in reference.inputs[site.call]:
            kept = reference.inputs[site.call][site.place]
        else:
            return value
        self.errors[site] = compare(value, kept, reference.spec(site), Transform())
        if self.patched:
            return jitter(kept, self.epsilon, self.generator)
        return jitter(value, self.epsilon, self.generator) if site.place == OUTPUT else value


class Repaired:
    """Takes back what given sites are known to add, and lets everything else propagate.

    A deviation is the pair of what the layer made of exact inputs and what it should have made. Subtracting it, and
    not the whole error, keeps the effect of breaks further upstream.
    """

    def __init__(self, deviations: Mapping[Site, tuple[Any, Any]]) -> None:
        """``deviations``: site -> (what was made, what should have been made)."""
        self.deviations = deviations

    def enter(self, call: Call, caller: Call | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Repair arguments."""
        return {name: self._repair(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: Call, output: Any) -> Any:
        """Repair the output."""
        return self._repair(Site(call), output)

    def _repair(self, site: Site, value: Any) -> Any:
        if site not in self.deviations:
            return value
        made, exact = self.deviations[site]
        parts = [[t for _, t, _ in leaves(v, UNSPECIFIED)] for v in (value, made, exact)]
        shapes = [[t.shape for t in p] for p in parts]
        if shapes[0] != shapes[1] or shapes[1] != shapes[2]:
            return exact
        pairs = iter(zip(parts[1], parts[2], strict=True))
        return walk(value, UNSPECIFIED, "", lambda t, _r, _p: _take_back(t, *next(pairs)))


def jitter(value: Any, epsilon: float, generator: torch.Generator) -> Any:
    """Floating-point tensors with noise of ``epsilon`` times the largest component on the last axis."""

    def shake(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_floating_point() or tensor.numel() == 0:
            return tensor
        size = tensor.abs().amax(dim=-1, keepdim=True) if tensor.dim() else tensor.abs()
        noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64).to(tensor)
        return tensor + epsilon * size * noise

    return map_tensors(value, shake)


def _take_back(tensor: torch.Tensor, made: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    if tensor.is_floating_point():
        return tensor - (made - exact).to(tensor.dtype)
    return torch.where(tensor == made, exact, tensor)
