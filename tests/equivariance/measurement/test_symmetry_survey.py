"""A survey draws elements of one symmetry and keeps the worst measurement at each site."""

from equivariance._engine.instrumentation.hooks import LayerCall
from equivariance._engine.instrumentation.reference import Site
from equivariance._engine.measurement.survey_results import Trial
from equivariance._engine.measurement.verdict import Verdict
from equivariance.groups import Inversions, Rotations, rotation
from tests.equivariance.helpers.specimens import Mix, Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

VECTORS = normal(6, 4, 3)
SOUND, BROKEN = Site(LayerCall("layers.0")), Site(LayerCall("layers.1"))


def verdicts(places):
    """Without the sites where the very tensor came back that was given."""
    return {site: place.top[1].verdict for site, place in places.items() if place.top}


def test_every_layer_has_an_introduced_and_an_accumulated_error():
    result = survey_of(Stack(Scale(), Mix(), Scale(seed=1)), VECTORS).survey(Rotations())
    introduced, accumulated = verdicts(result.introduced), verdicts(result.accumulated)
    assert (introduced[SOUND], introduced[BROKEN]) == (Verdict.CLEAN, Verdict.BROKEN)
    after = Site(LayerCall("layers.2"))
    assert (introduced[after], accumulated[after]) == (Verdict.CLEAN, Verdict.BROKEN)
    assert result.owners[BROKEN] == BROKEN.call
    assert result.root.top[1].error > 1e-3


def test_the_worst_measurement_comes_with_its_trial():
    result = survey_of(Stack(Scale(), Mix()), VECTORS, samples=4).survey(Rotations())
    _, measurement, trial = result.introduced[BROKEN].top
    assert trial.element in Rotations().draw(4, 0, survey_of(Scale(), VECTORS).runs.sizes)
    assert measurement.error > 0.01


def test_a_symmetry_that_holds_is_clean_everywhere():
    result = survey_of(Stack(Scale(), Mix()), VECTORS).survey(Inversions())
    assert set(verdicts(result.introduced).values()) == {Verdict.CLEAN}


def test_a_plain_run_is_added_to_a_new_result():
    survey = survey_of(Stack(Scale(), Mix()), VECTORS)
    result = survey.survey(Rotations())
    before = {site: place.top for site, place in result.accumulated.items()}
    trial = Trial(rotation([3.0, 0.1, 0.2]), survey.runs.runner.states[-1])
    more = survey.with_plain_run(result, trial)
    assert {site: place.top for site, place in result.accumulated.items()} == before
    assert more.introduced is result.introduced
    assert more.root.top[1].severity >= result.root.top[1].severity


def test_a_symmetry_that_nobody_claims_is_measured_at_the_output():
    survey = survey_of(Stack(Scale(), Mix()), VECTORS)
    assert survey.output_measurement(Rotations()).verdict == Verdict.BROKEN
    assert survey.output_measurement(Inversions()).verdict < Verdict.PRECISION


def test_every_state_is_measured_at_the_output():
    survey = survey_of(Stack(Scale(), Mix()), VECTORS, samples=1)
    states = []
    survey.runs.plain_run = lambda trial, *args, run=survey.runs.plain_run, **kwargs: (
        states.append(trial.state), run(trial, *args, **kwargs)
    )[1]  # fmt: skip
    survey.survey(Rotations())
    assert set(states) == set(survey.runs.runner.states)
