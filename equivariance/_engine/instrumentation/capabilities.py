"""Finds the precisions and states that a module runs in, with as few forward passes as possible.

`measurement.prepare` calls it once per diagnosis. No input is transformed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from equivariance._engine.instrumentation.contract_fit import PassageLog
from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.precision import Narrowest
from equivariance._engine.instrumentation.tensor_identity import equal
from equivariance._engine.instrumentation.tensor_store import MemoryBudget
from equivariance._engine.instrumentation.testbed import Capabilities, ModelState, ModelVariants, Runner
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.errors import ArgumentError, first_line


@dataclass(frozen=True)
class FirstRun:
    """The first forward pass, in the tested precision, with the weights as given, in evaluation mode.

    Attributes:
        output: The output of the module.
        log: The arguments and outputs of every watched call.
        gradients: True if the module needs autograd, because it differentiates inside its forward.
        lowest_dtype: The lowest precision that the run computed in.
        draws: True if the run drew random numbers.
    """

    output: Any
    log: PassageLog
    gradients: bool
    lowest_dtype: torch.dtype
    draws: bool


def first_run(
    variants: ModelVariants, arguments: Mapping[str, Any], layers: Mapping[str, Contract], dtype: torch.dtype,
    seed: int, memory: MemoryBudget,
) -> FirstRun:  # fmt: skip
    """Runs the module once and records what passes through the layers that have a contract.

    Raises:
        ArgumentError: If the module returns no tensor.
    """
    log, watch = PassageLog(memory), Narrowest(dtype)
    runner = Runner(variants, Capabilities(dtype, dtype, dtype), layers, arguments, None, seed, memory)
    try:
        output = runner.run(ModelState(), dtype, arguments, log, within=watch)
    except RuntimeError as error:  # a module that differentiates inside its forward (forces) needs autograd
        if "grad" not in str(error):
            raise
        log = PassageLog(memory)
        runner = replace(runner, capabilities=replace(runner.capabilities, gradients=True))
        output = runner.run(ModelState(), dtype, arguments, log, within=watch)
    if not leaves(output, UNSPECIFIED):
        raise ArgumentError("output", output, "at least one tensor in what the callable returns")
    return FirstRun(output, log, runner.capabilities.gradients, watch.dtype, watch.draws)


def find_capabilities(runner: Runner) -> Runner:
    """Returns the runner with the capabilities of its module, and with the float64 run as a recording.

    Args:
        runner: A runner with the capabilities that the first run showed.
    """
    precise = _try_float64(runner)
    states, untrained, masks = _states(precise)
    able = replace(precise.capabilities, states=states, untrained=untrained, masks=masks)
    return replace(precise, capabilities=able)


def _try_float64(runner: Runner) -> Runner:
    """Returns the runner in float64 if the module runs in it and its output is float64.

    If casts inside the module prevent float64, reference runs leave them out.
    """
    if runner.tested_dtype == torch.float64:
        return runner
    first = ""
    for widened in (False, True):
        able = replace(runner.capabilities, reference_dtype=torch.float64, widened=widened, obstacle=first)
        precise = replace(runner, capabilities=able, recorded={})
        watch = Narrowest(torch.float64)
        obstacle = _obstacle(precise, watch)
        if not obstacle:
            return replace(precise, capabilities=replace(able, narrows=watch.dtype != torch.float64))
        first = first or obstacle
    return replace(runner, capabilities=replace(runner.capabilities, obstacle=first), recorded={})


def _obstacle(runner: Runner, watch: Narrowest) -> str:
    """Returns why float64 is impossible, or "". The run is kept as the reference; `watch` sees its dtypes."""
    try:
        recording = runner.record(ModelState(), within=watch)
    except ArgumentError:
        raise
    except Exception as error:  # a model may reject an unknown dtype in any way
        return f"{type(error).__name__}: {first_line(error)}"
    runner.recorded[ModelState()] = recording
    floats = {t.dtype for _, t, _ in leaves(recording.outputs[ROOT], UNSPECIFIED) if t.is_floating_point()}
    if not floats <= {torch.float64}:
        return f"float64 inputs give {', '.join(map(str, floats))}"
    half = torch.finfo(watch.dtype).eps > torch.finfo(torch.float32).eps
    return f"it computes in {watch.dtype}" if half else ""


def _states(runner: Runner) -> tuple[tuple[ModelState, ...], str, bool]:
    """Returns the states that differ, why training mode is impossible, or "", and True if it draws random numbers.

    Modes are compared with perturbed weights, because a zero weight may hide their difference.
    """
    dtype, given = runner.tested_dtype, runner.variants.copy("given", runner.tested_dtype)
    weights = ["given"] + ["perturbed"] * any(True for _ in given.parameters())
    evaluated = runner.run(ModelState(weights[-1]), dtype, runner.arguments)
    try:
        trained = runner.run(ModelState(weights[-1], "train"), dtype, runner.arguments)
        if not equal(evaluated, trained):
            again = runner.run(ModelState(weights[-1], "train"), dtype, runner.arguments, seed=runner.seed + 1)
    except Exception as error:  # a model may need more in training mode, such as targets
        return tuple(ModelState(w) for w in weights), f"{type(error).__name__}: {first_line(error)}", False
    if equal(evaluated, trained):
        return tuple(ModelState(w) for w in weights), "", False
    return tuple(ModelState(w, m) for m in ("eval", "train") for w in weights), "", not equal(again, trained)
