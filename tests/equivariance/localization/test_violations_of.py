"""The violations of one layer, part by part; and what an intervention leaves of them."""

import torch

from equivariance._engine.localization.suspects import suspect_layers
from equivariance._engine.localization.violations import parts_of, violations_of
from equivariance._engine.measurement.verdict import Verdict
from equivariance.groups import Rotations
from tests.equivariance.helpers.specimens import Scale, normal
from tests.equivariance.helpers.surveys import survey_of

ALLOWED = Verdict.PRECISION


class TwoMistakes(Scale):
    """Two outputs, each broken by a statement of its own."""

    def forward(self, x):
        clipped = x.clamp(-0.5, 0.5)
        shifted = x + torch.tensor([0.0, 0.0, 1.0]).to(x)
        return clipped, shifted


class OneMistake(Scale):
    """Two outputs, both broken by one statement."""

    def forward(self, x):
        clipped = x.clamp(-0.5, 0.5)
        return clipped, 2 * clipped


def found_in(module):
    survey = survey_of(module, normal(6, 4, 3), irreps_out=("1x1o", "1x1o"))
    result = survey.survey(Rotations())
    (suspect,) = suspect_layers(result, ALLOWED)
    parts = parts_of(result, suspect, ALLOWED)
    return parts, violations_of(survey.runs, Rotations(), parts, survey.options.seed)


def test_every_part_with_a_statement_of_its_own_is_a_violation():
    parts, violations = found_in(TwoMistakes())
    assert sorted(part.key[0] for part in parts) == ["[0]", "[1]"]
    assert parts[0].measurement.severity >= parts[1].measurement.severity
    sources = {line_of(v) for v in violations}
    assert sources == {"clipped = x.clamp(-0.5, 0.5)", "shifted = x + torch.tensor([0.0, 0.0, 1.0]).to(x)"}
    assert all(v.statement.confirmed for v in violations)


def test_a_statement_that_explains_both_parts_is_one_violation():
    parts, violations = found_in(OneMistake())
    assert len(parts) == 2
    (violation,) = violations
    assert line_of(violation) == "clipped = x.clamp(-0.5, 0.5)"
    assert violation.operations == ("clamp",)
    assert violation.intervention is None


def line_of(violation):
    with open(violation.statement.place.file) as file:
        return file.readlines()[violation.statement.place.line - 1].strip()
