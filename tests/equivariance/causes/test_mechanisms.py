"""Every mechanism is told by its cause, its evidence and its remedy; sound layers beside it stay clean."""

import pytest
import torch

from equivariance.cause_catalogue import CAUSES
from tests.equivariance.helpers.mechanism_table import BROKEN, SOUND

pytestmark = pytest.mark.numeric

DTYPES = (torch.float32, torch.float64)
NOTES_ONLY = {"discrete-tie", "ill-conditioned", "unknown"}
OF_CLAIMS = {"insensitive"}
"""Causes of a claim that an output must change, which has tests of its own (`diagnosis/sensitivity`)."""


def by_name(mechanism):
    return mechanism.name


RUNS = [(m, seed, dtype) for m in BROKEN for seed, dtype in enumerate(DTYPES) if dtype in m.dtypes]


@pytest.mark.slow
@pytest.mark.parametrize(("mechanism", "seed", "dtype"), RUNS, ids=lambda value: getattr(value, "name", str(value)))
def test_a_mechanism_is_told_by_cause_evidence_and_remedy(mechanism, seed, dtype):
    report = mechanism.report(seed, dtype)
    found = [f for f in report.findings if mechanism.symmetry in f.symmetries]
    assert [f.cause for f in found] == [mechanism.cause], report
    assert mechanism.words in found[0].evidence
    assert mechanism.fix in found[0].fix
    assert found[0].fix.endswith(".")
    assert len(found[0].evidence) < 400


@pytest.mark.parametrize(("seed", "dtype"), [(0, torch.float32), (1, torch.float64)])
@pytest.mark.parametrize("mechanism", SOUND, ids=by_name)
def test_a_sound_layer_beside_a_mechanism_stays_clean(mechanism, seed, dtype):
    assert mechanism.report(seed, dtype).ok


def test_every_cause_of_a_finding_has_a_mechanism():
    assert {m.cause for m in BROKEN} == set(CAUSES) - NOTES_ONLY - OF_CLAIMS
