"""Finds inputs that the network passes unchanged to a layer which states its irreps.

`diagnosis.request` calls `with_laws_of_layers` before other laws are tried. The module tests no stated law.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from equivariance._engine.inference.output_runs import tensors
from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.tensor_identity import identity_of
from equivariance._engine.instrumentation.testbed import ModelState
from equivariance._engine.measurement.prepare import Prepared
from equivariance.contracts.assumption import Assumption, How, Path
from equivariance.contracts.contract import Contract
from equivariance.contracts.declared import declared_contract
from equivariance.contracts.inputs import Inputs
from equivariance.representations.irreps import Irreps


class _Takers:
    """Records the first stated irreps with which a layer takes each input of the network.

    Attributes:
        found: Path of an input -> the layer, and the irreps that it states.
    """

    def __init__(self, stated: Mapping[str, Contract]) -> None:
        self.stated = stated
        self.found: dict[Path, tuple[str, Irreps]] = {}
        self._inputs: dict[object, Path] = {}

    def enter(self, call: LayerCall, caller: LayerCall | None, arguments: dict[str, Any]) -> dict[str, Any]:
        """Records the inputs of the network, then the layers that take one of them."""
        if caller is None:
            self._inputs = {identity_of(tensor): path for path, tensor in tensors(arguments)}
            return arguments
        for name, value in arguments.items():
            path = self._inputs.get(identity_of(value)) if isinstance(value, torch.Tensor) else None
            law = self.stated[call.layer].inputs.get(name) if call.layer in self.stated else None
            if path is not None and isinstance(law, Irreps) and value.shape[-1:] == (law.dim,):
                self.found.setdefault(path, (call.layer, law))
        return arguments

    def leave(self, call: LayerCall, output: Any) -> Any:
        """Returns the output as it is."""
        return output


def states_inputs(module: torch.nn.Module) -> bool:
    """True if a layer of a module states the irreps of its inputs."""
    return bool(_stated_contracts(module))


def with_laws_of_layers(ready: Prepared, inputs: Inputs) -> Inputs:
    """Returns the inputs with the laws that the first layers state for them.

    Args:
        ready: The prepared call.
        inputs: Its inputs. Inputs whose names or values decide stay as they are.
    """
    takers, runner = _Takers(_stated_contracts(ready.call.module)), ready.runner
    watched = runner.with_contracts({**takers.stated, **runner.contracts})
    watched.run(ModelState(), runner.reference_dtype, runner.arguments, takers)
    open_ones = {a.path: a for a in inputs.assumptions if _is_open(a)}
    return inputs.with_assumptions(
        [_stated_by(open_ones[path], *found) for path, found in takers.found.items() if path in open_ones]
    )


def _stated_contracts(module: torch.nn.Module) -> dict[str, Contract]:
    """Returns the contracts of the layers that state irreps of an input."""
    contracts = {name: declared_contract(layer) for name, layer in module.named_modules() if name}
    return {
        name: contract
        for name, contract in contracts.items()
        if contract is not None and any(isinstance(law, Irreps) for law in contract.inputs.values())
    }


def _is_open(assumption: Assumption) -> bool:
    return assumption.value.is_floating_point() and (assumption.asked or assumption.why.startswith("its last axis"))


def _stated_by(assumption: Assumption, layer: str, law: Irreps) -> Assumption:
    grounds = replace(assumption.grounds, law=How.READ_OFF)
    stated = assumption.with_law(Irreps(law.irreps))
    return replace(stated, why=f"stated by {layer}", asked=False, laws=(), follows=None, grounds=grounds)
