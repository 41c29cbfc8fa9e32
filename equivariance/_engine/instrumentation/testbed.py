"""The module under test in every state and precision, and the forward passes that are run on it.

The caller's module is never touched: the bench works on copies. States are its weights as given and slightly perturbed
(a bias that is zero at initialization hides a break), in evaluation and in training mode where that makes a difference.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from equivariance._engine.instrumentation.contract_fit import ContractFit
from equivariance._engine.instrumentation.hooks import (
    ROOT,
    UNWATCHED,
    HookSet,
    RunHandler,
    buffers_kept,
    call_with,
    preserved,
)
from equivariance._engine.instrumentation.perturbations import noise_like
from equivariance._engine.instrumentation.precision import Narrowest, Widened
from equivariance._engine.instrumentation.reference import ReferenceRun
from equivariance._engine.instrumentation.tensor_identity import equal
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._torch_private import tree_leaves
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import UNSPECIFIED, cast, cloned, leaves
from equivariance.errors import ArgumentError, first_line
from equivariance.groups.elements import Transform

PERTURBATION = 0.1

_OF_PRODUCTS = {"highest": 0.0, "high": 2.0**-10, "medium": 2.0**-7}
"""Machine epsilon of what torch may multiply float32 matrices in: itself, TensorFloat-32, bfloat16."""


@dataclass(frozen=True)
class ModelState:
    """Which weights and which mode."""

    weights: str = "given"
    mode: str = "eval"

    def __str__(self) -> str:
        """As it stands in reports."""
        return f"{self.weights} weights, {self.mode} mode"


class Bench:
    """Copies of one module, and one set of arguments, ready to be run.

    Attributes:
        tested_dtype: The dtype that is judged
        reference_dtype: Float64 where the module runs in it, else `tested_dtype`
        lowest_dtype: The lowest precision that the tested run computes in: `tested_dtype`, or what autocast makes of it
        states: The states that differ from each other
        widened: Whether the main runs leave out the casts to less than float64 that are inside
        obstacle: Why float64 was impossible, or possible only so, or ""
        untrained: Why training mode was impossible, or ""
        output: Of the working precision, weights as given, evaluation mode
        misfits: Layers whose stated contract was dropped, and why
        partial: Those of them whose contract fits, and does not state every argument
        blind: Layers that cannot be followed under permutations and selections of samples
        memory: What all recordings share
    """

    def __init__(
        self, module: torch.nn.Module, arguments: Mapping[str, Any], contracts: Mapping[str, Contract],
        dtype: torch.dtype, seed: int, reorderings: Sequence[Transform] = (), memory: MemoryBudget | None = None,
    ) -> None:  # fmt: skip
        """Copy, perturb, and find out which precisions and states there are; `reorderings` as for Fitting."""
        self.contracts, self.seed, self.tested_dtype = dict(contracts), seed, dtype
        self.memory = memory or MemoryBudget()
        self.arguments = {k: cloned(v) for k, v in arguments.items()}
        given = _copied(module).train().to(dtype)
        self._modules = {("given", dtype): given, ("perturbed", dtype): perturbed(given, seed)}
        self._references: dict[ModelState, ReferenceRun] = {}
        self._watches: dict[tuple[str, torch.dtype], HookSet] = {}
        self.gradients = False
        self._watch: AbstractContextManager[Any] = nullcontext()
        self.mismatched: dict[str, str] = {}
        self.partial: dict[str, Contract] = {}
        self.reference_dtype, self.widened, self.obstacle, self.untrained, self.lowest_dtype = (
            dtype,
            False,
            "",
            "",
            dtype,
        )
        self.unknown_axes: set[str] = set()
        self._find_gradients(reorderings)
        self._find_precision()
        self.states = self._find_states()

    @property
    def epsilon(self) -> float:
        """Machine epsilon of the main runs."""
        return torch.finfo(torch.float64).eps if self.reference_dtype == torch.float64 else self.tested_epsilon

    @property
    def tested_epsilon(self) -> float:
        """Machine epsilon of the working runs; a float64 network that asks for less is none the less one of float64."""
        if self.tested_dtype == torch.float64:
            return torch.finfo(torch.float64).eps
        epsilon = torch.finfo(self.lowest_dtype).eps
        return max(epsilon, _OF_PRODUCTS[torch.get_float32_matmul_precision()])

    def module(self, state: ModelState, dtype: torch.dtype) -> torch.nn.Module:
        """The copy for a state, switched to its mode.

        Copies are cast and perturbed in training mode: modules that compute their kernels on the way into evaluation
        mode (escnn's) compute them from the weights and in the dtype that are tested.
        """
        key = (state.weights, dtype)
        if key not in self._modules:
            self._unwatch((state.weights, self.tested_dtype))
            self._modules[key] = _copied(self._modules[state.weights, self.tested_dtype]).train().to(dtype)
        module, training = self._modules[key], state.mode == "train"
        if any(layer.training != training for layer in module.modules()):
            with torch.no_grad():
                module.train(training)
        return module

    def watched(self, state: ModelState, dtype: torch.dtype, handler: RunHandler) -> AbstractContextManager[None]:
        """Route the calls of layers that have a contract, in runs of what `module` gave, through `handler`."""
        key = state.weights, dtype
        known = self._watches.get(key)
        if known is not None and (known.names != tuple(self.contracts) or not known.current):
            self._unwatch(key)
        if key not in self._watches:
            self._watches[key] = HookSet(self._modules[key], list(self.contracts))
        return self._watches[key].routing(handler)

    def _unwatch(self, key: tuple[str, torch.dtype]) -> None:
        """Without hooks: they are of one copy, and must not come into another."""
        if key in self._watches:
            self._watches.pop(key).remove()

    def run(
        self, state: ModelState, dtype: torch.dtype, arguments: Mapping[str, Any], handler: RunHandler = UNWATCHED,
        seed: int | None = None,
    ) -> Any:  # fmt: skip
        """One forward pass; buffers, generators and default dtype are as before afterwards."""
        module = self.module(state, dtype)
        given = {k: cast(v, dtype) for k, v in arguments.items()}
        with self.conditions(dtype, seed), buffers_kept(module), self.watched(state, dtype, handler):
            return cloned(call_with(module, {k: cloned(v) for k, v in given.items()}))

    @contextmanager
    def conditions(self, dtype: torch.dtype, seed: int | None = None) -> Iterator[None]:
        """What every run in `dtype` runs under; everything is as before afterwards."""
        widening = Widened() if self.widened and dtype == self.reference_dtype else nullcontext()
        with preserved(dtype, self.seed if seed is None else seed, self.gradients), widening, self._watch:
            yield

    def reference(self, state: ModelState) -> ReferenceRun:
        """The recorded untransformed run in the main precision, made once."""
        if state not in self._references:
            recording = ReferenceRun(self.contracts, memory=self.memory)
            self.run(state, self.reference_dtype, self.arguments, recording)
            if not recording.intact:
                recording = ReferenceRun(self.contracts, copying=True, memory=self.memory)
                self.run(state, self.reference_dtype, self.arguments, recording)
            self._references[state] = recording
        return self._references[state]

    def knowing(self, contracts: Mapping[str, Contract]) -> Bench:
        """The same modules with the contracts of further layers."""
        result = self._unrecorded()
        result.contracts = {**contracts, **self.contracts}
        return result

    def without(self, layers: Collection[str]) -> Bench:
        """The same modules without the contracts of `layers`: their code counts as that of their callers."""
        result = self._unrecorded()
        result.contracts = {name: c for name, c in self.contracts.items() if name not in layers}
        return result

    def share(self, jobs: int) -> Bench:
        """For one of several processes: with recordings of its own, and a share of the memory."""
        result = self._unrecorded()
        result.memory = MemoryBudget(self.memory.gibibytes / jobs)
        return result

    def _unrecorded(self) -> Bench:
        result = copy.copy(self)
        result._references = {}
        return result

    def _find_gradients(self, reorderings: Sequence[Transform]) -> None:
        """One run: models that differentiate inside their forward (forces) need autograd, stated contracts must fit."""
        handler = ContractFit(self.contracts, reorderings)
        self._watch = watch = Narrowest(self.tested_dtype)
        try:
            self.output = self.run(ModelState(), self.tested_dtype, self.arguments, handler)
        except RuntimeError as error:
            if "grad" not in str(error):
                raise
            self.gradients = True
            self.output = self.run(ModelState(), self.tested_dtype, self.arguments, handler)
        self.lowest_dtype, self._watch = watch.dtype, nullcontext()
        self.mismatched, self.unknown_axes = handler.mismatched, handler.unknown_axes - set(handler.mismatched) - {""}
        self.partial = handler.partial
        for name in handler.mismatched:
            del self.contracts[name]
        if not leaves(self.output, UNSPECIFIED):
            raise ArgumentError("output", self.output, "at least one tensor in what the callable returns")

    def _find_precision(self) -> None:
        """float64 if the network runs in it and comes out in it; the run is kept as the reference."""
        if self.tested_dtype == torch.float64:
            return
        self.reference_dtype = torch.float64
        self.obstacle = self._obstacle()
        if self.obstacle:
            self.widened = True
            if self._obstacle():
                self.reference_dtype, self.widened = self.tested_dtype, False
                self._references.clear()

    def _obstacle(self) -> str:
        """Why float64 is impossible, or ""."""
        self._references.clear()
        self._watch = watch = Narrowest(torch.float64)
        try:
            output = self.reference(ModelState()).outputs[ROOT]
        except ArgumentError:
            raise
        except Exception as error:  # whatever a model says to a dtype that it does not know
            return f"{type(error).__name__}: {first_line(error)}"
        finally:
            self._watch = nullcontext()
        floats = {t.dtype for _, t, _ in leaves(output, UNSPECIFIED) if t.is_floating_point()}
        if not floats <= {torch.float64}:
            return f"float64 inputs give {', '.join(map(str, floats))}"
        half = torch.finfo(watch.dtype).eps > torch.finfo(torch.float32).eps
        return f"it computes in {watch.dtype}" if half else ""

    def _find_states(self) -> tuple[ModelState, ...]:
        """Modes are compared with perturbed weights, as a difference too may hide behind a zero."""
        weights = ["given"] + ["perturbed"] * any(True for _ in self._modules["given", self.tested_dtype].parameters())
        reference = self.run(ModelState(weights[-1]), self.tested_dtype, self.arguments)
        try:
            training = self.run(ModelState(weights[-1], "train"), self.tested_dtype, self.arguments)
        except Exception as error:  # a model may ask for anything in training mode, its targets say
            self.untrained = f"{type(error).__name__}: {first_line(error)}"
            return tuple(ModelState(w) for w in weights)
        modes = ["eval"] if equal(reference, training) else ["eval", "train"]
        return tuple(ModelState(w, m) for m in modes for w in weights)


def perturbed(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """A copy whose parameters carry noise, and whose running statistics have seen a little more.

    Noise of a tenth of a parameter's root mean square (of 0.1 where it is zero), on every parameter; buffers that a
    training step would update are floating-point statistics and get multiplicative noise where they are named
    `running_mean` or `running_var`; other buffers are constants of the architecture and stay.
    """
    result = _copied(module)
    generator = torch.Generator().manual_seed(seed)

    with torch.no_grad():
        for parameter in result.parameters():
            if parameter.is_floating_point() and parameter.numel():
                scale = float(parameter.double().square().mean().sqrt()) or 1.0
                parameter.add_(noise_like(parameter, generator) * (PERTURBATION * scale))
        for name, buffer in result.named_buffers():
            if name.rpartition(".")[2] == "running_mean":
                buffer.add_(PERTURBATION * noise_like(buffer, generator))
            elif name.rpartition(".")[2] == "running_var":
                buffer.mul_(torch.exp(PERTURBATION * noise_like(buffer, generator)))
    return result


def _copied(module: torch.nn.Module) -> torch.nn.Module:
    held = tree_leaves([vars(m) for m in module.modules()])
    known: dict[int, Any] = {id(v): v for v in held if isinstance(v, torch.jit.ScriptFunction)}  # holds nothing
    known |= {id(v): v.detach().clone() for v in held if isinstance(v, torch.Tensor) and v.grad_fn is not None}
    try:
        # TorchScript copies its parameters in a way that autograd would record, and warns that it is old.
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            return copy.deepcopy(module, known)
    except (RuntimeError, TypeError, AttributeError) as error:
        name = type(module).__name__
        raise ArgumentError("module", name, f"a module that copy.deepcopy can copy ({error})") from error
