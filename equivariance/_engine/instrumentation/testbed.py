"""Makes copies of the module under test, records their capabilities, and runs forward passes on them.

The caller's module is never run and never changed. A state is a choice of weights and mode: given or perturbed weights,
evaluation or training mode. Perturbed weights matter because a bias that is zero at initialization hides a violation.

`capabilities` and `measurement.prepare` make a `Runner`; the rest of the engine runs it. This module compares nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from equivariance._deadline import UNLIMITED, Deadline
from equivariance._engine.instrumentation.hooks import (
    UNWATCHED,
    HookSet,
    RunHandler,
    buffers_kept,
    call_with,
    preserve_globals,
)
from equivariance._engine.instrumentation.module_copies import copy_of
from equivariance._engine.instrumentation.perturbations import noise_like
from equivariance._engine.instrumentation.precision import SameDraws, Widened
from equivariance._engine.instrumentation.reference import ReferenceRun
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._torch_private import layers_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import cast, cloned
from equivariance.groups.elements import Transform
from equivariance.groups.named import Symmetry

PERTURBATION = 0.1

_OF_PRODUCTS = {"highest": 0.0, "high": 2.0**-10, "medium": 2.0**-7}
"""Setting of float32 matrix products -> machine epsilon: none beyond float32, TensorFloat-32, bfloat16."""


@dataclass(frozen=True)
class ModelState:
    """A choice of weights and mode.

    Attributes:
        weights: "given" or "perturbed".
        mode: "eval" or "train".
    """

    weights: str = "given"
    mode: str = "eval"

    def __str__(self) -> str:
        """Returns the state as written in reports."""
        return f"{self.weights} weights, {self.mode} mode"


@dataclass(frozen=True)
class Capabilities:
    """The precisions and states that a module runs in, found once per diagnosis.

    Attributes:
        tested_dtype: The dtype in which the network is used.
        reference_dtype: Float64 if the module runs in it, else `tested_dtype`.
        lowest_dtype: The lowest precision that the tested run computes in: `tested_dtype`, or that of autocast.
        states: The states that differ from each other.
        gradients: True if the module needs autograd, because it differentiates inside its forward.
        draws: True if the module draws random numbers in evaluation mode.
        in_place: True if the module changes tensors in place that pass between its layers.
        widened: True if reference runs leave out the casts to less than float64 inside the module.
        obstacle: The reason if float64 was impossible, or possible only with `widened`; else "".
        untrained: The reason if training mode was impossible; else "".
        masks: True if the module draws random numbers in training mode.
        narrows: False if the reference run computes all floating-point numbers in float64.
    """

    tested_dtype: torch.dtype
    reference_dtype: torch.dtype
    lowest_dtype: torch.dtype
    states: tuple[ModelState, ...] = (ModelState(),)
    gradients: bool = False
    draws: bool = False
    in_place: bool = False
    widened: bool = False
    obstacle: str = ""
    untrained: str = ""
    masks: bool = False
    narrows: bool = True

    def states_under(self, symmetry: str) -> tuple[ModelState, ...]:
        """Returns the states in which a symmetry is tested.

        Random masks follow the places of entries, so permutations leave training mode out if there are any. Training
        mode may couple samples on purpose, so selections of samples always leave it out.
        """
        places = symmetry == Symmetry.BATCH or (symmetry == Symmetry.PERMUTATION and self.masks)
        return tuple(s for s in self.states if s.mode == "eval" or not places)

    def only_reorders(self, element: Transform) -> bool:
        """True if an element reorders entries, and nothing but float64 rounds them."""
        moves = element.matrix != Transform().matrix or any(element.vector) or element.acts_on_lattice
        return element.reorders and not moves and not self.narrows

    @property
    def epsilon(self) -> float:
        """Machine epsilon of the reference runs."""
        return torch.finfo(torch.float64).eps if self.reference_dtype == torch.float64 else self.tested_epsilon

    @property
    def tested_epsilon(self) -> float:
        """Machine epsilon of the tested runs; for a float64 module always the epsilon of float64."""
        if self.tested_dtype == torch.float64:
            return torch.finfo(torch.float64).eps
        epsilon = torch.finfo(self.lowest_dtype).eps
        return max(epsilon, _OF_PRODUCTS[torch.get_float32_matmul_precision()])


class ModelVariants:
    """Copies of one module by weights and dtype; each is made once, at its first use.

    The weights of a copy never change. A copy is switched between evaluation and training mode. Its layers carry one
    set of hooks at a time, which is never copied into another copy.
    """

    def __init__(self, make: Callable[[str, torch.dtype], torch.nn.Module]) -> None:
        """Makes no copy yet; `make` returns a new one with the weights "given" or "perturbed", in a dtype."""
        self._make = make
        self._copies: dict[tuple[str, torch.dtype], torch.nn.Module] = {}
        self._hooks: dict[tuple[str, torch.dtype], HookSet] = {}

    def copy(self, weights: str, dtype: torch.dtype) -> torch.nn.Module:
        """Returns the copy with these weights in this dtype, in its present mode."""
        key = weights, dtype
        if key not in self._copies:
            self._copies[key] = self._make(weights, dtype)
        return self._copies[key]

    def module(self, state: ModelState, dtype: torch.dtype) -> torch.nn.Module:
        """Returns the copy for a state, switched to its mode."""
        module, training = self.copy(state.weights, dtype), state.mode == "train"
        if any(layer.training != training for layer in layers_of(module)):
            with torch.no_grad():
                module.train(training)
        return module

    def watched(
        self, weights: str, dtype: torch.dtype, layers: tuple[str, ...], handler: RunHandler
    ) -> AbstractContextManager[None]:
        """Routes the calls of `layers` in one copy through `handler`."""
        known = self._hooks.get((weights, dtype))
        if known is None or known.names != layers or not known.current:
            if known is not None:
                known.remove()
            known = self._hooks[weights, dtype] = HookSet(self.copy(weights, dtype), layers)
        return known.routing(handler)

    def wrap(self, wrap: Callable[[torch.nn.Module], torch.nn.Module]) -> ModelVariants:
        """Returns variants of a module that calls this one; they contain these copies and make no others."""
        return ModelVariants(lambda weights, dtype: wrap(self.copy(weights, dtype)))


def variants_of(module: torch.nn.Module, dtype: torch.dtype, seed: int) -> ModelVariants:
    """Returns variants of a module whose weights are rounded to `dtype`; `seed` draws the perturbation."""
    return ModelVariants(partial(_variant, module, dtype, seed))


def _variant(
    module: torch.nn.Module, tested: torch.dtype, seed: int, weights: str, dtype: torch.dtype
) -> torch.nn.Module:
    """Returns a copy that was cast and perturbed in training mode.

    Modules like escnn's compute their kernels when they enter evaluation mode. They then use the tested weights and
    dtype.
    """
    made = copy_of(module).train().to(tested)
    if weights == "perturbed":
        _perturb(made, seed)
    return made.to(dtype)


@dataclass(frozen=True, eq=False)
class Runner:
    """Runs the copies of a module on the arguments of one call.

    Invariants:
        Only `recorded` changes after the runner is made.
        Calls of layers that have a contract are watched. For other contracts or another share of the memory, another
        runner of the same variants is made, with separate recordings.

    Attributes:
        variants: The copies of the module.
        capabilities: The precisions and states of the copies.
        contracts: Layer -> contract; "" is the whole module.
        arguments: The arguments by parameter name.
        output: The output in the tested precision, with the given weights, in evaluation mode.
        seed: The seed of every run.
        memory: The memory budget that all recordings share.
        recorded: State -> reference run, for the runs made so far.
        deadline: The moment after which no pass begins.
    """

    variants: ModelVariants
    capabilities: Capabilities
    contracts: Mapping[str, Contract]
    arguments: Mapping[str, Any]
    output: Any
    seed: int
    memory: MemoryBudget
    recorded: dict[ModelState, ReferenceRun] = field(default_factory=dict)
    deadline: Deadline = UNLIMITED

    @property
    def tested_dtype(self) -> torch.dtype:
        """The dtype in which the network is used."""
        return self.capabilities.tested_dtype

    @property
    def reference_dtype(self) -> torch.dtype:
        """The dtype of reference runs."""
        return self.capabilities.reference_dtype

    @property
    def states(self) -> tuple[ModelState, ...]:
        """The states that differ from each other."""
        return self.capabilities.states

    def module(self, state: ModelState, dtype: torch.dtype) -> torch.nn.Module:
        """Returns the copy for a state, switched to its mode."""
        return self.variants.module(state, dtype)

    def watched(self, state: ModelState, dtype: torch.dtype, handler: RunHandler) -> AbstractContextManager[None]:
        """Routes the calls of layers that have a contract through `handler`."""
        return self.variants.watched(state.weights, dtype, tuple(self.contracts), handler)

    def run(
        self, state: ModelState, dtype: torch.dtype, arguments: Mapping[str, Any], handler: RunHandler = UNWATCHED,
        seed: int | None = None, within: AbstractContextManager[Any] | None = None,
    ) -> Any:  # fmt: skip
        """Runs one forward pass and restores buffers, generators and default dtype afterwards.

        Args:
            state: Weights and mode.
            dtype: The dtype of the copy, and of floating-point arguments.
            arguments: The arguments by parameter name; they are not changed.
            handler: Receives the calls of watched layers.
            seed: The seed of the run; None for the runner's.
            within: A context that is entered for the pass only.

        Returns:
            The output, in new tensors.

        Raises:
            TimeLimitReached: If no time is left.
        """
        self.deadline.check()
        module = self.module(state, dtype)
        given = {k: cast(v, dtype) for k, v in arguments.items()}
        inside = within or nullcontext()
        conditions = self.conditions(dtype, seed, draws=self.capabilities.draws or state.mode == "train")
        with conditions, inside, buffers_kept(module), self.watched(state, dtype, handler):
            return cloned(call_with(module, {k: cloned(v) for k, v in given.items()}))

    @contextmanager
    def conditions(self, dtype: torch.dtype, seed: int | None = None, draws: bool | None = None) -> Iterator[None]:
        """Sets seeds, default dtype, autograd and casts for a run in `dtype`, and restores them afterwards.

        Args:
            dtype: The dtype of the copy.
            seed: The seed of the run; None for the runner's.
            draws: True if the run may draw random numbers; None if only a module that draws in evaluation mode does.
        """
        able = self.capabilities
        widening = Widened() if able.widened and dtype == able.reference_dtype else nullcontext()
        drawing = SameDraws() if (able.draws if draws is None else draws) else nullcontext()
        with preserve_globals(dtype, self.seed if seed is None else seed, able.gradients), widening, drawing:
            yield

    def reference(self, state: ModelState) -> ReferenceRun:
        """Returns the recorded untransformed run in the reference precision; it is made once."""
        if state not in self.recorded:
            self.recorded[state] = self.record(state)
        return self.recorded[state]

    def record(self, state: ModelState, within: AbstractContextManager[Any] | None = None) -> ReferenceRun:
        """Makes a new recording of an untransformed run in the reference precision."""
        copying, given = self.capabilities.in_place, tuple(self.arguments)
        recording = ReferenceRun(self.contracts, given, copying, self.memory)
        self.run(state, self.reference_dtype, self.arguments, recording, within=within)
        if not recording.intact:
            recording = ReferenceRun(self.contracts, given, True, self.memory)
            self.run(state, self.reference_dtype, self.arguments, recording, within=within)
        return recording

    def with_contracts(self, contracts: Mapping[str, Contract]) -> Runner:
        """Returns a runner of the same copies that watches other layers."""
        return replace(self, contracts=contracts, recorded={})

    def with_memory(self, memory: MemoryBudget) -> Runner:
        """Returns a runner of the same copies with separate recordings, for another process."""
        return replace(self, memory=memory, recorded={})

    def until(self, deadline: Deadline) -> Runner:
        """Returns a runner of the same copies, with the same recordings, that ends at another moment."""
        return replace(self, deadline=deadline)


_NEARLY_ZERO = 1e-3
"""Root mean square below which a parameter hides what it multiplies, like a gate that starts at 1e-6."""


def perturb_weights(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Returns a copy with noise on parameters and running statistics.

    The noise is a tenth of a parameter's root mean square. A parameter that is zero, or nearly so, moves by about 0.1
    away from zero: what it hides must show. Buffers named
    `running_mean` get additive noise, buffers named `running_var` multiplicative noise. Other buffers are constants of
    the architecture and stay as they are.

    Args:
        module: The module, which is not changed.
        seed: The seed of the noise.
    """
    result = copy_of(module)
    _perturb(result, seed)
    return result


def _perturb(module: torch.nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point() and parameter.numel():
                scale, noise = float(parameter.double().square().mean().sqrt()), noise_like(parameter, generator)
                if scale < _NEARLY_ZERO:
                    scale, noise = 1.0, torch.where(parameter == 0, noise, noise.abs() * parameter.sign())
                parameter.add_(noise * (PERTURBATION * scale))
        for name, buffer in module.named_buffers():
            if name.rpartition(".")[2] == "running_mean":
                buffer.add_(PERTURBATION * noise_like(buffer, generator))
            elif name.rpartition(".")[2] == "running_var":
                buffer.mul_(torch.exp(PERTURBATION * noise_like(buffer, generator)))
