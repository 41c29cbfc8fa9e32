"""The law of every recorded value of a layer: exact, a mixture of components, or none."""

import pytest

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.laws.candidates import AxisLengths
from equivariance._engine.laws.forms import InvariantLaw, IrrepLaw
from equivariance._engine.laws.matching import LawMatcher, Match
from equivariance._engine.localization.recording import record_call
from equivariance._engine.localization.value_laws import ValueLaws
from equivariance.groups import Transform, rotation
from tests.equivariance.helpers.specimens import Applied, normal
from tests.equivariance.helpers.surveys import survey_of

ELEMENTS = (rotation([0.3, -0.7, 1.1]), rotation([-1.2, 0.4, 0.5]))


def forward(x):
    lengths = x.norm(dim=-1, keepdim=True)  # invariant
    unit = x / lengths  # a vector
    height = unit[..., 2:]  # a component of a vector
    return lengths * height.exp()  # no law


def laws_of(function):
    """The laws of all values, by the name of the operation that made them."""
    runs = survey_of(Applied(function), normal(24, 3), irreps_out=None).runs
    runner, state = runs.runner, runs.runner.states[0]
    reference = runner.reference(state)
    tapes = [record_call(runner, state, ROOT, reference, element, {})[0] for element in (Transform(), *ELEMENTS)]
    matcher = LawMatcher("rotation", AxisLengths(None, None), tolerance=1e-9)
    return ValueLaws(tapes[0], list(zip(ELEMENTS, tapes[1:], strict=True)), matcher)


@pytest.fixture(scope="module")
def laws():
    return laws_of(forward)


def number_of(laws, operation):
    return next(event.writes[0] for event in laws.events if event.name == operation)


def test_lengths_are_invariant_and_quotients_are_vectors(laws):
    assert laws.law(number_of(laws, "linalg_vector_norm")) == InvariantLaw()
    assert isinstance(laws.law(number_of(laws, "div")), IrrepLaw)
    assert laws.level(number_of(laws, "div")) == Match.EXACT


def test_a_component_of_a_vector_has_no_law_and_can_still_be_corrected(laws):
    number = number_of(laws, "slice")
    assert laws.law(number) is None
    assert laws.level(number) == Match.LINEAR


def test_a_nonlinear_function_of_a_component_has_none(laws):
    assert laws.level(number_of(laws, "exp")) == Match.NONE


def test_earlier_laws_hold_for_values_that_are_the_same(laws):
    again = ValueLaws(laws.reference, laws.under, laws.matcher, before=laws)
    number = number_of(laws, "div")
    assert again.law(number) is laws.law(number)
