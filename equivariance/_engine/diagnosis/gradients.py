"""Examines the gradients of a network's invariant outputs with respect to its inputs, such as forces.

The gradient of an invariant with respect to positions transforms as vectors. The gradient with respect to irreps
transforms as these irreps. Automatic differentiation preserves this law; a custom backward may violate it.

`equivariance.api` calls `with_gradients` after the examination of the network itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from equivariance._deadline import TimeLimitReached
from equivariance._engine.diagnosis.examine import examine_module
from equivariance._engine.instrumentation.hooks import call_with
from equivariance._engine.instrumentation.source_lines import location_of
from equivariance._engine.measurement.prepare import Prepared, bind_call, prepare
from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import UNSPECIFIED, leaves, walk
from equivariance.errors import ArgumentError, first_line
from equivariance.findings import BROKEN, HOLDS, NOT_TESTED, Finding, Outcome, SymmetryVerdict
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_INNER = "network"


class Differentiated(torch.nn.Module):
    """A network whose output is the gradient of the sum of its invariant outputs, for each input that has one.

    Args:
        network: The network.
        output: The representations of the network's output.
    """

    def __init__(self, network: torch.nn.Module, output: object) -> None:
        """Holds the network as a submodule."""
        super().__init__()
        self.network, self.output = network, output

    def forward(self, arguments: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Returns path of each floating-point input -> gradient, of the input's shape.

        If the output does not depend on an input, its gradient is zero.
        """
        inputs: dict[str, torch.Tensor] = {}

        def watch(tensor: torch.Tensor, _: Representation, path: str) -> torch.Tensor:
            if not tensor.is_floating_point():
                return tensor
            inputs[_dotted_path(path)] = found = tensor.detach().requires_grad_()
            return found

        with torch.enable_grad():
            watched = walk(arguments, UNSPECIFIED, "", watch)
            made = call_with(self.network, watched)
            energies = [t.sum() for _, t, r in leaves(made, self.output) if _is_energy(t, r)]
            if not inputs or not energies:
                expected = "floating-point inputs, and an output declared invariant (None or 0e) that depends on them"
                raise ArgumentError("gradients", True, expected)
            energy = torch.stack(energies).sum()
            found = _differentiate(energy, list(inputs.values()))
        return dict(zip(inputs, found, strict=True))


def with_gradients(report: Outcome, ready: Prepared) -> Outcome:
    """Adds the violations of the gradients, under symmetries that the network itself respects.

    The copies of the network are used again. Capabilities are determined anew, because a backward may run in fewer
    precisions than the forward.

    Args:
        report: The outcome of the network itself.
        ready: The prepared call of the network.

    Returns:
        The outcome with the findings of the gradients. A symmetry that the gradients break is broken.

    Raises:
        ArgumentError: If no output is invariant and differentiable, or if no input is a floating-point tensor.
    """
    call, contract = ready.call, ready.call.contract
    specs = {
        _dotted_path(path): _gradient_of(r)
        for path, t, r in leaves(call.arguments, dict(contract.inputs))
        if t.is_floating_point()
    }
    broken = {symmetry for finding in report.findings for symmetry in finding.symmetries}
    asked = tuple(group for group in call.asked if group.symmetry not in broken)
    plain = replace(call.settings, infer=False, layers=None, jobs=1)
    gradients = bind_call(
        Differentiated(call.module, contract.output), {"arguments": dict(call.arguments)},
        Contract({"arguments": dict(contract.inputs)}, specs), {}, asked, plain,
    )  # fmt: skip
    copies = ready.runner.variants.wrap(lambda network: Differentiated(network, contract.output))
    try:
        found = examine_module(prepare(gradients, copies))
    except TimeLimitReached:
        words = f"not tested: {call.settings.deadline} was reached"
        return replace(report, settings={**report.settings, "gradients": words})
    new = [_rename_paths(f, call.module) for f in found.findings if f.symmetry not in broken]
    worst = max((row.accumulated for row in found.layers), default=0.0)
    size = f"largest error {worst:.1e}" if asked else "not tested, because the network itself breaks every symmetry"
    tested = {"gradients": f"with respect to {', '.join(specs)}; {size}"}
    under = {verdict.symmetry: verdict for verdict in found.verdicts}
    verdicts = tuple(_with_verdict(v, under.get(v.symmetry)) for v in report.verdicts)
    return replace(report, verdicts=verdicts, findings=[*report.findings, *new], settings={**report.settings, **tested})


def _with_verdict(verdict: SymmetryVerdict, of_gradients: SymmetryVerdict | None) -> SymmetryVerdict:
    """Returns the verdict on a symmetry of the output and its gradients, from the verdicts on both."""
    if of_gradients is None or verdict.verdict != HOLDS or not verdict.claimed:
        return verdict
    if of_gradients.verdict == NOT_TESTED:
        return replace(verdict, remarks=(*verdict.remarks, f"the gradients are not tested: {of_gradients.reason}"))
    if of_gradients.verdict == HOLDS:
        return verdict
    remark = f"the gradients break it; the output keeps it (error {verdict.error:.1e})"
    return replace(
        verdict, verdict=BROKEN, excuse="", error=of_gradients.error, tested_error=of_gradients.tested_error,
        noise_floor=of_gradients.noise_floor, remarks=(remark, *verdict.remarks),
    )  # fmt: skip


def _rename_paths(finding: Finding, module: torch.nn.Module) -> Finding:
    """Returns a finding of a differentiated network with the paths of the network itself."""
    ours = finding.location is not None and Path(finding.location.file).resolve() == Path(__file__).resolve()
    layers = tuple(dict.fromkeys(map(_rename_layer, finding.layers)))
    return replace(
        finding,
        layer=layers[0],
        layers=layers,
        chain=_rename_layer(finding.chain),
        part=f"gradient{finding.part.removeprefix('output')}",
        evidence=f"in the gradients: {finding.evidence.replace('output[', 'gradient[')}",
        location=location_of(module, "") if ours else finding.location,
    )


def _rename_layer(path: str) -> str:
    return path.removeprefix(_INNER).removeprefix(".")


def _dotted_path(path: str) -> str:
    """Returns `['data']['pos']` as `data.pos`."""
    return ".".join(step.strip("'") for step in path.strip("[]").split("]["))


def _differentiate(energy: torch.Tensor, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    try:
        return torch.autograd.grad(energy, inputs, materialize_grads=True)
    except RuntimeError as error:
        expected = (
            f"a network whose output can be differentiated; it raised {first_line(error)} A network that "
            "differentiates itself (forces) keeps the graph of its energy with create_graph=True"
        )
        raise ArgumentError("gradients", True, expected) from error


def _is_energy(tensor: torch.Tensor, representation: Representation) -> bool:
    """True if a tensor is invariant and differentiable."""
    scalars = isinstance(representation, Irreps) and {b[1:] for b in representation.blocks} == {(0, 1)}
    invariant = isinstance(representation, Invariant) and not isinstance(representation, NodeIndices)
    return tensor.is_floating_point() and tensor.requires_grad and (scalars or invariant)


def _gradient_of(representation: Representation) -> Representation:
    if isinstance(representation, CartesianPoints):
        axis = representation.axis
        vectors = Irreps("1x1o") if axis == -1 else CartesianTensor((axis,))
        return replace(vectors, nodes=representation.nodes, batch=representation.batch)
    return representation
