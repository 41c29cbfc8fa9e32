"""Small surveys for unit tests of the engine: the one place that knows how the testbed is prepared."""

from __future__ import annotations

from torch import Tensor, nn

from equivariance._engine.measurement.prepare import prepared
from equivariance._engine.measurement.survey import SurveyOptions, SymmetrySurvey
from equivariance.contracts.layers import layer_contracts
from equivariance.settings import Settings


def survey_of(
    module: nn.Module, x: Tensor, irreps_in: object = "1x1o", irreps_out: object = "1x1o", samples: int = 2
) -> SymmetrySurvey:
    """A survey of a module with one input; its layers state their contracts."""
    settings, layers = Settings(samples=samples), layer_contracts(module, {})
    ready = prepared(module, x, irreps_in, irreps_out, None, "e3", layers, settings)
    return SymmetrySurvey(ready.bench, ready.setting, SurveyOptions(samples, settings.seed), settings.observer)
