"""Small surveys for unit tests of the engine: the one place that knows how the testbed is prepared."""

from __future__ import annotations

from torch import Tensor, nn

from equivariance._engine.measurement.prepare import bind_call, prepare
from equivariance._engine.measurement.survey import SurveyOptions, SymmetrySurvey
from equivariance.contracts.contract import call_contract
from equivariance.contracts.layers import layer_contracts
from equivariance.groups.named import groups_of
from equivariance.settings import Settings


def survey_of(
    module: nn.Module, x: Tensor, irreps_in: object = "1x1o", irreps_out: object = "1x1o", samples: int = 2
) -> SymmetrySurvey:
    """A survey of a module with one input; its layers state their contracts."""
    settings, layers = Settings(samples=samples), layer_contracts(module, {})
    arguments, contract = call_contract(module.forward, x, None, irreps_in, irreps_out)
    ready = prepare(bind_call(module, arguments, contract, layers, groups_of("e3"), settings))
    return SymmetrySurvey(ready.runner, ready.call.sizes, SurveyOptions(samples, settings.seed), settings.observer)
