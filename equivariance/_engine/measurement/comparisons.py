"""Compares what passes between the layers with the exactly transformed reference.

Each class is a handler of one run. `survey` and `isolation` start the runs; verdicts are made elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import torch

from equivariance._engine.instrumentation.hooks import ROOT, LayerCall
from equivariance._engine.instrumentation.perturbations import perturbed_inputs, with_last_bit_noise
from equivariance._engine.instrumentation.reference import CONTROL_FLOW, ReferenceRun, Site
from equivariance._engine.instrumentation.tensor_identity import same
from equivariance._engine.instrumentation.tensor_store import TensorStore
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.instrumentation.transform_cache import TransformCache
from equivariance._engine.measurement.relative_error import PartError, PartKey, compare, scales_of
from equivariance.contracts.nested import UNSPECIFIED, cast, map_tensors, sample_lists, sizes_of_graphs
from equivariance.groups.elements import Transform
from equivariance.representations.base import Representation

Errors = dict[PartKey, PartError]


DIVERGED: Errors = {("", "control flow"): PartError(math.inf, 1.0, True)}


def errors_at(reference: ReferenceRun, value: Any, exact: Any, site: Site, element: Transform) -> Errors:
    """Returns the errors of `value`, which passed at `site` in another run, against the expected value `exact`."""
    plain = element.samples is None and not element.acts_on_lattice
    spec, whole = reference.spec(site), isinstance(exact, torch.Tensor) and plain
    if not (whole and isinstance(spec, Representation) and spec.keeps_lengths):
        return compare(value, exact, spec, element)
    return compare(value, exact, spec, element, reference.compute_once(site, scales_of))


class AccumulatedErrors:
    """Compares the outputs of a plain transformed run with the exactly transformed reference, and changes nothing.

    Args:
        reference: The reference run.
        element: The element that transformed the input of the run.
        keep: True to keep every output for a later comparison.
        against: The outputs that another run kept.
        layers: The layers to compare, in addition to the whole; None for all.

    Attributes:
        errors: Site of an output -> its errors.
        distances: Site of an output -> its relative distances from `against`.
        kept: Site of an output -> the output, if `keep` is set.
    """

    def __init__(
        self, reference: ReferenceRun, element: Transform, keep: bool = False, against: dict[Site, Any] | None = None,
        layers: Collection[str] | None = None,
    ) -> None:  # fmt: skip
        """Starts without any error."""
        self.reference, self.element, self.keep, self.against = reference, element, keep, against or {}
        self.layers = layers
        self.errors: dict[Site, Errors] = {}
        self.distances: dict[Site, Errors] = {}
        self.kept: dict[Site, Any] = {}
        self._keeper = TensorStore(reference.memory)

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Returns the arguments as they are."""
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Measures the output and returns it as it is."""
        site = Site(call)
        left_out = self.layers is not None and call != ROOT and call.layer not in self.layers
        if left_out or not self.reference.has(site):
            return output
        spec = self.reference.spec(site)
        exact = self.reference.expected(site, self.element, torch.float64)
        self.errors[site] = errors_at(self.reference, output, exact, site, self.element)
        if site in self.against:
            self.distances[site] = compare(self.against.pop(site), output, spec, self.element)
        if self.keep:
            copying = self.reference.copying
            self.kept[site] = map_tensors(output, lambda t: self._keeper.keep(t.detach().clone() if copying else t))
        return output


class IntroducedErrors:
    """Runs every layer on exactly transformed reference values and measures the error of its own code.

    A layer's code receives exact values from its caller and from the layers that it calls. Its output and the arguments
    of its calls are compared and then replaced. One forward pass serves all layers. A tensor that passes at several
    sites is transformed once; if it comes back, it is recognized without a comparison.
    """

    def __init__(
        self, reference: ReferenceRun, element: Transform, dtype: torch.dtype,
        keep: bool | Collection[Site] = False, against: dict[Site, Any] | None = None,
    ) -> None:  # fmt: skip
        """Layers receive values in `dtype`; `keep` and `against` as for `AccumulatedErrors`."""
        self.reference, self.element, self.dtype = reference, element, dtype
        self.keep, self.against = keep, against or {}
        self.errors: dict[Site, Errors] = {}
        self.distances: dict[Site, Errors] = {}
        self.kept: dict[Site, Any] = {}
        self._exact = TransformCache(self.transform_value, reference.numbers)
        self._keeper = TensorStore(reference.memory)
        self._entered: set[LayerCall] = set()

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Compares the arguments of a call, then replaces them."""
        self._entered.add(call)
        if call not in self.reference.inputs:
            self.errors[Site(caller or call, CONTROL_FLOW)] = DIVERGED
            return arguments
        if caller is None:
            return arguments
        return {name: self._exchange(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Compares the output, then replaces it."""
        return self._exchange(Site(call), output)

    def transform_value(self, tensor: torch.Tensor, representation: Representation) -> torch.Tensor:
        """Returns the exact value in place of a tensor of the reference run, in `dtype`."""
        return cast(representation.transform(tensor, self.element), self.dtype)

    def exact(self, site: Site) -> Any:
        """Returns the value that must pass at `site`, in `dtype`."""
        passed = self.reference.passed_at(site)
        if passed is None:
            raise KeyError(site)
        if passed.number is not None:
            return self._exact.by_number(passed.number, passed.value, passed.spec)  # type: ignore[arg-type]
        exact = self._exact.of(passed.value, passed.spec, self.element)
        return (
            cast(exact, self.dtype) if any(sizes_of_graphs(exact)) or any(sample_lists(exact, passed.spec)) else exact
        )

    def finish(self, caller: LayerCall | None = None) -> None:
        """Records an error for each caller (or only `caller`) that left out a call of the reference run."""
        for call in self.reference.missing(self._entered, caller):
            self.errors[Site(self.reference.callers[call] or call, CONTROL_FLOW)] = DIVERGED

    def _exchange(self, site: Site, value: Any) -> Any:
        passed = self.reference.passed_at(site)
        if passed is None:
            return value
        replacement = self.exact(site)
        if same(value, replacement):
            self.errors[site] = {}
            return replacement
        exact = replacement
        if self.dtype != torch.float64:
            exact = self.reference.expected(site, self.element, torch.float64)
        self.errors[site] = errors_at(self.reference, value, exact, site, self.element)
        if site in self.against:
            self.distances[site] = compare(self.against.pop(site), value, passed.spec, self.element)
        if self.keep is True or (self.keep is not False and site in self.keep):
            self.kept[site] = map_tensors(value, self._keeper.keep)
        return replacement


class RoundingResponse:
    """Perturbs every value in its last bits and measures how far rounding moves each site.

    If `patched`, the reference values are perturbed at every site, for each layer separately. Otherwise perturbations
    accumulate.
    """

    def __init__(self, reference: ReferenceRun, epsilon: float, seed: int, patched: bool) -> None:
        """`epsilon` is the relative size of the perturbations."""
        self.reference, self.patched = reference, patched
        self.generator = torch.Generator().manual_seed(seed)
        self.errors: dict[Site, Errors] = {}
        self._entered: set[LayerCall] = set()
        # Only the tensors of the reference live as long as the handler: other addresses are used again.
        numbers = reference.numbers if patched else None
        self._perturbed = TransformCache(lambda t, _: with_last_bit_noise(t, epsilon, self.generator), numbers)

    def exact(self, site: Site) -> Any:
        """Returns the reference value at `site`, perturbed."""
        return self._perturbed.of(self.reference.value(site), UNSPECIFIED)

    def finish(self, caller: LayerCall) -> None:
        """Records an error if `caller` did not call a layer that it had called in the reference run."""
        if self.reference.missing(self._entered, caller):
            self.errors[Site(caller, CONTROL_FLOW)] = DIVERGED

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Measures the arguments and perturbs them."""
        self._entered.add(call)
        if caller is None or not self.patched:
            return arguments
        return {name: self._perturb(Site(call, name), value) for name, value in arguments.items()}

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Measures the output and perturbs it."""
        return self._perturb(Site(call), output)

    def _perturb(self, site: Site, value: Any) -> Any:
        if not self.reference.has(site):
            return value
        kept = self.reference.value(site)
        perturbed = self._perturbed.of(kept if self.patched else value, UNSPECIFIED)
        if not same(value, perturbed):
            self.errors[site] = compare(value, kept, self.reference.spec(site), Transform())
        return perturbed


def rounding_response(runner: Runner, state: ModelState, patched: bool, seed: int, epsilon: float) -> RoundingResponse:
    """Runs the network under last-bit perturbations and returns how far each site moves.

    Args:
        runner: The copies of the network.
        state: Weights and mode.
        patched: True to perturb the reference values at every site; False to let perturbations accumulate.
        seed: The seed of the perturbations.
        epsilon: The relative size of the perturbations.
    """
    handler = RoundingResponse(runner.reference(state), epsilon, seed, patched)
    runner.run(state, runner.reference_dtype, perturbed_inputs(runner.arguments, epsilon, handler.generator), handler)
    return handler
