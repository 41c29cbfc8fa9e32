"""From the survey of one symmetry to rows, findings and notes: a frozen value, made once."""

from dataclasses import FrozenInstanceError

import pytest

from equivariance._engine.diagnosis.contributions import Contributions
from equivariance._engine.diagnosis.localizer import localize
from equivariance._engine.localization.suspects import suspect_layers
from equivariance._engine.measurement.verdict import Verdict
from equivariance.groups import Inversions, Rotations
from tests.equivariance.helpers.specimens import Applied, Mix, Scale, Stack, normal
from tests.equivariance.helpers.surveys import survey_of

VECTORS = normal(6, 4, 3)


class Difference(Stack):
    """Of its second layer only the difference to itself is used, which is zero."""

    def forward(self, x):
        y = self.layers[1](x)
        return self.layers[0](x) + (y - y)


def test_a_sound_network_has_rows_and_nothing_else():
    found = localize(survey_of(Stack(Scale()), VECTORS), Rotations())
    assert [(row.layer, row.verdict) for row in found.rows] == [("", "clean"), ("layers.0", "clean")]
    assert (found.findings, found.notes) == ((), ())
    with pytest.raises(FrozenInstanceError):
        found.rows = ()


def test_a_violation_that_reaches_the_output_is_a_finding():
    (finding,) = localize(survey_of(Stack(Scale(), Mix(), Scale(seed=1)), VECTORS), Rotations()).findings
    assert (finding.layer, finding.symmetry, finding.cause) == ("layers.1", "rotation", "component-mixing")
    assert finding.located == "confirmed"
    assert 0 < finding.contributed < 1


def test_a_violation_that_later_layers_cancel_is_a_note():
    found = localize(survey_of(Difference(Scale(), Mix()), VECTORS), Rotations())
    assert found.findings == ()
    assert [(note.layer, note.cause) for note in found.notes] == [("layers.1", "component-mixing")]


def test_a_symmetry_that_the_layer_keeps_has_no_finding():
    assert localize(survey_of(Stack(Mix()), VECTORS), Inversions()).findings == ()


def test_without_a_search_inside_the_layer_is_named_and_no_statement():
    (finding,) = localize(survey_of(Stack(Mix()), VECTORS), Rotations(), inside=False).findings
    assert finding.located == "layer"
    assert finding.location.source.startswith("def forward")


def test_contributions_repair_all_other_suspects():
    """The clipping layer contributes little by itself; its introduced error does not depend on the other one."""
    survey = survey_of(Stack(Mix(size=0.5), Applied(lambda x: x + 1e-4 * x.abs())), VECTORS)
    result = survey.survey(Rotations())
    large, small = suspect_layers(result, Verdict.PRECISION)
    contributions = Contributions(survey.runs, lambda trial: {s.layer: s.sites for s in (large, small)})
    assert (large.layer, small.layer) == ("layers.0", "layers.1")
    assert contributions.contributed_error(large) > 100 * contributions.contributed_error(small) > 0
