"""Checks a network before any transformation: NaN, infinity, zero outputs, randomness, changed arguments.

Without these checks, a function that returns NaN passes, and a random function seems to violate its symmetry.

`examine` calls `run_sanity_checks` once per diagnosis. Statements are found in `first_bad_operation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from equivariance._engine.diagnosis.first_bad_operation import where_drawn, where_not_finite
from equivariance._engine.diagnosis.places import place_of_layer
from equivariance._engine.instrumentation.hooks import ROOT, LayerCall, buffers_kept, call_with
from equivariance._engine.instrumentation.perturbations import noise_like, noisy_everywhere
from equivariance._engine.instrumentation.random_states import RandomState, random_state, same_state
from equivariance._engine.instrumentation.reference import ReferenceRun
from equivariance._engine.instrumentation.source_lines import SourceLine, location_at
from equivariance._engine.instrumentation.tensor_identity import equal, identities
from equivariance._engine.instrumentation.testbed import ModelState, Runner
from equivariance._engine.measurement.relative_error import PartKey, compare, part_name, worst
from equivariance._engine.measurement.verdict import CONFIDENCE
from equivariance.cause_catalogue import remedy
from equivariance.contracts.nested import UNSPECIFIED, cast, cloned, leaves, map_tensors, walk
from equivariance.findings import AT_EXAMPLE_ONLY, Finding
from equivariance.groups.elements import Transform

NUDGE = 0.1
"""Relative size of an input change that must change the output."""


@dataclass(frozen=True)
class Sanity:
    """The result of the checks.

    Attributes:
        findings, notes: Findings and notes of symmetry "none".
        obstacle: Why no symmetry can be tested, or "".
        vacuous: Why a symmetry that is not broken proves nothing, or "".
        remark: How random numbers were treated, or "".
    """

    findings: list[Finding]
    notes: list[Finding]
    obstacle: str = ""
    vacuous: str = ""
    remark: str = ""


def run_sanity_checks(runner: Runner, whole: bool = True) -> Sanity:
    """Returns the findings and notes that need no transformation, and the obstacle to all tests.

    Args:
        runner: The copies of the network.
        whole: False if the report has no notes on the network as a whole.
    """
    findings = [f for state in runner.states for f in _not_finite(runner, state)][:1]
    if findings:
        return Sanity(findings, [], "the output is not finite")
    vanishing = _vanishing_layers(runner)
    zero = [f for f in vanishing if f.layer == ""]
    notes = [f for f in vanishing if f.layer != ""] + (_constant(runner) if whole and not zero else [])
    impure, remarks, again = _purity(runner)
    chance, trembling, differs = _randomness(runner, again)
    return Sanity(
        findings=[*zero, *impure, *chance],
        notes=[*notes, *remarks, *trembling],
        obstacle="the output is not repeatable: equal calls differ" if differs else "",
        remark=_remark_on_chance(runner, bool(chance)),
        vacuous=_vacuous(runner, zero),
    )


def _remark_on_chance(runner: Runner, evaluates_at_random: bool) -> str:
    """Returns how random numbers were treated, or "" if the network draws none."""
    if evaluates_at_random:
        return "the network draws random numbers; every run draws the same ones"
    masks = runner.capabilities.masks
    return "random masks: off in evaluation mode, the same ones in every run of training mode" if masks else ""


def _vacuous(runner: Runner, zero: list[Finding]) -> str:
    """Returns why symmetries prove nothing if every output is zero everywhere in every state, else ""."""
    outputs = [runner.reference(state).outputs[ROOT] for state in runner.states]
    if any(bool(tensor.any()) for output in outputs for _, tensor, _ in leaves(output, UNSPECIFIED)):
        return ""
    at_example = any(AT_EXAMPLE_ONLY in f.evidence for f in zero)
    return f"the output is zero everywhere{f' {AT_EXAMPLE_ONLY}' if at_example else ''}"


def _finding(
    runner: Runner, layer: str, cause: str, evidence: str, fix: str = "", place: SourceLine | None = None, **more: Any
) -> Finding:
    """Returns a finding, located at the statement `place` if it is known, else at the layer."""
    where = {"location": location_at(place), "located": "confirmed"} if place else place_of_layer(runner, layer)
    return Finding(layer, "none", cause, evidence, fix=fix or remedy(cause), **where, **more)


def _not_finite(runner: Runner, state: ModelState) -> list[Finding]:
    """Returns a finding for the first layer that makes NaN or infinity from finite inputs."""
    reference = runner.reference(state)
    for call, output in reference.outputs.items():
        bad = [
            (p, int((~torch.isfinite(t)).sum()), t.numel()) for p, t, _ in leaves(output, UNSPECIFIED) if _infinite(t)
        ]
        if bad and not any(_infinite(t) for _, t, _ in leaves(reference.inputs[call], UNSPECIFIED)):
            path, count, size = bad[0]
            text = f"{count} of {size} entries of output{path} are NaN or infinite though every input is finite"
            place = where_not_finite(runner, state, call, path)
            return [_finding(runner, call.layer, "not-finite", text, place=place, error=float("inf"), state=str(state))]
    return []


def _infinite(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())


def _vanishing_layers(runner: Runner) -> list[Finding]:
    """Returns a finding for each layer with an output part that is zero in every state: it proves nothing."""
    zero: dict[LayerCall, set[PartKey]] = {}
    for index, state in enumerate(runner.states):
        reference = runner.reference(state)
        for call, output in reference.outputs.items():
            found = _zero_parts(output, reference.contracts[call.layer].output)
            zero[call] = found if index == 0 else zero.get(call, set()) & found
    result = []
    for call, parts in zero.items():
        if parts:
            names = ", ".join(sorted("output" + part_name(p) for p in parts))
            where = f" {AT_EXAMPLE_ONLY}" if call == ROOT and not _zero_nearby(runner, parts) else ""
            text = f"{names} is zero everywhere in every state{where}, which proves nothing"
            fix = "Give another example: this one is degenerate, like points at one place." if where else ""
            result.append(_finding(runner, call.layer, "vanishing", text, fix))
    return result


def _zero_nearby(runner: Runner, parts: set[PartKey]) -> bool:
    """True if one of the parts of the output is zero for another input, too, or the network rejects the other input."""
    change, specs = noisy_everywhere(NUDGE, runner.seed, 1.0), runner.contracts[""].inputs
    moved = {k: walk(v, specs.get(k), k, change) for k, v in runner.arguments.items()}
    still = set(parts)
    for state in runner.states:
        try:
            made = runner.run(state, runner.reference_dtype, moved)
            still &= _zero_parts(made, runner.contracts[""].output)
        except Exception:  # a module may reject changed inputs in any way
            return True
    return bool(still)


def _zero_parts(output: Any, spec: object) -> set[PartKey]:
    return {
        (path, part.label)
        for path, tensor, representation in leaves(output, spec)
        if tensor.is_floating_point() and tensor.numel()
        for part in representation.parts(tensor)
        if part.values.numel() and not bool(part.values.any())
    }


def _constant(runner: Runner) -> list[Finding]:
    """Returns a finding if no input changes the output: every symmetry then holds, whatever the code does."""
    if not any(t.is_floating_point() and t.numel() for _, t, _ in leaves(runner.arguments, UNSPECIFIED)):
        return []
    generator = torch.Generator().manual_seed(runner.seed)
    changed = map_tensors(runner.arguments, lambda t: _nudge(t, generator))
    for state in runner.states:
        try:
            made = runner.run(state, runner.reference_dtype, changed)
        except Exception:  # a module may reject changed inputs in any way
            return []
        floating = any(t.is_floating_point() for _, t, _ in leaves(made, UNSPECIFIED))
        if not (floating and equal(made, runner.reference(state).outputs[ROOT])):
            return []
    text = f"output is the same to the last bit where every floating-point input is {NUDGE:.0%} off, in every state"
    fix = "Give inputs and weights for which the output depends on the inputs: perturb them, or load trained ones."
    return [_finding(runner, "", "vanishing", f"{text}, which proves nothing", fix)]


def _nudge(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    return tensor * (1 + NUDGE * noise_like(tensor, generator))


def _randomness(runner: Runner, again: Any) -> tuple[list[Finding], list[Finding], bool]:
    """Returns findings and notes about randomness, and True if equal calls with one random seed differ.

    The output `again` of a second call differs only in the random seed. If the outputs differ, an identical call is
    made too. A difference of rounding size is a note: the order of sums may depend on memory addresses.
    """
    if not any(e.difference for e in compare(again, runner.output, UNSPECIFIED, Transform()).values()):
        return [], [], False
    changed = _first_difference(runner, runner.seed + 1)
    if changed is None:
        return [], [], False
    call, error = _first_difference(runner, runner.seed) or changed
    alone = "differ in the random seed alone" if (call, error) == changed else "are identical"
    text = f"two calls in evaluation mode that {alone} differ by {error:.2g} at the output of this layer"
    fix = "" if (call, error) == changed else "Keep nothing from one call to the next in evaluation mode."
    layer, place = where_drawn(runner, ModelState(), call) if (call, error) == changed else (call.layer, None)
    found = [_finding(runner, layer, "nondeterministic", text, fix, place, error=error, state=str(ModelState()))]
    clear, seeded = error > _rounding(runner.reference_dtype), (call, error) == changed
    return (found if clear else []), ([] if clear else found), clear and not seeded


def _first_difference(runner: Runner, seed: int) -> tuple[LayerCall, float] | None:
    """Returns the first layer call whose code differs in another run with the same input, and its relative error.

    A call that differs by more than rounding comes first. If its arguments do too, the code is that of its caller. If
    no call differs, the result is None.
    """
    reference = runner.reference(ModelState())
    again = ReferenceRun(runner.contracts, reference.given, reference.copying, runner.memory)
    runner.run(ModelState(), runner.reference_dtype, runner.arguments, again, seed=seed)
    least = _rounding(runner.reference_dtype)
    errors = [
        (
            reference.callers[call] or ROOT if _error(again.inputs[call], reference.inputs[call]) > least else call,
            _error(output, reference.outputs[call]),
        )
        for call, output in again.outputs.items()
        if call in reference.outputs
    ]
    differing = [found for found in errors if found[1] > 0]
    return next((found for found in differing if found[1] > least), next(iter(differing), None))


def _error(value: Any, other: Any) -> float:
    return worst(compare(value, other, UNSPECIFIED, Transform()))[1].relative


def _rounding(dtype: torch.dtype) -> float:
    return CONFIDENCE * 4 * torch.finfo(dtype).eps


@dataclass
class _Purity:
    """Compares arguments, generators and default dtype before and after each call; the innermost call comes first."""

    changed: dict[LayerCall, list[str]] = field(default_factory=dict)
    random: list[LayerCall] = field(default_factory=list)
    default: dict[LayerCall, str] = field(default_factory=dict)
    _stack: list[tuple[dict[str, Any], Any, RandomState, torch.dtype]] = field(default_factory=list)

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        before = {name: identities(value) for name, value in arguments.items()}
        self._stack.append((arguments, before, random_state(), torch.get_default_dtype()))
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        arguments, before, generators, default = self._stack.pop()
        names = [name for name, value in arguments.items() if identities(value) != before[name]]
        if names:
            self.changed[call] = names
        if not same_state(generators, random_state()):
            self.random.append(call)
        if default != torch.get_default_dtype():
            self.default[call] = f"{default} to {torch.get_default_dtype()}"
        return output


def _purity(runner: Runner) -> tuple[list[Finding], list[Finding], Any]:
    """Returns findings and notes for layers that change arguments, draw random numbers or switch the default dtype.

    The run is in evaluation mode and in the tested precision: if float64 were the default, a switch to float64 would
    have no effect. It has another random seed than all other runs. Its output is returned, too.
    """
    watcher, state = _Purity(), ModelState()
    module = runner.module(state, runner.tested_dtype)
    given = {k: cast(cloned(v), runner.tested_dtype) for k, v in runner.arguments.items()}
    with runner.conditions(runner.tested_dtype, runner.seed + 1), buffers_kept(module):
        with runner.watched(state, runner.tested_dtype, watcher):
            first = cloned(call_with(module, given))
        second = call_with(module, given) if watcher.changed else first
        error = worst(compare(second, first, UNSPECIFIED, Transform()))[1].relative if watcher.changed else 0.0
    findings: list[Finding] = []
    notes: list[Finding] = []
    if watcher.changed:
        call, names = next(iter(watcher.changed.items()))
        text = f"changes its argument {', '.join(names)} in place"
        if error > _rounding(runner.tested_dtype):
            text += f": a second call on the same argument differs by {error:.2g}"
        fix = f"Clone {', '.join(names)} before changing it, or use operations that make a new tensor."
        made = _finding(runner, call.layer, "nondeterministic", text, fix, error=error)
        (findings if error > _rounding(runner.tested_dtype) else notes).append(made)
    for call in watcher.random[:1]:
        text, (layer, place) = (
            "draws from the global random generator in evaluation mode",
            where_drawn(runner, state, call),
        )
        notes.append(_finding(runner, layer, "nondeterministic", text, place=place))
    for call, change in list(watcher.default.items())[:1]:
        text, fix = f"leaves the default dtype changed, {change}", "Pass dtype=... to what needs it."
        notes.append(_finding(runner, call.layer, "nondeterministic", text, fix))
    return findings, notes, first
